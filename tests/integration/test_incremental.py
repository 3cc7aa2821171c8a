"""Incremental syncs: what each kind of change costs, when a full sync is made, and what is left behind."""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import require_namespace
from tests.soak.soak import SAME_PID
from tests.support.faulty_server import Proxy, Reply
from tests.support.servers import (
    EcflowServer,
    RedisServer,
    Result,
    Watchman,
    free_port,
    health_of,
    records_of,
    status_of,
)
from watchman_cli import snapshot
from watchman_cli.store.redis import key
from watchman_cli.sync import cache as memory

NAME = "o/r"
DEFINITION = (
    """
suite s
  family f
    task a
      repeat integer STEP 0 10
      meter progress 0 100
      event done
      label info ""
      limit disk 10
    task b
    family g
      task c
      task d
    endfamily
  endfamily
endsuite
suite other
  task t
"""
    + "".join(f"  task t{number}\n" for number in range(100))
    + """
endsuite
"""
)


@dataclass
class Watched:
    """One ecFlow server, read by watchman into one Redis."""

    ecflow: EcflowServer
    redis: RedisServer
    watchman: Watchman
    settings: dict[str, Any] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)

    def configure(self, **settings: Any) -> None:
        self.settings |= settings
        entry = {"owner": "o", "repo": "r", "address": self.ecflow, **self.settings}
        self.watchman.configure(self.redis.url, [entry], **self.top)

    def collect(self, *arguments: str) -> dict[str, Any]:
        """One run, whose snapshot is that of an independent full sync; the health record's `sync`."""
        result = self.watchman.collect(*arguments)
        assert (result.code, result.err) == (0, ""), result.err
        return self.check()

    def check(self) -> dict[str, Any]:
        found, independent = status_of(self.redis.client, NAME), self.ecflow.snapshot()
        wanted = self.settings.get("suites")
        if wanted:
            of = ("", *wanted)
            independent["records"] = [each for each in independent["records"] if each[0].split("/")[1] in of]
        assert found and records_of(found) == independent["records"]
        assert found["server_state"] == independent["server_state"]
        health = health_of(self.redis.client, NAME)
        assert health and health["ok"]
        return {**health["sync"], "requests": health["requests"]}

    def value(self, field: str) -> bytes:
        value: Any = self.redis.client.get(key(NAME, field))
        assert value
        return bytes(value)

    def set(self, field: str, value: bytes) -> None:
        self.redis.client.set(key(NAME, field), value)


