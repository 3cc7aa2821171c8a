"""Runs over one server, whose written values were recorded in tests/unit/data/runs.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

import orjson

from watchman_cli import snapshot
from watchman_cli.collect.verify import Verification
from watchman_cli.config import Server
from watchman_cli.deadlines import Deadline
from watchman_cli.ecflow_client import Instance
from watchman_cli.errors import ServerError
from watchman_cli.snapshot import StatusRecord
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.reading import Reading

NOW = datetime(2026, 11, 28, 12, 0, 5, 250_000, tzinfo=timezone.utc)
SHARE = 0.5  # of the interval, until the first verification
SECONDS = 1.25  # that the run took so far
PREVIOUS_TIME = "2026-11-28T11:59:00.000001+00:00"
READ_TIME = "2026-11-28T12:00:04.000001+00:00"
ROOT = StatusRecord("/", "active")
SUITE = StatusRecord("/s", "active", flags=("late",))
TASK = StatusRecord("/s/t", "complete", "2026-11-28T11:00:00+00:00")
ABORTED = StatusRecord("/s/t", "aborted", "2026-11-28T11:59:30+00:00")
OTHER = StatusRecord("/s/u", "queued")
OLD, NEW, MORE = (ROOT, SUITE, TASK), (ROOT, SUITE, ABORTED), (ROOT, SUITE, TASK, OTHER)
MISSED = Deadline("/s/t", 11 * 60 + 59, after=6 * 60)
MET = Deadline("/s/*", 23 * 60, "active")
CACHE = SyncCache(
    instance=Instance("5.9.2", "h", "3141", "2026-11-01T00:00:00+00:00", "77"),
    stats_count=1, group_count=2, plug_count=3, state_change_no=40, modify_change_no=5, nodes=2, revision="",
    target=["h", 3141, None], read_time=READ_TIME, first_seen=PREVIOUS_TIME, told_apart=True,
    suspended={}, begin_times={},
)  # fmt: skip


def value_of(records: Sequence[StatusRecord], time: str = PREVIOUS_TIME) -> bytes:
    """Return a snapshot's bytes."""
    return snapshot.encode(time, "RUNNING", (snapshot.join_records(records),))


def revision_of(records: Sequence[StatusRecord]) -> str:
    head = snapshot.parse_head(value_of(records)[: snapshot.HEAD_SIZE])
    assert head
    return head.revision


def server(**options: Any) -> Server:
    given: dict[str, Any] = {
        "full_sync_every": 1800.0,
        "protocol": "tcp",
        "reader": "auto",
        "max_reply": 64,
    } | options
    return Server("o", "r", "h", 3141, 1.0, 3, 20.0, **given)


def reading(
    mode: Any = "full",
    records: Sequence[StatusRecord] | None = OLD,
    changes: Sequence[tuple[StatusRecord, StatusRecord]] | None = None,
    numbers: tuple[int, int] | None = (40, 5),
    reason: str | None = None,
) -> Reading:
    pieces = None if records is None else (snapshot.join_records(records),)
    return Reading(mode, reason, READ_TIME, "RUNNING", "5.9.2", 2, pieces, CACHE, None, {}, numbers, changes)


def record(**fields: Any) -> bytes:
    """Return a health record that an earlier run has written."""
    sync = {
        "mode": "full", "reason": "no earlier run", "verification": None,
        "next_verification": "2026-11-28T12:20:00+00:00", "disabled": None, "stale_handle": False,
    }  # fmt: skip
    document = {
        "checked_time": "2026-11-28T11:59:01.000000+00:00", "ok": True, "failures": 0, "failing_since": None,
        "address": "h:3141", "attempts": 1, "seconds": 0.5, "collected_time": PREVIOUS_TIME, "nodes": 2,
        "counts": snapshot.count_nodes(value_of(OLD)), "counted_revision": revision_of(OLD), "requests": 1,
        "server_version": "5.9.2", "bindings_version": None, "error": None, "deadlines": None,
        "changes_kept": True, "sync": sync | fields.pop("sync", {}),
    }  # fmt: skip
    return orjson.dumps(document | fields)


def state(deadline: Deadline | str, **fields: Any) -> dict[str, Any]:
    """Return the state of a deadline in a health record."""
    document = {
        "deadline": str(deadline), "due": "2026-11-28T11:59:00+00:00", "state": "pending", "before": "other",
        "judged": PREVIOUS_TIME, "nodes": 1, "others": 1, "reached": None, "misses": 0, "reported": 0,
        "next_start": "2026-11-29T06:00:00+00:00", "next_due": "2026-11-29T11:59:00+00:00", "past": [],
        "configured": True,
    }  # fmt: skip
    return document | fields


class Scenario(NamedTuple):
    """One run: the configured server, the stored values, and the reading, or the error of its last attempt.

    With `verification` the bindings read the server too, and read `theirs`.
    """

    server: Server
    health: bytes
    snapshot: bytes
    reading: Reading | None = None
    error: ServerError | None = None
    verification: Verification | None = None
    theirs: Sequence[StatusRecord] | None = None
    count_nodes: bool = True
    reset_sync: bool = False
    connected: bool = True


