"""Passwords from files and from the environment, and those with signs that mean something in a URL."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.unit.config.test_validate import problems
from watchman_cli import config
from watchman_cli.errors import ConfigError

PASSWORD = "p/a#s?s%41w@r:d&+"
SERVER = "  - {owner: o, repo: r, host: h, port: 3141}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watchman.yaml"


def test_a_password_from_a_file(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    path.write_text(
        f"defaults: {{user: u, password_file: {secret}}}\nservers:\n{SERVER}"
        "  - {owner: o, repo: s, host: h, port: 1, password: its-own}\n"
    )
    found = config.load(path, {})
    assert [server.password for server in found.servers] == [PASSWORD, "its-own"]
    path.chmod(0o600)
    assert config.load(path, {}).warnings == ()
    secret.chmod(0o644)
    (warning,) = config.load(path, {}).warnings
    assert warning == f"{secret} has a password, and other users can read it: chmod 600 {secret}"


def test_a_password_file_overrides_a_password_of_the_defaults(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_text("of-the-file")
    entry = f"{{owner: o, repo: r, host: h, port: 1, password_file: {secret}}}"
    path.write_text(f"defaults: {{password: common}}\nservers:\n  - {entry}\n")
    assert config.load(path, {}).servers[0].password == "of-the-file"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        ("folder", "Is a directory"),
        ("fifo", "not a regular file"),
        (b"", "it must have the password as its only line"),
        (b"hunter2\nhunter3\n", "it must have the password as its only line"),
        (b"hunter2" * 1000, "it must have the password as its only line"),
        (b"hunter2\xff", "not UTF-8"),
        (b"hunter2 x", None),
    ],
)
def test_invalid_password_file(path: Path, content: bytes | str | None, said: str | None) -> None:
    secret = path.with_name("secret")
    if content == "folder":
        secret.mkdir()
    elif content == "fifo":
        os.mkfifo(secret)
    elif isinstance(content, bytes):
        secret.write_bytes(content)
    found = problems(path, f"defaults:\n  user: u\n  password_file: {secret}\nservers:\n{SERVER}")
    assert "hunter" not in str(found)
    (message,) = found
    assert said is None or message == f"3: defaults.password_file: {said}"


def test_a_password_and_a_password_file(path: Path) -> None:
    text = f"defaults:\n  password: hunter2\n  password_file: /nowhere\nservers:\n{SERVER}"
    assert problems(path, text) == ["3: defaults.password_file: password is set as well; keep one of them"]


def test_passwords_from_the_environment(path: Path) -> None:
    path.write_text(
        "store: redis://${WHO}:${WORD}@${HOST}:6379/0\ndefaults: {password: 'x${WORD}'}\n"
        f"servers:\n{SERVER}"
    )
    path.chmod(0o600)
    found = config.load(path, {"WHO": "u@x", "WORD": PASSWORD, "HOST": "redis01"})
    parts = urlsplit(found.store)
    assert (parts.hostname, parts.port, parts.path) == ("redis01", 6379, "/0")
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == ("u@x", PASSWORD)
    assert found.servers[0].password == "x" + PASSWORD
    assert found.warnings == ()
    assert config.load(path, {"WORD": "p", "WATCHMAN_STORE": "redis://:${WORD}@h"}).store == "redis://:p@h"
    assert config.load(path, {"WORD": "p"}, store="redis://:${WORD}@h/1").store == "redis://:p@h/1"
    with pytest.raises(ConfigError) as caught:
        config.load(path, {})
    assert caught.value.problems == (
        f"{path}:1: store: ${{WHO}} is not set in the environment",
        f"{path}:2: defaults.password: ${{WORD}} is not set in the environment",
    )


def test_a_whole_store_from_the_environment(path: Path) -> None:
    path.write_text(f"store: ${{REDIS_URL}}\nservers:\n{SERVER}")
    assert config.load(path, {"REDIS_URL": "redis://:a%2Fb@h/1"}).store == "redis://:a%2Fb@h/1"
    assert config.load(path, {}, store="redis://other").store == "redis://other"
    with pytest.raises(ConfigError, match=r"REDIS_URL\} is not set"):
        config.load(path, {})


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("redis://:a/b@h:6379/0", False),
        ("redis://u:a#b@h", False),
        ("redis://u:a?b@h", False),
        ("redis://u:12/34@h/0", False),
        ("redis://:12#34@h/0", False),
        ("redis://:50%@h", False),
        ("redis://:50%off@h", False),
        ("rediss://:a?b=c@h", False),
        ("redis+sentinel://:a/b@h:1,i:2/name", False),
        ("unix://u:a/b@/run/redis", False),
        ("redis://:a%2Fb%23c%3Fd%25@h:6379/0", True),
        ("redis://:a@b:c@h", True),
        ("redis://h:6379/0?username=w&password=a@b", True),
        ("redis://[::1]:6379/0?password=a@b", True),
        ("unix:///run/redis@1/socket?db=1", True),
        ("file:///var/lib/watchman@1", True),
    ],
)
def test_a_password_that_ends_a_part_of_the_url(path: Path, url: str, good: bool) -> None:
    text = f"store: '{url}'\nservers:\n{SERVER}"
    if good:
        path.write_text(text)
        assert config.load(path, {}).store == url
        assert config.load(path, {"WATCHMAN_STORE": url}).store == url
    else:
        (message,) = problems(path, text)
        assert message.startswith("1: store: in a password, write % as %25, / as %2F, ? as %3F")
        path.write_text(f"servers:\n{SERVER}")
        with pytest.raises(ConfigError, match="WATCHMAN_STORE: in a password, write %"):
            config.load(path, {"WATCHMAN_STORE": url})
