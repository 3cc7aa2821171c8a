"""Compares two snapshots' records: only those whose bytes differ are decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from watchman_cli.changes.batch import Pair
from watchman_cli.snapshot import Piece, StatusRecord, decode_part, split_records


class Ambiguous(Exception):
    """Two nodes of a snapshot have one path, so that it is not known which one changed."""


def compare_records(old: memoryview, new: Sequence[Piece]) -> list[Pair]:
    """Return what differs: first the nodes that vanished, then all others in the new snapshot's order.

    Raises Ambiguous.
    """
    before, after = _split(bytes(old)), _split(b"".join(new))
    same = set(before) & set(after)
    gone = {record.path: record for record in _decoded(before, same)}
    now = {record.path: record for record in _decoded(after, same)}
    if len(gone) != _count(before, same) or len(now) != _count(after, same):
        raise Ambiguous
    vanished: list[Pair] = [(record, None) for path, record in gone.items() if path not in now]
    return vanished + [(gone.get(path), record) for path, record in now.items()]


def _split(records: bytes) -> list[bytes]:
    """Return each record's bytes. Raises Ambiguous where two are the same."""
    parts = split_records(records)
    if len(set(parts)) != len(parts):
        raise Ambiguous
    return parts


def _count(parts: Sequence[bytes], same: set[bytes]) -> int:
    return len(parts) - len(same)


def _decoded(parts: Sequence[bytes], same: set[bytes]) -> Iterator[StatusRecord]:
    for part in parts:
        if part not in same:
            yield decode_part(part)
