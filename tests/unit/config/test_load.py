"""Loading: where a configuration is found, what overrides it, and what a Config holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchman_cli import config, schema
from watchman_cli.errors import ConfigError

SERVER = "  - {owner: o, repo: r, host: h, port: 3141}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watchman.yaml"


def test_the_contracts_example(path: Path) -> None:
    path.write_text(
        """\
store: redis://127.0.0.1:6379/0     # WATCHMAN_STORE in the environment overrides it
ecflow_python: /usr/bin/python3     # optional: the interpreter that has the ecflow bindings
defaults:                           # each may be set on a server too
  connect_timeout: 5
  attempts: 3
  deadline: 20
servers:
  - owner: nwp_xp
    repo: nwpc_op
    host: login01
    port: 3141
    deadline: 7.5
"""
    )
    found = config.load(path, {})
    (server,) = found.servers
    assert (found.store, found.ecflow_python) == ("redis://127.0.0.1:6379/0", "/usr/bin/python3")
    assert (server.name, server.address) == ("nwp_xp/nwpc_op", "login01:3141")
    assert (server.connect_timeout, server.attempts, server.deadline) == (5, 3, 7.5)
    environment = {"WATCHMAN_STORE": "file:///tmp", "WATCHMAN_ECFLOW_PYTHON": "/opt/python"}
    assert config.load(path, environment).store == "file:///tmp"
    assert config.load(path, environment).ecflow_python == "/opt/python"
    assert config.load(path, environment, store="unix:///run/redis").store == "unix:///run/redis"


def test_every_default_is_the_schemas(path: Path) -> None:
    path.write_text(f"servers:\n{SERVER}")
    (server,) = config.load(path, {}).servers
    for name, described in schema.load("config")["$defs"].items():
        if "default" in described:
            assert getattr(server, name) == described["default"]


def test_how_a_server_is_reached(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    path.write_text(
        "defaults: {protocol: https, certificate: ~/server.crt, max_reply: 64}\n"
        "servers:\n"
        "  - {owner: o, repo: r, host: h, port: 1, tokens: /etc/tokens.json, reader: protocol}\n"
        "  - {owner: o, repo: s, host: h, port: 1, protocol: ssl, user: u, password: hunter2}\n"
    )
    first, second = config.load(path, {}).servers
    assert (first.protocol, second.protocol) == ("https", "ssl")
    assert first.certificate == second.certificate == Path("/home/op/server.crt")
    assert (first.tokens, second.tokens) == (Path("/etc/tokens.json"), None)
    assert (first.reader, second.reader, first.max_reply) == ("protocol", "auto", 64)
    assert repr(second) == str(second) == "Server('o/s', 'h:1')"  # without the password


def test_a_password_is_refused_on_the_command_line(path: Path) -> None:
    path.write_text(f"servers:\n{SERVER}")
    with pytest.raises(ConfigError, match="use WATCHMAN_STORE"):
        config.load(path, {}, store="redis://:hunter2@h/0")


def test_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home, xdg = tmp_path / "home", tmp_path / "xdg"
    environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(xdg)}
    with pytest.raises(ConfigError, match="no configuration found"):
        config.find(None, environment)
    of_home = home / ".config/watchman/config.yaml"
    of_xdg = xdg / "watchman/config.yaml"
    for place in (of_home, of_xdg):
        place.parent.mkdir(parents=True)
        place.touch()
    assert config.find(None, {"HOME": str(home)}) == of_home
    assert config.find(None, environment) == of_xdg
    Path("watchman.yaml").touch()
    assert config.find(None, environment) == Path("watchman.yaml")
    assert config.find(None, {**environment, "WATCHMAN_CONFIG": "/a/b"}) == Path("/a/b")
    assert config.find("c", {**environment, "WATCHMAN_CONFIG": "/a/b"}) == Path("c")


def test_names_of_servers(path: Path) -> None:
    path.write_text(
        "servers:\n"
        "  - {owner: a, repo: one, host: h, port: 1}\n"
        "  - {owner: b, repo: one, host: h, port: 1}\n"
        "  - {owner: b, repo: two, host: h, port: 1}\n"
    )
    found = config.load(path, {})
    assert [s.name for s in found.select([])] == ["a/one", "b/one", "b/two"]
    assert [s.name for s in found.select(["two", "a/one"])] == ["a/one", "b/two"]
    with pytest.raises(ConfigError, match="name one of: a/one, b/one"):
        found.select(["one"])
    with pytest.raises(ConfigError, match="did you mean two"):
        found.select(["twoo"])


def test_details_are_kept_of_all_kinds_of_some_or_not(path: Path) -> None:
    text = f"""\
defaults: {{details: [labels, job], secret_names: [FTP]}}
servers:
{SERVER}  - {{owner: o, repo: s, host: h, port: 1, details: true, secret_names: [a.b]}}
  - {{owner: o, repo: t, host: h, port: 2, details: false}}
"""
    path.write_text(text)
    found = config.load(path, {}).servers
    assert [(each.details, each.detail_kinds, each.secret_names) for each in found] == [
        (True, ("labels", "job"), ("FTP",)),
        (True, (), ("a.b",)),
        (False, (), ("FTP",)),
    ]


def test_the_kinds_of_details_are_those_that_are_known() -> None:
    from watchman_cli.details.policy import KINDS

    listed = schema.load("config")["$defs"]["details"]["anyOf"][1]["items"]["enum"]
    assert listed == list(KINDS)


NOTIFY = "servers:\n  - {owner: o, repo: r, host: h, port: 1}\nnotify:\n"


def test_file_that_others_can_write_names_no_command(path: Path) -> None:
    path.write_text(f"{NOTIFY}  ping: http://p\n  command: [mail]\n")
    path.chmod(0o666)
    for _ in range(2):  # as it is parsed, and as it was kept
        with pytest.raises(ConfigError, match="a file that other users can write") as caught:
            config.load(path, {"HOME": str(path.parent)})
        assert str(caught.value).startswith(f"{path}:5: notify.command: ")


def test_headers_count_as_passwords(path: Path) -> None:
    path.write_text(f"{NOTIFY}  webhook: {{url: http://h, headers: {{X-Key: secret}}}}\n")
    path.chmod(0o644)
    environment = {"HOME": str(path.parent)}
    (warning,) = config.load(path, environment).warnings
    assert "has a password, and other users can read it" in warning
    assert not (path.parent / ".cache").exists()


@pytest.mark.parametrize(
    ("written", "seconds"), [("0", 0), ("50", 50), ("1.5", 1.5), ("50s", 50), ("'0s'", 0), ("1h30m", 5400)]
)
def test_min_interval_is_seconds_or_a_time(path: Path, written: str, seconds: float) -> None:
    path.write_text(f"defaults: {{min_interval: {written}}}\nservers:\n{SERVER}")
    assert config.load(path, {}).servers[0].min_interval == seconds


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("-1", "-1 is less than 0"),
        ("604801", "604801 is greater than 604800"),
        ("50 s", "'50 s' is not a number of seconds, or a time as 50s, 2m or 1h30m"),
        ("'50'", "'50' is not a number of seconds, or a time as 50s, 2m or 1h30m"),
        ("s", "'s' is not a number of seconds, or a time as 50s, 2m or 1h30m"),
        ("true", "true is not a number"),
    ],
)
def test_invalid_min_interval(path: Path, written: str, said: str) -> None:
    path.write_text(f"defaults:\n  min_interval: {written}\nservers:\n{SERVER}")
    with pytest.raises(ConfigError) as caught:
        config.load(path, {})
    assert caught.value.problems == (f"{path}:2: defaults.min_interval: {said}",)
