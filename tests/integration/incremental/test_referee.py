"""The referee: now and then the bindings read the server too, and what they see is what counts."""

from __future__ import annotations

import json
import os
import signal
import stat
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import ECFLOW_PYTHON
from tests.support.loopback import await_true
from tests.support.redis_server import health_of, verify_next
from tests.support.watched import NAME, VERIFIED_EVERY, Watched
from watchman_cli.store.redis.keys import key, server_keys

EQUAL = "equal, node by node"
FAMILY_WITH_A_TOKEN = """\
suite tokens
  limit lim 1
  family f
    inlimit -n lim
    task a
    task b
  endfamily
endsuite
"""


def due(watched: Watched) -> None:
    """Have the next run be one that is verified."""
    verify_next(watched.redis.client, NAME)


def lie(watched: Watched) -> None:
    """Alter one state in what the protocol's client is sent, and not in what the bindings are.

    Only this client asks for the statistics in the same request.
    """

    def rewrite(request: bytes, reply: bytes) -> bytes:
        if b"CtsCmd" not in request:
            return reply
        return reply.replace(b"task b # state:queued", b"task b # state:active")

    watched.relay.rewrite = rewrite


def from_now(time: str) -> float:
    return (datetime.fromisoformat(time) - datetime.now(timezone.utc)).total_seconds()


def interpreter(folder: Path, *lines: str) -> str:
    """Return a program in place of the interpreter that has the bindings."""
    path = folder / "python"
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_equal(watched: Watched) -> None:
    due(watched)
    found = watched.collect()
    assert (found["mode"], found["verification"], found["disabled"]) == ("unchanged", EQUAL, None)
    assert VERIFIED_EVERY - 120 < from_now(found["next_verification"]) <= VERIFIED_EVERY
    assert len(watched.taken()) == 2  # the bindings' is one more
    assert watched.collect()["verification"] == EQUAL  # the last one's, which is kept
    assert len(watched.taken()) == 1


def test_equal_with_a_handle(loaded: Watched) -> None:
    loaded.configure(suites=["s"])
    loaded.collect()
    due(loaded)
    assert loaded.collect()["verification"] == EQUAL
    assert len(loaded.ecflow.handles()) == 1


def test_equal_but_for_what_changed_meanwhile(watched: Watched) -> None:
    """The server changes between the two readings: what changed then is asked for, and left out."""
    due(watched)
    changed: list[bool] = []

    def change(request: bytes, reply: bytes) -> bytes:
        if b"CtsCmd" in request and not changed:
            changed.append(True)
            watched.ecflow.force_state("/other/t7", "State.aborted")
            watched.ecflow.suspend("/s/f/b")
        return reply

    watched.relay.rewrite = change
    result = watched.watchman.collect()
    assert (result.code, result.err) == (0, "")
    found = watched.health()
    assert found["verification"].startswith("equal, except ")
    assert found["disabled"] is None
    watched.relay.rewrite = None
    assert watched.collect()["mode"] == "incremental"


def test_nodes_moved_meanwhile(watched: Watched) -> None:
    due(watched)
    changed: list[bool] = []

    def change(request: bytes, reply: bytes) -> bytes:
        if b"CtsCmd" in request and not changed:
            changed.append(True)
            watched.ecflow.delete("/other/t7", True)
        return reply

    watched.relay.rewrite = change
    assert watched.watchman.collect().code == 0
    found = watched.health()
    assert found["verification"] == "not verified: nodes were added, removed or moved meanwhile"
    assert found["disabled"] is None


def test_a_difference_is_reported_and_the_bindings_reading_is_written_until_reset(watched: Watched) -> None:
    lie(watched)
    result = watched.watchman.collect("--reset-sync", NAME)
    assert (result.code, result.err) == (0, "")
    due(watched)

    result = watched.watchman.collect()

    assert result.code == 0
    (line,) = result.err.splitlines()
    reported = "the protocol's reading differs from the bindings': /s/f/b active"
    assert f"o/r: {reported}" in line
    found = watched.check()  # the bindings' reading is what was written
    assert found["disabled"]["reason"].startswith(reported)
    assert found["verification"].startswith(reported)
    for state in ("aborted", "complete"):
        watched.ecflow.force_state("/other/t7", f"State.{state}")
        found = watched.collect()
        assert found["mode"] == "full"
        assert found["reason"].startswith(f"incremental syncs are off: {reported}")
    watched.relay.rewrite = None
    found = watched.collect("--reset-sync", NAME)
    assert (found["mode"], found["disabled"]) == ("full", None)
    assert watched.collect()["mode"] == "unchanged"


