"""A configuration's servers, by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchman_cli.config import Config, Server, make_server
from watchman_cli.errors import ConfigError


def server(owner: str, repo: str) -> Server:
    return make_server({"owner": owner, "repo": repo, "host": "h", "port": 3141, "password": "hunter2"})


FIRST, SECOND, THIRD = server("a", "op"), server("b", "op"), server("b", "test")
CONFIG = Config(Path("w.yaml"), "file:///s", None, "store", (FIRST, SECOND, THIRD), ())


def test_server_has_a_name_and_an_address_and_hides_its_password() -> None:
    assert (FIRST.name, FIRST.address) == ("a/op", "h:3141")
    assert FIRST.password == "hunter2" and "hunter2" not in repr(FIRST)


def test_signature_distinguishes_the_details_that_are_kept() -> None:
    entry = {"owner": "a", "repo": "op", "host": "h", "port": 3141}
    assert FIRST.details_signature is None
    assert make_server({**entry, "details": True}).details_signature == [""]
    of_kinds = {**entry, "details": ["meters", "labels"], "secret_names": ["FTP", "Dart", "ftp"]}
    assert make_server(of_kinds).details_signature == ["labels", "meters", "", "dart", "ftp"]


@pytest.mark.parametrize(
    ("names", "servers"),
    [
        ([], (FIRST, SECOND, THIRD)),
        (["test"], (THIRD,)),
        (["b/op"], (SECOND,)),
        (["test", "a/op", "b/test"], (FIRST, THIRD)),
    ],
)
def test_servers_by_name_in_the_configurations_order(names: list[str], servers: tuple[Server, ...]) -> None:
    assert CONFIG.select(names) == servers


def test_every_unknown_and_ambiguous_name_is_reported() -> None:
    with pytest.raises(ConfigError) as raised:
        CONFIG.select(["op", "tset", "b/op", "x y"])
    assert raised.value.problems == (
        "op: more than one server has this repo, name one of: a/op, b/op",
        "tset: no such server in w.yaml; did you mean test?",
        "'x y': no such server in w.yaml",
    )
