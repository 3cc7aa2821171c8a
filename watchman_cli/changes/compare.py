"""Compare two snapshots' records: only records whose bytes differ are decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from watchman_cli.changes.batch import Batch, make_batch
from watchman_cli.snapshot import (
    HEAD_SIZE,
    Head,
    NotWhole,
    Piece,
    RecordChange,
    StatusRecord,
    decode_part,
    parse_head,
    records_of,
    split_records,
)


class Ambiguous(Exception):
    """Two nodes of a snapshot have the same path, so that it is unknown which one changed."""


def make_batch_of(
    source: str,
    new: Head,
    old: Head | None,
    old_snapshot: Callable[[], bytes],
    pieces: Sequence[Piece],
    changes: Sequence[RecordChange] | None,
) -> Batch | None:
    """Return the batch that leads to a new snapshot, or None if its records are those of the old one.

    If the changes are unknown, the records in `pieces` are compared with the old snapshot. Raises the errors
    of `old_snapshot`.
    """
    reason = None
    if changes is None:
        old, changes, reason = compare_snapshots(old_snapshot(), pieces)
    if old and old.revision == new.revision:
        return None
    states = old.server_state if old else None, new.server_state
    revisions = old.revision if old else None, new.revision
    return make_batch(source, new.collected_time, states, revisions, changes, reason)


def compare_snapshots(old: bytes, new: Sequence[Piece]) -> tuple[Head | None, list[RecordChange], str | None]:
    """Return the head of an old snapshot, the changes to new records, and the reason if they are unknown.

    Then the head is None. `old` has a snapshot's bytes, or another program's, or none.
    """
    head = parse_head(old[:HEAD_SIZE])
    if head is None:
        return None, [], "there was no snapshot of this watchman's" if old else "there was no snapshot"
    try:
        return head, compare_records(records_of(old, head.revision).view, new), None
    except NotWhole as error:
        return None, [], str(error)
    except Ambiguous:
        return None, [], "two nodes have one path"


def compare_records(old: memoryview, new: Sequence[Piece]) -> list[RecordChange]:
    """Return the changes: first the nodes that vanished, then all others in the new snapshot's order.

    Raises Ambiguous if two nodes of a snapshot have the same path.
    """
    old_parts, new_parts = _split(bytes(old)), _split(b"".join(new))
    same = set(old_parts) & set(new_parts)
    before = _decode_by_path(old_parts, same)
    after = _decode_by_path(new_parts, same)
    vanished: list[RecordChange] = [(record, None) for path, record in before.items() if path not in after]
    return vanished + [(before.get(path), record) for path, record in after.items()]


def _split(records: bytes) -> list[bytes]:
    """Return each record's bytes. Raises Ambiguous if two have the same path."""
    parts = split_records(records)
    if len({part.partition(b',"status":"')[0] for part in parts}) != len(parts):
        raise Ambiguous
    return parts


def _decode_by_path(parts: Sequence[bytes], same: set[bytes]) -> dict[str, StatusRecord]:
    """Return the records by path, without those in `same`."""
    records = (decode_part(part) for part in parts if part not in same)
    return {record.path: record for record in records}
