"""Only proof that a process is dead counts: what cannot be seen may be alive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from watchman_cli.store import holder

RUN = "from watchman_cli.store import holder; print(holder.new_token().decode(), flush=True); input()"


@pytest.fixture
def other() -> Any:
    process = subprocess.Popen([sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def token_of(process: Any) -> bytes:
    token: bytes = process.stdout.readline().strip()
    return token


def test_a_live_process(other: Any) -> None:
    token = token_of(other)
    assert not holder.is_dead(token) and not holder.is_dead(holder.new_token())
    assert holder.describe(token).startswith(f"PID {other.pid} on ")


def test_a_process_that_has_exited(other: Any) -> None:
    token = token_of(other)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert holder.is_dead(token)  # a zombie
    other.wait()
    assert holder.is_dead(token)


def test_another_process_of_the_same_number(other: Any) -> None:
    words = token_of(other).split()
    assert holder.is_dead(b" ".join([*words[:3], b"1", words[4]]))


def test_a_process_that_may_not_be_seen(other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under hidepid: /proc has no process of another user."""
    token, read = token_of(other), Path.read_text

    def hidden(path: Path, *arguments: Any, **options: Any) -> str:
        if path == Path(f"/proc/{other.pid}/stat"):
            raise FileNotFoundError
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", hidden)
    assert not holder.is_dead(token)
    monkeypatch.setattr(os, "kill", lambda pid, signum: (_ for _ in ()).throw(PermissionError()))
    assert not holder.is_dead(token)


def test_a_token_of_a_machine_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not holder.is_dead(b"host ? 1 ? 00")
    monkeypatch.setattr(holder, "_machine", lambda: "?")
    assert not holder.is_dead(b"host ? 99999999 ? 00")


@pytest.mark.parametrize(
    "token", [b"", b"x", b"\xff", b"a b c d e", b"a b c d e f", b"host m 99999999999999999999 1 x"]
)
def test_what_is_no_token(token: bytes) -> None:
    assert not holder.is_dead(token)
    assert holder.describe(token)
