"""Whether the stream of changes leads to the stored snapshot, without a gap."""

from __future__ import annotations

import pytest

from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch
from watchman_cli.collect.changes import are_kept, will_be_kept
from watchman_cli.health import Health

TIME, LATER = "2026-01-01T00:00:00.000001+00:00", "2026-01-01T00:00:00.000002+00:00"


def value(time: str, status: str) -> bytes:
    return snapshot.encode(time, "RUNNING", [b'{"path":"/","status":"%s"}' % status.encode()])


STORED, SAME, OTHER = value(TIME, "queued"), value(LATER, "queued"), value(LATER, "active")
HEAD = snapshot.parse_head(STORED)
BATCH = Batch("o/r", LATER, "a", "b", "RUNNING")


def test_what_the_stored_values_say() -> None:
    assert are_kept(Health(changes_kept=True, collected_time=TIME), HEAD)
    assert not are_kept(Health(changes_kept=False, collected_time=TIME), HEAD)
    assert not are_kept(Health(changes_kept=True, collected_time=TIME), None)


def test_a_health_record_of_another_snapshot_says_nothing() -> None:
    """A run without `changes` was killed after it had replaced the snapshot in a directory."""
    assert not are_kept(Health(changes_kept=True, collected_time=LATER), HEAD)


@pytest.mark.parametrize(
    ("kept", "new", "batch", "wanted"),
    [
        (True, None, None, True),
        (True, SAME, None, True),
        (True, OTHER, None, False),
        (False, None, None, False),
        (False, SAME, None, False),
        (False, OTHER, BATCH, True),
        (True, OTHER, BATCH, True),
    ],
)
def test_what_a_run_leaves(kept: bool, new: bytes | None, batch: Batch | None, wanted: bool) -> None:
    previous = Health(changes_kept=kept, collected_time=TIME)
    assert will_be_kept(previous, HEAD, new, batch) is wanted