CHANGED = ((TASK, ABORTED),)
RUNNING = ((StatusRecord("/s/t", "active"), TASK),)
DUE = {"next_verification": "2026-11-28T11:20:00+00:00"}
DIFFERS = Verification("they differ", "they differ")
FAR = "2026-11-10T00:00:00.000000+00:00"
SCENARIOS = {
    "first run": Scenario(server(), b"", b"", reading(reason="no earlier run"), count_nodes=False),
    "first run with everything": Scenario(
        server(changes=True, deadlines=(MISSED, MET), publish="snapshot", expire=3600), b"", b"", reading()
    ),
    "nothing changed": Scenario(
        server(changes=True), record(), value_of(OLD), reading("unchanged", None, ())
    ),
    "nothing changed, and nothing was counted": Scenario(
        server(), record(counts=None), value_of(OLD), reading("unchanged", None, ())
    ),
    "a node was aborted": Scenario(
        server(changes=True), record(), value_of(OLD), reading("incremental", NEW, CHANGED)
    ),
    "a full reading": Scenario(server(changes=True), record(), value_of(OLD), reading("full", MORE)),
    "a full reading of the same nodes": Scenario(server(changes=True), record(), value_of(OLD), reading()),
    "changes were not kept": Scenario(
        server(changes=True), record(changes_kept=False), value_of(OLD), reading("incremental", NEW, CHANGED)
    ),
    "changes are not kept": Scenario(server(), record(), value_of(OLD), reading("incremental", NEW, CHANGED)),
    "another program's snapshot": Scenario(server(changes=True), record(), b"{}", reading()),
    "a damaged snapshot": Scenario(
        server(changes=True), record(), value_of(OLD).replace(b"late", b"lxte"), reading("full", NEW)
    ),
    "a deadline is missed": Scenario(
        server(changes=True, deadlines=(MISSED,)),
        record(deadlines=[state(MISSED)]),
        value_of((ROOT, SUITE, StatusRecord("/s/t", "active"))),
        reading("unchanged", None, ()),
    ),
    "a deadline is met": Scenario(
        server(changes=True, deadlines=(MISSED,)),
        record(deadlines=[state(MISSED, due="2026-11-28T12:00:03+00:00")]),
        value_of(OLD),
        reading("incremental", OLD, RUNNING),
    ),
    "deadlines of another configuration": Scenario(
        server(deadlines=(MET,)),
        record(
            deadlines=[
                state(MET),
                state("/x complete by 09:00 UTC"),
                state("/y complete by 09:00 UTC", judged=FAR),
            ]
        ),
        value_of(OLD),
        reading("incremental", NEW, CHANGED),
    ),
    "a miss that was not reported": Scenario(
        server(deadlines=(MISSED,)),
        record(deadlines=[state(MISSED, misses=2, reported=1)]),
        value_of(OLD),
        error=ServerError("refused", "connection refused"),
    ),
    "the first failure": Scenario(
        server(suites=("s",), expire=60, changes=True),
        record(),
        value_of(OLD),
        error=ServerError("reset", "the server closed the connection"),
    ),
    "the third failure": Scenario(
        server(),
        record(ok=False, failures=2, failing_since=PREVIOUS_TIME, error={"kind": "reset", "message": "x"}),
        value_of(OLD),
        error=ServerError("too large", "the reply is larger than 1 MB"),
        connected=False,
    ),
    "a failure after another snapshot was written": Scenario(
        server(deadlines=(MISSED,)),
        record(deadlines=[state(MISSED), state("/x complete by 09:00 UTC")]),
        value_of(NEW, READ_TIME),
        error=ServerError("refused", "connection refused"),
    ),
    "a failure without a snapshot": Scenario(
        server(), b"", b"", error=ServerError("unresolved", "the host's name does not resolve")
    ),
    "an invalid record": Scenario(
        server(), record(nodes=-1, failures="x", counts={"active": -1}), value_of(OLD), reading()
    ),
    "incremental syncs are off": Scenario(
        server(),
        record(sync={"disabled": {"since": PREVIOUS_TIME, "reason": "they differ"}}),
        value_of(OLD),
        reading(numbers=None, reason="incremental syncs are off: they differ"),
    ),
    "incremental syncs are reset": Scenario(
        server(),
        record(sync={"disabled": {"since": PREVIOUS_TIME, "reason": "they differ"}}),
        value_of(OLD),
        reading(reason="incremental syncs were reset"),
        reset_sync=True,
    ),
    "verified": Scenario(
        server(changes=True),
        record(sync=DUE),
        value_of(OLD),
        reading("unchanged", None, ()),
        verification=Verification("equal, node by node"),
        theirs=OLD,
    ),
    "not verified": Scenario(
        server(changes=True),
        record(sync=DUE),
        value_of(OLD),
        reading("incremental", NEW, CHANGED),
        verification=Verification("not verified: the bindings are missing"),
    ),
    "the bindings differ": Scenario(
        server(changes=True, deadlines=(MISSED,), publish="snapshot"),
        record(sync=DUE, deadlines=[state(MISSED, misses=1, reported=1)]),
        value_of(OLD),
        reading("incremental", NEW, CHANGED),
        verification=DIFFERS,
        theirs=MORE,
    ),
}
