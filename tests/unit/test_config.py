"""The configuration: where it is found, and how each mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchman_cli import config, schema
from watchman_cli.errors import ConfigError

SERVER = "  - {owner: o, repo: r, host: h, port: 3141}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watchman.yaml"


def mistakes(path: Path, text: str) -> list[str]:
    """What is said of a file, without its path."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(path, {})
    prefix = f"{path}:"
    assert all(line.startswith(prefix) for line in caught.value.mistakes)
    return [line[len(prefix) :] for line in caught.value.mistakes]


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


def test_words_that_yaml_takes_for_something_else(path: Path) -> None:
    path.write_text("sync_cache: off\nservers:\n  - {owner: no, repo: 2024-01-01, host: on, port: 1}\n")
    found = config.load(path, {})
    assert (found.sync_cache, found.servers[0].name, found.servers[0].host) == ("off", "no/2024-01-01", "on")


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
    assert "user='u'" in repr(second) and "hunter2" not in repr(second) + str(second)


def test_every_mistake_at_once_with_its_line(path: Path) -> None:
    text = """\
defaults:
  deadlin: 3
  attempts: 0
servers:
  - owner: nwp_xp
    repo: nwpc_op
    host: login01
    prt: 3141
  - owner: a/b
    repo: "x y"
    host: h
    port: 70000
    deadline: .inf
  - {owner: d, repo: d, host: h, port: 1}
  - {owner: d, repo: d, host: h, port: true}
  - {owner: "..", repo: d, host: h, port: 1}
"""
    a_name = "is not a name without slashes, blanks and control characters"
    assert mistakes(path, text) == [
        "2: defaults.deadlin: unknown key; did you mean deadline?",
        "3: defaults.attempts: 0 is less than 1",
        "5: servers[0]: port is missing",
        "8: servers[0].prt: unknown key; did you mean port?",
        f"9: servers[1].owner: 'a/b' {a_name}",
        f"10: servers[1].repo: 'x y' {a_name}",
        "12: servers[1].port: 70000 is greater than 65535",
        "13: servers[1].deadline: '.inf' is not a number",
        "15: servers[3].port: true is not a whole number",
        "15: servers[3]: d/d is already the server of line 14",
        f"16: servers[4].owner: '..' {a_name}",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: empty; it needs at least: servers"),
        ("servers: []\n", "1: servers: a list is too short; it needs at least 1"),
        ("[]", "1: a list is not keys and values"),
        ("servers:\n" + SERVER + "servers: 3\n", "3: servers: given twice"),
        ("servers:\n" + SERVER + "1: 3\n", "3: a key that is not text"),
        ("servers: [\n", "2: not valid YAML: while parsing a flow node, did not find expected node content"),
        ("a: &a [*a]\nservers:\n" + SERVER, "1: an alias stands for something that it is part of"),
        (
            "defaults:\n  user: u\nservers:\n" + SERVER,
            "4: servers[0].user: ecFlow wants a password with it; password is missing",
        ),
        (
            "defaults:\n  ssl: true\nservers:\n" + SERVER,
            "2: defaults.ssl: unknown key; say protocol: ssl",
        ),
        (
            "defaults:\n  protocol: tls\nservers:\n" + SERVER,
            "2: defaults.protocol: 'tls' is not tcp, ssl, http or https",
        ),
        (
            "defaults:\n  tokens: tokens.json\nservers:\n" + SERVER,
            "2: defaults.tokens: 'tokens.json' is not the absolute path of a file",
        ),
        ("a: !!python/object:os.system {}\n", None),
        ("store: http://x\nservers:\n" + SERVER, None),
    ],
)
def test_one_mistake(path: Path, text: str, said: str | None) -> None:
    (line,) = mistakes(path, text)
    assert said is None or line == said


def test_an_alias_bomb_is_refused_before_it_grows(path: Path) -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    assert mistakes(path, bomb) == ["1: more than 1000000 values, aliases included"]


def test_a_password_is_not_repeated(path: Path) -> None:
    wrong = "store: redis:/:hunter2@h\ndefaults: {password: 'hun ter2', user: [hunter2]}\n"
    said = "\n".join(mistakes(path, f"{wrong}servers:\n{SERVER}"))
    assert "hunter2" not in said and "ter2" not in said


def test_a_password_is_refused_on_the_command_line(path: Path) -> None:
    path.write_text(f"servers:\n{SERVER}")
    with pytest.raises(ConfigError, match="use WATCHMAN_STORE"):
        config.load(path, {}, store="redis://:hunter2@h/0")


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
