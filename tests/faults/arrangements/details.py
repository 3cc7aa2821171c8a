"""Details in the store that are missing, damaged, or of another snapshot."""

from __future__ import annotations

from typing import Any

from tests.faults.environment import BAD, FaultRun
from watchman_cli.store.redis.keys import server_keys


def switched_off(run: FaultRun) -> None:
    """Keep no details."""
    run.entry["details"] = False


def without_triggers(run: FaultRun) -> None:
    """Keep one other kind alone."""
    run.entry["details"] = ["labels"]


def lost(run: FaultRun) -> None:
    """Delete what was kept."""
    run.redis.client.delete(server_keys(BAD).details, server_keys(BAD).changed_details)


def damaged(run: FaultRun) -> None:
    """Put other bytes into each field of nodes."""
    name = server_keys(BAD).details
    names: Any = run.redis.client.hkeys(name)
    fields = [field for field in names if field.startswith(b"/")]
    run.redis.client.hset(name, mapping=dict.fromkeys(fields, b"damaged"))


def of_another_snapshot(run: FaultRun) -> None:
    """Have them be written with another snapshot."""
    for name in (server_keys(BAD).details, server_keys(BAD).changed_details):
        run.redis.client.hset(name, "revision", "another 2026-01-01T00:00:00")
