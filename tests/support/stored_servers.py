"""Servers as the store has them: a snapshot, its age and a health record."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from watchman_cli.check import Thresholds, parse_threshold
from watchman_cli.health import Failure, Health
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import Snapshot, StatusRecord

NOW = datetime(2026, 11, 24, 12, 10, tzinfo=timezone.utc)
GOOD = Health(checked_time=NOW.isoformat(), ok=True)
FAILING = Health(checked_time=NOW.isoformat(), failures=2, error=Failure("refused", "it | fails"))
TASK = StatusRecord("/s/f/t", "aborted", "2026-11-24T10:00:00+00:00", ("task_aborted",))
SUITE = [
    StatusRecord("/", "aborted"),
    StatusRecord("/s", "aborted", "2026-11-24T10:00:00+00:00"),
    StatusRecord("/s/f", "aborted", "2026-11-24T10:00:00+00:00"),
    TASK,
    StatusRecord("/s/f/waits", "queued"),
    StatusRecord("/s/g", "active", "2026-11-23T12:10:00+00:00"),
    StatusRecord("/s/g/runs", "active", "2026-11-24T10:00:00+00:00", ("late",)),
    StatusRecord("/s/g/runs_too", "active", "2026-11-24T12:09:00+00:00"),
    StatusRecord("/s/h", "queued"),
    StatusRecord("/s/h/waits", "queued"),
]
IDLE = [StatusRecord("/", "complete"), StatusRecord("/s", "complete")]


def status(
    records: list[StatusRecord] | None, age: float = 42.0, health: Health = GOOD, server: str = "RUNNING"
) -> StoredServer:
    found = None
    if records is not None:
        found = Snapshot(NOW, server, records)
    error = None if found else "no snapshot"
    read = NOW + timedelta(seconds=age)
    return StoredServer(
        "o/r", read, found, error, health, health.summary if health.checked_time else "never read"
    )


def thresholds(warning: str = "", critical: str = "", **more: Any) -> Thresholds:
    return Thresholds(
        warning=dict(map(parse_threshold, warning.split())),
        critical=dict(map(parse_threshold, critical.split())),
        **more,
    )