def test_a_difference_in_what_a_stored_snapshot_says(watched: Watched) -> None:
    """A fault of ours that changes left behind: the snapshot and its sync cache agree, and are wrong."""
    lie(watched)
    assert watched.watchman.collect("--reset-sync", NAME).code == 0
    watched.relay.rewrite = None
    assert watched.watchman.collect().code == 0
    assert watched.health()["mode"] == "unchanged"
    due(watched)
    assert "differs from the bindings'" in watched.watchman.collect().err
    watched.check()


DETAILS_TOO = "; their details as well"


def test_equal_details(watched: Watched) -> None:
    watched.configure(details=True)
    watched.collect()
    watched.ecflow.alter("/s/f/a", "change", "label", "info", "one\ntwo")
    watched.ecflow.alter("/s/f/a", "change", "variable", "V", 'it\'s "quoted" # and cut')
    watched.ecflow.alter("/s/f/a", "add", "variable", "DB_PASSWORD", "xyzzy-7")
    watched.ecflow.alter("/", "add", "variable", "SERVER_WIDE", "7")
    due(watched)
    assert watched.collect()["verification"] == EQUAL + DETAILS_TOO
    watched.configure(details=["labels", "limits"])
    due(watched)
    assert watched.collect()["verification"] == EQUAL + DETAILS_TOO


def test_tokens_that_a_family_takes_as_a_whole_are_equal(watched: Watched) -> None:
    """The server does not send a change of `inlimit -n … # incremented:1`."""
    watched.configure(details=True)
    watched.ecflow.load_text(FAMILY_WITH_A_TOKEN)
    watched.ecflow.begin_suite("tokens")
    watched.collect()
    watched.ecflow.force_state("/tokens/f/a", "State.submitted")
    due(watched)
    assert watched.collect()["verification"] == EQUAL + DETAILS_TOO


def test_details_that_changed_meanwhile_are_not_compared(watched: Watched) -> None:
    watched.configure(details=True)
    watched.collect()
    due(watched)
    changed: list[bool] = []

    def change(request: bytes, reply: bytes) -> bytes:
        if b"CtsCmd" in request and not changed:
            changed.append(True)
            watched.ecflow.alter("/s/f/a", "change", "label", "info", "later")
            watched.ecflow.alter("/", "add", "variable", "SERVER_WIDE", "7")
        return reply

    watched.relay.rewrite = change
    result = watched.watchman.collect()
    assert (result.code, result.err) == (0, "")
    found = watched.health()
    assert found["verification"] == "equal, except 2 nodes that changed meanwhile" + DETAILS_TOO


@pytest.mark.parametrize(
    ("sent", "altered", "differing"),
    [
        (b"edit V 'x'", b"edit V 'xyzzy-7'", "'edit V' of /s/f/a"),
        (b"limit disk 10", b"limit disk 11", "'limit disk' of /s/f/a"),
        (b"meter progress 0 100", b"meter progress 0 101", "'meter progress' of /s/f/a"),
    ],
)
def test_a_difference_in_the_details(watched: Watched, sent: bytes, altered: bytes, differing: str) -> None:
    """What is stored is deleted; the bindings' reading is written, and reported without a value."""
    watched.configure(details=True)

    def rewrite(request: bytes, reply: bytes) -> bytes:
        return reply.replace(sent, altered) if b"CtsCmd" in request else reply

    watched.relay.rewrite = rewrite
    assert watched.watchman.collect("--reset-sync", NAME).err == ""
    watched.relay.rewrite = None
    due(watched)
    keys = server_keys(NAME)
    assert watched.redis.client.exists(keys.details) == 1

    result = watched.watchman.collect()

    reported = f"the protocol's reading differs from the bindings': details: {differing}"
    (line,) = result.err.splitlines()
    assert (result.code, f"o/r: {reported}" in line) == (0, True)
    found = watched.check()
    assert (found["verification"], found["disabled"]["reason"]) == (reported, reported)
    assert b"xyzzy-7" not in watched.value("health")
    assert watched.redis.client.exists(keys.details, keys.changed_details) == 0
    assert watched.collect()["reason"] == f"incremental syncs are off: {reported}"
    assert watched.collect("--reset-sync", NAME)["mode"] == "full"
    due(watched)
    assert watched.collect()["verification"] == EQUAL + DETAILS_TOO


def test_the_reader_protocol_never_starts_the_bindings(watched: Watched, tmp_path: Path) -> None:
    started = tmp_path / "started"
    watched.top["ecflow_python"] = interpreter(tmp_path, f"touch {started}", f'exec {ECFLOW_PYTHON} "$@"')
    watched.configure(reader="protocol")
    due(watched)
    for _ in range(2):
        assert watched.collect()["mode"] == "unchanged"
    assert not started.exists()
    watched.configure(reader="auto")
    due(watched)
    assert watched.collect()["verification"] == EQUAL
    assert started.exists()


