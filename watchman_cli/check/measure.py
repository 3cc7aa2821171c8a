"""What is measured in a snapshot: how many nodes need an operator, and which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchman_cli.snapshot import Snapshot, StatusRecord


@dataclass(frozen=True)
class Measure:
    """A value, and the nodes that it is of with what each contributes: the worst first."""

    name: str
    value: float
    nodes: Sequence[tuple[StatusRecord, float]] = ()


def measure(snapshot: Snapshot, path: str) -> list[Measure]:
    """Return what is measured of the node `path` and those below it.

    - aborted: nodes that are, with no aborted one below them: the root causes
    - late: nodes with the flag
    - queued: nodes that are, with none at all below them
    - active_for: the seconds that the longest active node of that kind has been so
    """
    records = snapshot.records
    if path != "/":
        below = path + "/"
        records = [each for each in records if each.path == path or each.path.startswith(below)]
    aborted = _lowest([each for each in records[path == "/" :] if each.status == "aborted"])
    late = [each for each in records if "late" in each.flags]
    lasting = [
        (each, seconds)
        for each in _leaves(records, "active")
        if (seconds := each.seconds_until(snapshot.collected_time)) is not None
    ]
    lasting.sort(key=lambda each: -each[1])
    return [
        Measure("aborted", len(aborted), [(each, len(aborted)) for each in aborted]),
        Measure("late", len(late), [(each, len(late)) for each in late]),
        Measure("queued", sum(1 for _ in _leaves(records, "queued"))),
        Measure("active_for", max(0.0, lasting[0][1]) if lasting else 0.0, lasting),
    ]


def _lowest(records: Sequence[StatusRecord]) -> list[StatusRecord]:
    """Return those of the records that have none of the others below them."""
    above = {"/"}
    for record in records:
        path = record.path
        while (path := path[: path.rfind("/")] or "/") not in above:
            above.add(path)
    return [record for record in records if record.path not in above]


def _leaves(records: Sequence[StatusRecord], status: str) -> Iterator[StatusRecord]:
    """Yield the nodes of a status that have no node below them: each node's children follow it at once."""
    for number in [number for number, record in enumerate(records) if record.status == status]:
        record = records[number]
        following = records[number + 1].path if number + 1 < len(records) else ""
        if record.path != "/" and not following.startswith(record.path + "/"):
            yield record
