"""YAML's surprises: other numbers than they look like, words that are no strings, merge keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.test_validate import problems
from watchman_cli import config


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watchman.yaml"


def server(**changed: str) -> str:
    entry = {"owner": "o", "repo": "r", "host": "h", "port": "3141", **changed}
    return "servers:\n" + "".join(
        f"{'  - ' if key == 'owner' else '    '}{key}: {value}\n" for key, value in entry.items()
    )


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("03141", "1633"),
        ("0xC45", "3141"),
        ("0b110001000101", "3141"),
        ("3_141", "3141"),
        ("52:21", "3141"),
        ("-010", "-8"),
        ("1:30.5", "90.5"),
        ("1_0.5", "10.5"),
        ("00", "0"),
    ],
)
@pytest.mark.parametrize(("key", "line"), [("port", 5), ("deadline", 6), ("owner", 2), ("repo", 3)])
def test_number_that_yaml_reads_as_another_one(
    path: Path, written: str, number: str, key: str, line: int
) -> None:
    (message,) = problems(path, server(**{key: written}))
    advice = f"write a plain decimal number, or quote it: '{written}'"
    assert message == f"{line}: servers[0].{key}: {written} is read as {number} in YAML 1.1; {advice}"


@pytest.mark.parametrize(
    ("key", "written", "said"),
    [
        ("owner", "83", "83 is not a string; quote it: '83'"),
        ("repo", "1.10", "1.10 is not a string; quote it: '1.10'"),
        ("repo", "12e4", "12e4 is not a string; quote it: '12e4'"),
        ("owner", "True", "True is not a string; quote it: 'True'"),
        ("owner", "~", "~ is not a string; quote it: '~'"),
        ("host", "# h", "nothing is not a string; quote it"),
        ("password", "# p", "this value is not a string; quote it"),
        ("password", "12345678", "this value is not a string; quote it"),
        ("password", "01234567", "this value is a number in YAML; quote it"),
        ("port", '"3141"', "'3141' is not an integer; write it without quotes"),
        ("port", "TRUE", "TRUE is not an integer"),
        ("deadline", "2024-01-01", "'2024-01-01' is not a number"),
    ],
)
def test_message_has_the_written_value_and_advice(path: Path, key: str, written: str, said: str) -> None:
    (message,) = problems(path, server(**{key: written}))
    assert message.partition(": ")[2] == f"servers[0].{key}: {said}"


def test_values_that_stay_as_written(path: Path) -> None:
    path.write_text(server(owner="'0123'", repo="1.2.3", host="127.0.0.1", deadline="1e1", attempts="+5"))
    (found,) = config.load(path, {}).servers
    assert (found.owner, found.repo, found.host) == ("0123", "1.2.3", "127.0.0.1")
    assert (found.deadline, found.attempts) == (10.0, 5)


def test_a_password_that_begins_with_a_sign_of_yaml(path: Path) -> None:
    (message,) = problems(path, server(password="%secret"))
    assert message.endswith("quote a value that begins with %, @ or `") and "secret" not in message


def test_merge_keys(path: Path) -> None:
    path.write_text(
        "x-slow: &slow {deadline: 60, attempts: 5}\n"
        "x-tls: &tls {protocol: ssl, attempts: 2}\n"
        "servers:\n"
        "  - &first {owner: o, repo: a, host: login01, port: 1}\n"
        "  - {<<: *first, repo: b}\n"
        "  - {<<: [*first, *tls, *slow], repo: c, port: 2}\n"
    )
    _, second, third = config.load(path, {}).servers
    assert (second.name, second.address) == ("o/b", "login01:1")
    assert (third.name, third.address, third.protocol) == ("o/c", "login01:2", "ssl")
    assert (third.attempts, third.deadline) == (2, 60)


def test_problem_in_a_merged_mapping_has_its_line(path: Path) -> None:
    text = "x-base: &base\n  owner: o\n  port: 70000\nservers:\n- <<: *base\n  repo: r\n  host: h\n"
    assert problems(path, text) == ["3: servers[0].port: 70000 is greater than 65535"]
    assert problems(path, "servers:\n- <<: x\n  repo: r\n") == [
        "2: <<: expects an alias of a mapping, or a list of them"
    ]
    assert problems(path, "x-a: &a {y: 1}\nservers:\n- {<<: *a, <<: *a}\n") == ["3: <<: duplicate key"]
