"""How each problem in a configuration is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchman_cli import config
from watchman_cli.errors import ConfigError

SERVER = "  - {owner: o, repo: r, host: h, port: 3141}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watchman.yaml"


def problems(path: Path, text: str) -> list[str]:
    """The messages about a file, without its path."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(path, {})
    prefix = f"{path}:"
    assert all(line.startswith(prefix) for line in caught.value.problems)
    return [line[len(prefix) :] for line in caught.value.problems]


def test_words_that_yaml_takes_for_something_else(path: Path) -> None:
    path.write_text("sync_cache: off\nservers:\n  - {owner: no, repo: 2024-01-01, host: on, port: 1}\n")
    found = config.load(path, {})
    assert (found.sync_cache, found.servers[0].name, found.servers[0].host) == ("off", "no/2024-01-01", "on")


def test_every_problem_at_once_with_its_line(path: Path) -> None:
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
    assert problems(path, text) == [
        "2: defaults.deadlin: unknown key; did you mean deadline?",
        "3: defaults.attempts: 0 is less than 1",
        "5: servers[0]: port is missing",
        "8: servers[0].prt: unknown key; did you mean port?",
        f"9: servers[1].owner: 'a/b' {a_name}",
        f"10: servers[1].repo: 'x y' {a_name}",
        "12: servers[1].port: 70000 is greater than 65535",
        "13: servers[1].deadline: '.inf' is not a number",
        "15: servers[3].port: true is not an integer",
        f"15: servers[3]: d/d is already the server of {path}:14",
        f"16: servers[4].owner: '..' {a_name}",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: empty; it needs at least: servers"),
        ("servers: []\n", "1: servers: a list is too short; it needs at least 1"),
        ('" ": 1\nservers: [{owner: o, repo: r, host: h, port: 1}]\n', "1: ' ': unknown key"),
        ('"": 1\nservers: [{owner: o, repo: r, host: h, port: 1}]\n', "1: '': unknown key"),
        (
            'defaults: {"a\\e": 1}\nservers: [{owner: o, repo: r, host: h, port: 1}]\n',
            "1: defaults.'a'...: unknown key",
        ),
        ("[]", "1: a list is not a mapping"),
        ("servers:\n" + SERVER + "servers: 3\n", "3: servers: duplicate key"),
        ("servers:\n" + SERVER + "1: 3\n", "3: a key that is not a string"),
        ("servers: [\n", "2: not valid YAML: while parsing a flow node, did not find expected node content"),
        ("a: &a [*a]\nservers:\n" + SERVER, "1: an alias that contains itself"),
        (
            "defaults:\n  user: u\nservers:\n" + SERVER,
            "4: servers[0].user: password is missing: ecFlow needs one with a user",
        ),
        (
            "defaults:\n  ssl: true\nservers:\n" + SERVER,
            "2: defaults.ssl: unknown key; use protocol: ssl",
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
def test_one_problem(path: Path, text: str, said: str | None) -> None:
    (line,) = problems(path, text)
    assert said is None or line == said


def test_an_alias_bomb_is_refused_before_it_grows(path: Path) -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    assert problems(path, bomb) == ["1: more than 1000000 values, aliases included"]


def test_a_password_is_not_repeated(path: Path) -> None:
    wrong = "store: redis:/:hunter2@h\ndefaults: {password: 'hun ter2', user: [hunter2]}\n"
    said = "\n".join(problems(path, f"{wrong}servers:\n{SERVER}"))
    assert "hunter2" not in said and "ter2" not in said


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("http://login01", "'http://login01' is not a host alone; write host: login01, protocol: http"),
        (
            "https://login01:3141/",
            "'https://login01:3141/' is not a host alone; write host: login01, port: 3141, protocol: https",
        ),
        ("ecflow://login01", "'ecflow://login01' is not a host alone; write host: login01"),
        ("login01:3141", "'login01:3141' is not a host alone; write host: login01, port: 3141"),
        ("login01/", "'login01/' is not a host alone; write host: login01"),
        ("op@login01", "this address is not a host alone; write host: login01, user and password"),
        ("'[::1]'", "'[::1]' is not a host alone; write host: ::1"),
        ("'[::1]:3141'", "'[::1]:3141' is not a host alone; write host: ::1, port: 3141"),
        ("login01,login02", "'login01,login02' is not a host's name or address"),
        ("-login01", "'-login01' is not a host's name or address"),
        ("'::g'", "'::g' is not a host's name or address"),
        ("login01", None),
        ("login_01.site.example.", None),
        ("192.0.2.1", None),
        ("'fe80::1%eth0'", None),
        ("bücher.example", None),
    ],
)
def test_host_with_more_than_a_name(path: Path, host: str, said: str | None) -> None:
    text = f"servers:\n- owner: o\n  repo: r\n  host: {host}\n  port: 3141\n"
    if said is None:
        path.write_text(text)
        assert config.load(path, {}).servers[0].host == host.strip("'")
    else:
        assert problems(path, text) == [f"4: servers[0].host: {said}"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("details: [labels, label]", "details[1]: 'label' is not variables, labels, meters, events, limits, "
         "inlimits, repeats, triggers, times, late, queues, zombies or job"),
        ("details: 5", "details: 5 is not true, false, or a list of kinds"),
        ("details: []", "details: a list is too short; it needs at least 1"),
        ("details: [job, job]", "details: a list has a duplicate"),
        ("details: some", "details: 'some' is not true, false, or a list of kinds"),
        ("details: {job: true}", "details: a mapping is not true, false, or a list of kinds"),
        ("secret_names: [a b]", "secret_names[0]: 'a b' is not a part of a variable's name"),
        ("secret_names: FTP", "secret_names: this value is not a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_details(path: Path, setting: str, message: str) -> None:
    assert problems(path, f"defaults:\n  {setting}\nservers:\n{SERVER}") == [f"2: defaults.{message}"]


def test_the_bindings_read_no_details(path: Path) -> None:
    text = f"defaults: {{reader: bindings}}\nservers:\n{SERVER[:-2]}, details: true}}\n"
    assert problems(path, text) == [
        "3: servers[0].details: the bindings do not read details: set reader to auto or protocol"
    ]


def test_receivers_of_notifications(path: Path) -> None:
    text = f"""\
servers:
{SERVER}notify:
  for: soon
  alertmanager: [http://a, ftp://b, http://u:p@c]
  webhook: {{url: http://h, header: 3}}
  command: mail
  ping: http://h:70000
"""
    assert problems(path, text) == [
        "4: notify.for: 'soon' is not a number of seconds, or a text as 90s, 2m, 1h30m or 1d",
        "5: notify.alertmanager[1]: 'ftp://b' is not a URL that begins with http:// or https://, "
        "without a user and a password",
        "5: notify.alertmanager[2]: this address is not a URL that begins with http:// or https://, "
        "without a user and a password",
        "6: notify.webhook.header: unknown key; did you mean headers?",
        "7: notify.command: this value is not a list",
        "8: notify.ping: 'http://h:70000' is not a URL that begins with http:// or https://, "
        "without a user and a password",
    ]


@pytest.mark.parametrize("span", ["0", "90", "1.5", "2m", "1h30m", '"90"'])
def test_spans(path: Path, span: str) -> None:
    path.write_text(f"servers:\n{SERVER}notify: {{for: {span}}}\n")
    assert config.load(path, {}).notify
