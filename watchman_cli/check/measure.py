"""The measures of a snapshot: the number of nodes that need an operator, and these nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from watchman_cli.snapshot import EncodedRecords, Snapshot, StatusRecord, root_causes

MeasureName = Literal[
    "aborted", "late", "queued", "active_for", "missed", "unknown", "findings", "ends_server"
]


@dataclass(frozen=True)
class Measure:
    """A value, and the nodes behind it, each with its own value: the worst first."""

    name: MeasureName
    value: float
    nodes: Sequence[tuple[StatusRecord, float]] = ()


def measure(
    snapshot: Snapshot, path: str, is_silenced: Callable[[str], object] | None = None
) -> list[Measure]:
    """Return the measures of the node `path` and the nodes below it, or an empty list if it is missing.

    Nodes whose paths are silenced do not count.

    - aborted: the number of root causes, which are aborted nodes without an aborted node below them
    - late: the number of nodes with the flag
    - queued: the number of queued nodes without a node below them
    - active_for: the seconds since the first of the active nodes without a node below them became active
    """
    records = EncodedRecords.from_records(snapshot.records).below(path)
    if records is None:
        return []
    aborted = root_causes(records)
    late = records.with_flag("late")
    queued: Sequence[StatusRecord] | None = None
    if is_silenced is not None:
        aborted, late, queued = (
            [record for record in each if not is_silenced(record.path)]
            for each in (aborted, late, records.leaves("queued"))
        )
    active = [
        (record, seconds)
        for record in records.leaves("active")
        if (seconds := record.seconds_until(snapshot.collected_time)) is not None
        and not (is_silenced and is_silenced(record.path))
    ]
    active.sort(key=lambda each: -each[1])
    return [
        Measure("aborted", len(aborted), [(record, len(aborted)) for record in aborted]),
        Measure("late", len(late), [(record, len(late)) for record in late]),
        Measure("queued", records.count_leaves("queued") if queued is None else len(queued)),
        Measure("active_for", max(0.0, active[0][1]) if active else 0.0, active),
    ]
