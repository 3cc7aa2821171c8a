"""A command that gets an event."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.loopback import await_true
from watchman_cli.notify.attempt import NotDelivered
from watchman_cli.notify.command import Commands, shown


def soon() -> float:
    return time.monotonic() + 30


def sh(script: str) -> Commands:
    return Commands(["sh", "-c", script])


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_event_is_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHMAN_STORE", "redis://:secret@h")
    file = tmp_path / "out"
    sh(f'cat > {file}; echo "$WATCHMAN_STORE" >> {file}').deliver(b'{"id":"1"}', soon())
    assert file.read_bytes() == b'{"id":"1"}\n\n'


@pytest.mark.parametrize(
    ("script", "message"), [("exit 3", "exit code 3"), ("kill -9 $$", "it was killed by signal 9")]
)
def test_other_end_than_0_is_a_failure(script: str, message: str) -> None:
    with pytest.raises(NotDelivered) as caught:
        sh(script).deliver(b"{}", soon())
    assert (str(caught.value), caught.value.transient) == (message, False)


def test_command_that_does_not_read_is_a_success() -> None:
    sh("exec 0<&-; exit 0").deliver(b"x" * 500_000, soon())


def test_missing_program() -> None:
    with pytest.raises(NotDelivered, match="cannot be started: No such file or directory"):
        Commands(["/no/such/program"]).deliver(b"{}", soon())


def test_command_is_killed_with_its_children_at_the_deadline(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    commands = sh(f"sleep 600 & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait")
    failed: list[str] = []

    def run() -> None:
        try:
            commands.deliver(b"{}", soon())
        except NotDelivered as error:
            failed.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    await_true(pids.exists, "the command did not start")
    parent, child = map(int, pids.read_text().split())
    assert is_alive(child)
    commands.stop()
    thread.join(30)
    assert failed == ["it was killed by signal 9"]
    await_true(lambda: not is_alive(parent) and not is_alive(child), "a process is left")
    with pytest.raises(NotDelivered):  # it starts nothing that goes on
        commands.deliver(b"{}", soon())


def test_command_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with pytest.raises(NotDelivered, match="it did not end in time, and was killed") as caught:
        sh(f"echo $$ > {file}; exec sleep 600").deliver(b"{}", time.monotonic() + 0.5)
    assert caught.value.transient
    assert not file.exists() or not is_alive(int(file.read_text() or os.getpid() + 10**7))


def test_message_has_no_arguments() -> None:
    assert shown(["/usr/bin/apprise", "mailto://secret"]) == "'/usr/bin/apprise'"
