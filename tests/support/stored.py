"""Snapshots and health records put into a directory store, for tests of what only reads the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from watchman_cli import health, snapshot
from watchman_cli.health import Health
from watchman_cli.snapshot import StatusRecord
from watchman_cli.store.directory.store import DirectoryStore
from watchman_cli.store.memory import MemoryStore


def ago(seconds: float) -> str:
    """Return the time so many seconds ago, as a snapshot has it."""
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def since(seconds: float) -> str:
    """Return the time so many seconds ago, as a record has it."""
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def put_in_memory(
    store: MemoryStore, name: str, records: Sequence[StatusRecord], *, age: float = 0.0
) -> None:
    """Store a snapshot that was collected `age` seconds ago, without a health record."""
    pieces = [snapshot.join_records([StatusRecord("/", "active"), *records])]
    store.memory.values[name, "status"] = snapshot.encode(ago(age), "RUNNING", pieces)


def put_snapshot(
    folder: Path,
    name: str,
    records: Sequence[StatusRecord],
    *,
    age: float = 0.0,
    server_state: str = "RUNNING",
    record: Health | None = None,
    root: str = "active",
) -> None:
    """Write a snapshot that was collected `age` seconds ago, and a health record: a good one by default."""
    time = ago(age)
    pieces = [snapshot.join_records([StatusRecord("/", root), *records])]
    store = DirectoryStore(folder)
    store.put(name, "status", snapshot.encode(time, server_state, pieces))
    store.put(name, "health", health.encode(record or Health(checked_time=time, ok=True)))
