"""Compare two snapshots' records: only records whose bytes differ are decoded."""

from __future__ import annotations

from collections.abc import Sequence

from watchman_cli.snapshot import Piece, RecordChange, StatusRecord, decode_part, split_records


class Ambiguous(Exception):
    """Two nodes of a snapshot have the same path, so that it is unknown which one changed."""


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
    """Return each record's bytes. Raises Ambiguous if two are the same."""
    parts = split_records(records)
    if len(set(parts)) != len(parts):
        raise Ambiguous
    return parts


def _decode_by_path(parts: Sequence[bytes], same: set[bytes]) -> dict[str, StatusRecord]:
    """Return the records by path, without those in `same`. Raises Ambiguous if two have the same path."""
    records = [decode_part(part) for part in parts if part not in same]
    by_path = {record.path: record for record in records}
    if len(by_path) != len(records):
        raise Ambiguous
    return by_path
