"""What is measured in a snapshot: how many nodes need an operator, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchman_cli.snapshot import EncodedRecords, Snapshot, StatusRecord, root_causes


@dataclass(frozen=True)
class Measure:
    """A value, and the nodes that it is of with what each contributes: the worst first."""

    name: str
    value: float
    nodes: Sequence[tuple[StatusRecord, float]] = ()


def measure(snapshot: Snapshot, path: str) -> list[Measure]:
    """Return what is measured of the node `path` and those below it; nothing where there is no such node.

    - aborted: nodes that are, with no aborted one below them: the root causes
    - late: nodes with the flag
    - queued: nodes that are, with none at all below them
    - active_for: the seconds that the longest active node of that kind has been so
    """
    records = EncodedRecords.of(snapshot.records).below(path)
    if records is None:
        return []
    aborted = root_causes(records)
    late = records.with_flag("late")
    lasting = [
        (each, seconds)
        for each in records.leaves("active")
        if (seconds := each.seconds_until(snapshot.collected_time)) is not None
    ]
    lasting.sort(key=lambda each: -each[1])
    return [
        Measure("aborted", len(aborted), [(each, len(aborted)) for each in aborted]),
        Measure("late", len(late), [(each, len(late)) for each in late]),
        Measure("queued", records.count_leaves("queued")),
        Measure("active_for", max(0.0, lasting[0][1]) if lasting else 0.0, lasting),
    ]
