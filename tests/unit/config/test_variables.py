"""Variables of the environment in a server's host, port and user."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchman_cli import config
from watchman_cli.config.variables import expand, expand_address, is_host
from watchman_cli.errors import ConfigError

TEXT = """\
defaults:
  password: secret
  user: ${OPERATOR}
servers:
  - owner: o
    repo: r
    host: ${SITE}-login01.example
    port: ${ECF_PORT}
"""
SET = {"SITE": "north", "ECF_PORT": "3141", "OPERATOR": "op"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "watchman.yaml"
    path.write_text(TEXT)
    return path


def test_values_of_variables(path: Path) -> None:
    (server,) = config.load(path, SET).servers
    assert (server.address, server.user) == ("north-login01.example:3141", "op")


@pytest.mark.parametrize("kept_before", [False, True])
def test_every_unset_variable_is_reported(path: Path, tmp_path: Path, kept_before: bool) -> None:
    path.write_text(TEXT.replace("  password: secret\n  user: ${OPERATOR}\n", "  attempts: 3\n"))
    environment = {"HOME": str(tmp_path)}
    if kept_before:
        config.load(path, {**SET, **environment})
    with pytest.raises(ConfigError) as caught:
        config.load(path, environment)
    assert list(caught.value.problems) == [
        f"{path}:6: servers[0].host: ${{SITE}} is not set in the environment",
        f"{path}:7: servers[0].port: ${{ECF_PORT}} is not set in the environment",
    ]


def test_user_of_the_defaults(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(path, {**SET, "OPERATOR": ""})
    assert list(caught.value.problems) == [
        f"{path}:3: defaults.user: ${{OPERATOR}} is not set in the environment"
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("port", "0", "a port, from 1 to 65535"),
        ("port", "65536", "a port, from 1 to 65535"),
        ("port", "3141.5", "a port, from 1 to 65535"),
        ("port", "-1", "a port, from 1 to 65535"),
        ("port", "٣", "a port, from 1 to 65535"),
        ("port", "9" * 5000, "a port, from 1 to 65535"),
        ("host", "a b", "a host's name or address"),
        ("host", "tcp://login01", "a host's name or address"),
        ("host", "login01:3141", "a host's name or address"),
        ("host", "h" * 256, "a host's name or address"),
        ("host", "${OTHER}", "a host's name or address"),
        ("user", "a b", "a user name without blanks"),
        ("user", "a\n", "a user name without blanks"),
    ],
)
def test_a_value_is_checked_in_each_run_and_not_shown(key: str, value: str, expected: str) -> None:
    problems: list[tuple[list[object], str]] = []
    entry = {key: "${NAME}"}
    assert expand_address(entry, ["servers", 0], {"NAME": value}, problems) == entry
    assert problems == [
        (["servers", 0, key], f"with the value of ${{NAME}}, this is not {expected}"),
    ]


def test_a_kept_configuration_checks_the_values_again(path: Path, tmp_path: Path) -> None:
    path.write_text(TEXT.replace("  password: secret\n  user: ${OPERATOR}\n", "  attempts: 3\n"))
    environment = {**SET, "HOME": str(tmp_path)}
    for port in ("3141", "3142"):
        assert config.load(path, {**environment, "ECF_PORT": port}).servers[0].port == int(port)
    with pytest.raises(ConfigError, match=r"7: servers\[0\]\.port: with the value of \$\{ECF_PORT\}"):
        config.load(path, {**environment, "ECF_PORT": "none"})


def test_parts_and_several_variables() -> None:
    problems: list[tuple[list[object], str]] = []
    entry = {"port": "31${A}${B}", "host": "${A}${A}"}
    assert expand_address(entry, [], {"A": "4", "B": "1"}, problems) == {"port": 3141, "host": "44"}
    assert problems == []
    assert expand("$A ${A} ${1}", {"A": "x"}) == "$A x ${1}"


@pytest.mark.parametrize("port", ["'3141'", "'$PORT'", "'${PORT'", "x${PORT}"])
def test_a_port_that_is_text_is_refused(path: Path, port: str) -> None:
    path.write_text(f"servers:\n- owner: o\n  repo: r\n  host: h\n  port: {port}\n")
    with pytest.raises(ConfigError, match=r":5: servers\[0\]\.port: .* is not an integer"):
        config.load(path, {"PORT": "1"})


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("login01", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::g", False),
        ("a/b", False),
        (":: 1", False),
    ],
)
def test_hosts(text: str, valid: bool) -> None:
    assert is_host(text) is valid
