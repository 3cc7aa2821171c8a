"""The batch of changes that a run's reading gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch, make_batch
from watchman_cli.changes.compare import Ambiguous, compare_records
from watchman_cli.health import Health
from watchman_cli.snapshot import Head, RecordChange
from watchman_cli.store import Lease
from watchman_cli.sync.reading import Reading

NOT_KEPT = "changes were not kept for a while"


def batch_of(
    source: str,
    lease: Lease,
    reading: Reading,
    value: bytes | None,
    missed: tuple[str, ...],
    stored_snapshot: Callable[[], bytes],
    *,
    kept: bool,
) -> Batch | None:
    """Return what a run changes, and which deadlines it found to be missed; None where there is neither.

    `value` is the new snapshot; None where the stored one stays. Without `kept`, what led to the stored one
    is not in the stream: its revision alone does not show that, since a server may be back in an earlier
    state. Raises what `stored_snapshot` does.
    """
    batch = _batch_of_nodes(source, lease, reading, value, stored_snapshot) if value else None
    if missed:
        head = lease.stored.head
        if batch is None and head is not None:
            batch = Batch(source, reading.read_time, head.revision, head.revision, head.server_state)
        batch = replace(batch, missed=missed) if batch else None
    gap = batch is not None and batch.before is not None and not kept
    return batch.as_reset(NOT_KEPT) if batch and gap else batch


def are_kept(record: Health, head: Head | None) -> bool:
    """Return whether the stream leads to the stored snapshot, by the health record written with it."""
    return record.changes_kept and head is not None and record.collected_time == head.collected_time


def will_be_kept(previous: Health, head: Head | None, value: bytes | None, batch: Batch | None) -> bool:
    """Return whether the stream leads to the snapshot that an update leaves.

    `previous` and `head` are of the stored one, `value` is the new one; None where the stored one stays.
    """
    new = snapshot.parse_head(value[: snapshot.HEAD_SIZE]) if value else head
    same = new is not None and head is not None and new.revision == head.revision
    return batch is not None or (same and are_kept(previous, head))


def _batch_of_nodes(
    source: str, lease: Lease, reading: Reading, value: bytes, stored_snapshot: Callable[[], bytes]
) -> Batch | None:
    """Return what a new snapshot, `value`, changes of the stored one; None where its records are the same.

    An incremental reading has the changes; to a full one, the stored snapshot is read and compared.
    """
    new = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert new
    changes: Sequence[RecordChange]
    if reading.changes is not None:
        old, changes, reason = lease.stored.head, reading.changes, None
    else:
        old, changes, reason = _compare(stored_snapshot(), reading)
    if old and old.revision == new.revision:
        return None
    return make_batch(
        source,
        new.collected_time,
        (old.server_state if old else None, new.server_state),
        (old.revision if old else None, new.revision),
        changes,
        reason,
    )


def _compare(value: bytes, reading: Reading) -> tuple[Head | None, list[RecordChange], str | None]:
    """Return the stored snapshot's head, how the reading differs from it, and why that is not known."""
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    if head is None:
        return None, [], "there was no snapshot of this watchman's" if value else "there was no snapshot"
    try:
        return head, compare_records(snapshot.records_of(value, head.revision), reading.pieces or ()), None
    except snapshot.NotWhole as error:
        return None, [], str(error)
    except Ambiguous:
        return None, [], "two nodes have one path"