@pytest.fixture
def watched(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> Watched:
    """A server that has been read once, in full."""
    ecflow.load_text(DEFINITION)
    ecflow.restart_server()
    ecflow.suspend(["/s", "/other"])  # or the server, which runs, submits their jobs at the next minute
    ecflow.begin_all_suites()
    made = Watched(ecflow, redis, watchman)
    made.configure()
    assert made.collect()["way"] == "full"
    return made


def test_nothing_changed(watched: Watched) -> None:
    """Only the time is written, at its fixed place."""
    before, sync = watched.value("status"), watched.value("sync")
    asked = watched.ecflow.requests()
    found = watched.collect()
    assert found["way"] == "unchanged"
    assert watched.ecflow.requests() - asked - 1 == found["requests"] <= 4  # the one is this test's own
    after = watched.value("status")
    place = slice(snapshot.TIME_OFFSET, snapshot.TIME_OFFSET + snapshot.TIME_SIZE)
    assert after[place] > before[place]
    assert (after[: place.start], after[place.stop :]) == (before[: place.start], before[place.stop :])
    assert watched.value("sync") == sync


CHANGES: dict[str, tuple[str, Callable[[EcflowServer], object]]] = {
    "a state": ("incremental", lambda e: e.force_state("/s/f/a", "State.aborted")),
    "a state of a family": ("incremental", lambda e: e.force_state_recursive("/s/f/g", "State.aborted")),
    "suspend": ("incremental", lambda e: e.suspend("/s/f/b")),
    "suspend a family": ("incremental", lambda e: e.suspend("/s/f")),
    "resume a suite": ("incremental", lambda e: (e.halt_server(), e.resume("/s"))),
    "to and fro": ("incremental", lambda e: (e.suspend("/s/f/b"), e.resume("/s/f/b"))),
    "order of tasks": ("incremental", lambda e: e.order("/s/f/b", "top")),
    "order of suites": ("incremental", lambda e: e.order("/other", "top")),
    "a meter": ("incremental", lambda e: e.alter("/s/f/a", "change", "meter", "progress", "10")),
    "an event": ("incremental", lambda e: e.alter("/s/f/a", "change", "event", "done", "set")),
    "a label": ("incremental", lambda e: e.alter("/s/f/a", "change", "label", "info", "suite x\\ntask y")),
    "a variable": ("incremental", lambda e: e.alter("/s/f/a", "add", "variable", "X", "endsuite")),
    "a limit": ("incremental", lambda e: e.alter("/s/f/a", "change", "limit_value", "disk", "2")),
    "a repeat": ("incremental", lambda e: e.alter("/s/f/a", "change", "repeat", "5", "")),
    "a server variable": ("incremental", lambda e: e.alter("/", "add", "variable", "X", "y")),
    "sorted attributes": ("incremental", lambda e: e.sort_attributes("/s", "all", True)),
    "requeue": ("incremental", lambda e: e.requeue("/s/f", "force")),
    "halted": ("incremental", lambda e: e.halt_server()),
    "an alias": (
        "incremental",
        lambda e: e.edit_script_submit("/s/f/a", [], ["#!/bin/sh"], True, False),
    ),
    "a task deleted": ("incremental", lambda e: e.delete("/s/f/b", True)),
    "a family deleted": ("incremental", lambda e: e.delete("/s/f/g", True)),
    "every task of a family deleted": ("incremental", lambda e: e.delete(["/s/f/g/c", "/s/f/g/d"], True)),
    "a suite deleted": ("full", lambda e: e.delete("/other", True)),
    "a suite loaded": ("full", lambda e: e.load_text("suite new\n  task t\nendsuite\n")),
    "a suite loaded again": ("full", lambda e: e.load_text(DEFINITION.replace("task c", "task z"), True)),
    "all deleted": ("full", lambda e: e.delete_all(True)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change(watched: Watched, what: str) -> None:
    way, change = CHANGES[what]
    change(watched.ecflow)
    found = watched.collect()
    assert (found["way"], found["requests"] <= 8) == (way, True), found["why"]
    assert found["way"] == "full" or found["requests"] <= 5
    assert watched.collect()["way"] == "unchanged"
    assert watched.ecflow.handles() == []


def test_suites_changed_one_after_another(watched: Watched) -> None:
    """A change that an earlier incremental run wrote is what the next one starts from."""
    for state in ("complete", "aborted", "queued", "unknown"):
        watched.ecflow.force_state("/s/f/g/d", f"State.{state}")
        watched.ecflow.force_state("/other/t", f"State.{state}")
        assert watched.collect()["way"] == "incremental"


def test_most_nodes_changed(watched: Watched) -> None:
    """Then the changes would be larger than the whole."""
    for state in ("complete", "aborted"):
        watched.ecflow.force_state_recursive("/other", f"State.{state}")
    watched.ecflow.halt_server()
    found = watched.collect()
    assert (found["way"], found["why"]) == ("full", "most nodes changed")


# ------------------------------------------------------------------------------ another boot


def passed(ecflow: EcflowServer, number: int) -> None:
    """Make more changes than a server's change number had reached."""
    for turn in range(number):
        ecflow.force_state("/s/f/g/c", ("State.complete", "State.queued")[turn % 2])


def up_since(ecflow: EcflowServer) -> str:
    found = re.search(r"Up since +(\S.*)", ecflow.stats())
    assert found
    return found[1]


@pytest.mark.parametrize("prefix", [(), SAME_PID], ids=["another PID", "the same PID"])
def test_the_trap(
    ecflow_server: Callable[..., EcflowServer], redis: RedisServer, watchman: Watchman, prefix: Any
) -> None:
    """Restarted from the same checkpoint, then past the change number of before: news tells nothing."""
    if prefix:
        require_namespace("--pid", "--fork")
    ecflow = ecflow_server(prefix=prefix)
    ecflow.load_text(DEFINITION)
    ecflow.begin_all_suites()
    ecflow.checkpt()
    ecflow.force_state("/s/f/a", "State.aborted")  # lost with the server
    watched = Watched(ecflow, redis, watchman)
    watched.configure()
    watched.collect()
    assert watched.collect()["way"] == "unchanged"
    pid = ecflow.variable("ECF_PID")
    ecflow.kill()
    ecflow.start()
    passed(ecflow, 60)
    assert (ecflow.variable("ECF_PID") == pid) == bool(prefix)
    found = watched.collect()
    assert (found["way"], found["why"]) == ("full", "the server was restarted")
    assert watched.collect()["way"] == "unchanged"


def test_the_trap_within_a_second(
    ecflow_server: Callable[..., EcflowServer], redis: RedisServer, watchman: Watchman
) -> None:
    """With one PID and one start time to the second, the number of requests still tells."""
    require_namespace("--pid", "--fork")
    ecflow = ecflow_server(prefix=SAME_PID)
    ecflow.load_text(DEFINITION)
    ecflow.checkpt()
    watched = Watched(ecflow, redis, watchman)
    watched.configure()
    for _ in range(30):  # until two starts fall into one second
        while time.time() % 1 > 0.1:
            time.sleep(0.005)  # for the clock, which is the matter here
        ecflow.kill()
        ecflow.start()
        ecflow.force_state("/s/f/a", "State.aborted")
        watched.collect()
        since = up_since(ecflow)
        ecflow.kill()
        ecflow.start()
        passed(ecflow, 8)
        found = watched.collect()
        assert (found["way"], found["why"]) == ("full", "the server was restarted")
        if up_since(ecflow) == since:
            return
    pytest.fail("no two starts within a second")


def test_restored_without_a_restart(watched: Watched) -> None:
    """The server's own restore_from_checkpt keeps its PID and start time."""
    watched.ecflow.checkpt()
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    watched.collect()
    watched.ecflow.halt_server()
    watched.ecflow.delete_all(True)
    watched.ecflow.restore_from_checkpt()
    assert watched.collect()["way"] == "full"


# ---------------------------------------------------------------------- what was remembered


def flip(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def forged(value: bytes, **changes: Any) -> bytes:
    """The same, of other contents, with a right digest."""
    decoded = memory.decode_head(value)
    assert decoded
    return memory.encode(dataclasses.replace(decoded[0], **changes), value[decoded[1] :])


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "lost": lambda value: b"",
    "a bit of the head": lambda value: flip(value, 100),
    "a bit of the digest": lambda value: flip(value, 3),
    "a bit of the shape": lambda value: flip(value, len(value) - 5),
    "cut short": lambda value: value[:-20],
    "all but cut": lambda value: value[:30],
    "not ours": lambda value: b'{"a": 1}',
    "of a later version": lambda value: forged(value, format=99),
    "of other bindings": lambda value: forged(value, bindings="5.8.0"),
    "of another server": lambda value: forged(value, target=["elsewhere", 3141, None]),
    "of another snapshot": lambda value: forged(value, revision="0" * 32),
    "of another boot": lambda value: forged(value, boot={}),
    "a header that is not one": lambda value: forged(value, header="task\nsuite\n"),
    "a header of wild numbers": lambda value: forged(
        value, header="#5.9.2\ndefs_state MIGRATE state_change:4000000000 modify_change:4000000000\n"
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damaged_memory_costs_one_full_sync(watched: Watched, what: str) -> None:
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    watched.set("sync", DAMAGE[what](watched.value("sync")))
    assert watched.collect()["way"] == "full"
    assert watched.collect()["way"] == "unchanged"


def test_a_snapshot_changed_by_another_hand(watched: Watched) -> None:
    """Its revision is that of its records, so changes are not put into others."""
    watched.set("status", watched.value("status").replace(b'"suspended"', b'"complete"', 1))
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    found = watched.collect()
    assert (found["way"], found["why"]) == ("full", "the skeleton is damaged")


def test_memory_is_older_than_the_snapshot(watched: Watched) -> None:
    old = watched.value("sync")
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    watched.collect()
    watched.set("sync", old)
    found = watched.collect()
    assert (found["way"], found["why"]) == ("full", "the snapshot in the store is not the one remembered")


def test_memory_off(watched: Watched) -> None:
    watched.top["sync_cache"] = "off"
    watched.configure()
    for _ in range(2):
        found = watched.collect()
        assert (found["way"], found["why"], found["requests"]) == ("full", "sync_cache is off", 2)


def test_memory_in_a_directory(watched: Watched, tmp_path: Path) -> None:
    watched.top["sync_cache"] = str(tmp_path / "cache")
    watched.configure()
    watched.redis.client.delete(key(NAME, "sync"))
    assert [watched.collect()["way"] for _ in range(2)] == ["full", "unchanged"]
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    assert watched.collect()["way"] == "incremental"
    assert watched.redis.client.get(key(NAME, "sync")) is None
    assert [path.name for path in (tmp_path / "cache" / NAME).iterdir()] == ["sync"]
    (tmp_path / "cache" / NAME / "sync").unlink()
    assert [watched.collect()["way"] for _ in range(2)] == ["full", "unchanged"]


# --------------------------------------------------------------------- compared with the full


def test_a_server_that_has_begun_anew_is_not_compared(watched: Watched) -> None:
    """In the same second, with the same PID: only its count of requests tells."""
    watched.set("sync", forged(watched.value("sync"), stats=1000))
    watched.configure(full_sync_every=0)
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    found = watched.collect()
    assert (found["way"], found["compared"]) == ("full", "the server was restarted")


def test_compared_from_time_to_time(watched: Watched) -> None:
    watched.configure(full_sync_every=0)
    for change in (None, "State.aborted", "State.complete"):
        if change:
            watched.ecflow.force_state("/s/f/a", change)
        found = watched.collect()
        assert (found["way"], found["why"]) == ("full", "it is time for a full sync")
        assert found["compared"] == "equal, node by node"
    assert watched.ecflow.handles() == []


@pytest.mark.parametrize("with_changes", [False, True])
def test_a_difference_turns_incremental_syncs_off(watched: Watched, with_changes: bool) -> None:
    """A snapshot that is wrong, with all that is remembered agreeing with it."""
    true = watched.value("status")
    records = orjson.loads(true)["status_records"]
    for record in records:
        if record["path"] == "/s/f/b":
            record["status"] = "aborted"
    head = snapshot.parse_head(true)
    assert head
    pieces = [orjson.dumps(records)[1:-1]]
    false = snapshot.compose(head.collected_time, head.server_state, pieces)
    revision = snapshot.verify(false).revision
    watched.set("status", false)
    watched.set("sync", forged(watched.value("sync"), revision=revision))
    if with_changes:
        watched.ecflow.force_state("/s/f/a", "State.aborted")
    watched.configure(full_sync_every=0)

    result = watched.watchman.collect()

    assert result.code == 0
    assert result.err.count("\n") == 1
    assert "o/r: an incremental sync differs from a full one: /s/f/b aborted, where" in result.err
    found = watched.check()  # the full one is what was written
    assert "/s/f/b aborted" in found["off"]["why"]
    watched.configure(full_sync_every=1800)
    for _ in range(2):
        found = watched.collect()
        assert found["way"] == "full" and found["why"].startswith("incremental syncs are off: ")
    found = watched.collect("--reset-sync", NAME)
    assert (found["way"], found["off"]) == ("full", None)
    assert watched.collect()["way"] == "unchanged"


# --------------------------------------------------------------------- handles on the server


def marker_of(ecflow: EcflowServer) -> str:
    """The name of the handles that watchman registers, as the server's log has it."""
    (log,) = ecflow.home.glob("*.ecf.log")
    found: list[str] = re.findall(r"ch_register=false (watchman_\w+)", log.read_text())
    return found[-1]


def test_a_killed_probe_leaves_one_handle_which_the_next_run_drops(watched: Watched) -> None:
    """And only that: not those of a GUI, nor those of another watchman."""
    watched.collect()
    marker = marker_of(watched.ecflow)
    watched.ecflow.ch_register(True, ["s"])
    watched.ecflow.ch_register(False, ["watchman_of_another_store"])
    theirs = watched.ecflow.handles()

    def hang_after_the_first(reply: Reply) -> None:
        if reply.connection.number:
            threading.Event().wait()
        reply.connection.forward(reply.data)

    with Proxy(watched.ecflow.port, hang_after_the_first) as proxy:
        entry = {"owner": "o", "repo": "r", "address": proxy, "deadline": 2, "connect_timeout": 1}
        watched.watchman.configure(watched.redis.url, [entry])
        known = forged(watched.value("sync"), target=[proxy.host, proxy.port, None])
        watched.set("sync", known)
        assert watched.watchman.collect().code == 1
    left = [each for each in watched.ecflow.handles() if each not in theirs]
    assert [suites for _, _, suites in left] == [[marker]]

    watched.configure()
    watched.collect()
    assert watched.ecflow.handles() == theirs


def test_a_user_who_may_only_read(
    ecflow_server: Callable[..., EcflowServer], redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    """He may register a client handle all the same, since that alters no definition."""
    port = free_port()
    lists, passwords = tmp_path / "lists", tmp_path / "passwords"
    lists.write_text(f"4.4.14\n{getpass.getuser()}\n-reader\n")
    hosts = (socket.gethostname(), "127.0.0.1")  # as the server calls itself, and as the client calls it
    passwords.write_text("5.0.0\n" + "".join(f"reader {host} {port} secret\n" for host in hosts))
    files = {"ECF_LISTS": str(lists), "ECF_CUSTOM_PASSWD": str(passwords)}
    ecflow = ecflow_server(port=port, environment=files)
    ecflow.load_text(DEFINITION)
    client = ["ecflow_client", "--host=127.0.0.1", f"--port={port}", "--user=reader"]
    refused = subprocess.run(
        [*client, "--force=aborted", "/s/f/a"],
        env={**os.environ, **files},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no *write* access" in refused.stdout + refused.stderr
    watched = Watched(ecflow, redis, watchman)
    watched.configure(user="reader", password="secret")
    assert [watched.collect()["way"] for _ in range(2)] == ["full", "unchanged"]
    assert ecflow.handles() == []


# ------------------------------------------------------------------------------- some suites


def test_only_some_suites(watched: Watched) -> None:
    watched.configure(suites=["s"])
    assert watched.collect()["way"] == "full"
    assert watched.collect()["way"] == "unchanged"
    watched.ecflow.force_state("/other/t", "State.complete")
    assert watched.collect()["way"] in ("unchanged", "incremental")  # the server's own state may change
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    found = watched.collect()
    assert (found["way"], found["requests"] <= 6) == ("incremental", True)
    watched.ecflow.load_text(DEFINITION.replace("task c", "task z"), True)
    assert watched.collect()["way"] == "full"
    watched.configure(suites=["s", "later"])
    found = watched.collect()
    assert (found["way"], found["why"]) == ("full", "the server's address, user or suites differ")
    watched.ecflow.load_text("suite later\n  task t\nendsuite\n")
    assert watched.collect()["way"] == "full"
    watched.ecflow.delete("/s", True)
    assert watched.collect()["way"] == "full"
    assert watched.collect()["way"] == "unchanged"
    assert watched.ecflow.handles() == []


def test_the_server_sends_no_other_suites(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    """Neither in full nor of their changes."""
    many = "".join(f"  task t{number}\n" for number in range(2000))
    ecflow.load_text(f"{DEFINITION}suite large\n{many}endsuite\n")
    with Proxy(ecflow.port) as proxy:
        entry = {"owner": "o", "repo": "r", "host": proxy.host, "port": proxy.port, "suites": ["s"]}
        watchman.configure(redis.url, [entry])
        sent = []
        for state in ("", "complete", "aborted"):
            if state:
                ecflow.force_state_recursive("/large", f"State.{state}")
                ecflow.force_state("/s/f/a", f"State.{state}")
            before = proxy.sent
            assert watchman.collect().code == 0
            sent.append(proxy.sent - before)
        assert max(sent) < 20_000
    health = health_of(redis.client, NAME)
    assert health and health["sync"]["way"] == "incremental"
    found = status_of(redis.client, NAME)
    assert found and records_of(found)[3] == ["/s/f/a", "aborted"]


# ------------------------------------------------------------------------------ what is said


def test_the_way_is_told(watched: Watched) -> None:
    def said(*arguments: str) -> str:
        result: Result = watched.watchman.collect(*arguments)
        return result.err

    assert "109 nodes, nothing changed, 4 requests" in said("-v")
    watched.ecflow.force_state("/s/f/a", "State.complete")
    assert "109 nodes, incremental sync, 5 requests" in said("-v")
    assert "full sync (incremental syncs were reset)" in said("-v", "--reset-sync", NAME)
    line = json.loads(said("-v", "--log-format", "json").splitlines()[-1])
    assert (line["way"], line["why"], line["nodes"]) == ("unchanged", None, 109)


def test_a_dry_run_leaves_what_is_remembered(watched: Watched) -> None:
    kept = watched.value("sync"), watched.value("status"), watched.value("health")
    watched.ecflow.force_state("/s/f/a", "State.complete")
    assert watched.watchman.collect("--dry-run").code == 0
    assert (watched.value("sync"), watched.value("status"), watched.value("health")) == kept
    assert watched.ecflow.handles() == []