def test_the_reader_bindings_reads_each_run(watched: Watched) -> None:
    watched.configure(reader="bindings")
    for state in ("aborted", "complete"):
        watched.ecflow.force_state("/s/f/b", f"State.{state}")
        found = watched.collect()
        assert (found["mode"], found["reason"]) == ("full", "the reader is the bindings")
    for exchange in watched.taken():
        assert b"CtsCmd" not in exchange.request
    assert watched.ecflow.handles() == []


def test_missing_bindings_are_reported_and_nothing_fails(watched: Watched, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "no-such-python")
    watched.top["ecflow_python"] = nowhere
    watched.configure()
    due(watched)
    found = watched.collect()
    assert found["verification"].startswith(f"not verified: no Python with the ecflow bindings ({nowhere}: ")
    assert "install Debian's python3-ecflow" in found["verification"]
    assert found["disabled"] is None
    assert watched.collect()["mode"] == "unchanged"


def test_bindings_that_are_too_old_are_reported_and_nothing_fails(watched: Watched, tmp_path: Path) -> None:
    """As those of 5.13 say it of a definition that has a repeat of 5.17; no part of it is passed on."""
    said = "Could not parse: repeat datetimelist PASSWORD xyzzy-7"
    lines = [json.dumps({"ecflow": "5.13.8", "python": "3.13.5"}), json.dumps({"error": said})]
    program = (f"echo '{line}'" for line in lines)
    watched.top["ecflow_python"] = interpreter(tmp_path, "cat > /dev/null", *program)
    watched.configure()
    due(watched)
    found = watched.collect()
    reported = "not verified: the server, 5.9.2, has something that these bindings, 5.13.8, cannot read"
    server = health_of(watched.redis.client, NAME)
    assert server and found["verification"] == reported.replace("5.9.2", server["server_version"])
    assert b"xyzzy-7" not in watched.value("health")


def test_bindings_that_hang_are_killed_at_the_deadline(watched: Watched, tmp_path: Path) -> None:
    """And after them the server is still healthy: its snapshot had been written."""
    pids = tmp_path / "pids"
    hanging = interpreter(tmp_path, f"echo $$ >> {pids}", "exec sleep 1000")
    watched.top["ecflow_python"] = hanging
    watched.configure(deadline=4)
    due(watched)
    found = watched.collect()
    assert found["mode"] == "unchanged"
    assert found["verification"].startswith("not verified: ") and "in time" in found["verification"]
    (pid,) = pids.read_text().split()
    assert not Path(f"/proc/{pid}").exists()


def test_verification_that_a_killed_run_began_is_made_again_soon(watched: Watched, tmp_path: Path) -> None:
    """Its snapshot is written; whether it is right is not known, and it must not stay so for an interval."""
    pids = tmp_path / "pids"
    watched.top["ecflow_python"] = interpreter(tmp_path, f"echo $$ >> {pids}", "exec sleep 1000")
    watched.configure(deadline=60)
    due(watched)
    watched.ecflow.await_next_second()
    with watched.watchman.start("collect") as process:
        await_true(lambda: pids.exists() and pids.read_text().endswith("\n"), "no bindings were started")
        process.kill()
    os.kill(int(pids.read_text()), signal.SIGKILL)
    found = watched.check()
    assert (found["mode"], found["verification"]) == ("unchanged", None)
    assert 0 < from_now(found["next_verification"]) <= VERIFIED_EVERY / 10


def test_the_first_verification_is_anywhere_in_the_interval(loaded: Watched) -> None:
    """So that many servers do not have theirs in one minute; and the first run waits for none."""
    waits = []
    for _ in range(3):
        loaded.redis.client.delete(*(key(NAME, field) for field in ("status", "health", "sync")))
        found = loaded.collect()
        assert found["verification"] is None
        waits.append(from_now(found["next_verification"]))
    assert all(0.1 * VERIFIED_EVERY - 120 <= wait <= VERIFIED_EVERY for wait in waits)
    assert len(set(map(round, waits))) > 1


@pytest.mark.parametrize("reader", ["auto", "protocol"])
def test_a_definition_that_is_not_understood(watched: Watched, tmp_path: Path, reader: str) -> None:
    """The bindings read it in place, where the reader is `auto`."""

    def rewrite(request: bytes, reply: bytes) -> bytes:
        return reply.replace(b"endfamily", b"endnovelty") if b"CtsCmd" in request else reply

    watched.relay.rewrite = rewrite
    watched.configure(reader=reader)
    reported = "the server's definition has an unknown kind of node"
    if reader == "auto":
        found: dict[str, Any] = watched.collect("--reset-sync", NAME)
        assert (found["mode"], found["reason"]) == ("full", reported)
        return
    result = watched.watchman.collect("--reset-sync", NAME)
    assert result.code == 1
    assert reported in result.err and "is kept" in result.err
