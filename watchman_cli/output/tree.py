"""A snapshot as text: a summary, then the tree, folded if it would not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from watchman_cli.duration import format_lasting
from watchman_cli.output.format import colourize, format_age, format_counts
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import Snapshot, StatusRecord
from watchman_cli.status import NodeStatus
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.beside import Shown

LABEL = 120  # characters of a label that are shown beside a node


class Lines(NamedTuple):
    """The characters of a tree: before a node, before the last one of its parent, and below a node."""

    node: str
    last: str
    below: str


UNICODE = Lines("├─ ", "└─ ", "│  ")
ASCII = Lines("|-- ", "`-- ", "|   ")


@dataclass(frozen=True)
class TreeFilter:
    """The part of a tree to show: the nodes below `path`, to this depth, that match.

    A node matches if it has one of the statuses, one of the flags, and had its status for at least
    `longer_than` seconds. A condition that is not set always matches.
    """

    path: str = "/"
    statuses: frozenset[str] = frozenset()
    depth: int | None = None
    flags: frozenset[str] = frozenset()
    longer_than: float | None = None

    @property
    def matches_all(self) -> bool:
        """True if no condition is set."""
        return not self.statuses and not self.flags and self.longer_than is None

    def matches(self, record: StatusRecord, time: datetime) -> bool:
        """Return True if a node matches, in a snapshot that was collected at `time`."""
        if self.statuses and record.status not in self.statuses:
            return False
        if self.flags and self.flags.isdisjoint(record.flags):
            return False
        if self.longer_than is None:
            return True
        seconds = record.seconds_until(time)
        return seconds is not None and seconds >= self.longer_than


def render(
    stored: StoredServer,
    wanted: TreeFilter,
    colour: bool,
    height: int | None,
    beside: Mapping[str, str] | None = None,
    lines: Lines = UNICODE,
) -> Iterator[str]:
    """Yield the lines for one server: the summary, the reason if it is stale, and the tree.

    A tree without a wanted depth is folded if it would not fit a terminal of `height` lines. `beside` has
    more words for a node, by its path.
    """
    name, snapshot = printable(stored.server), stored.snapshot
    if snapshot is None:
        yield f"{name}: {printable(stored.error or '')}"
        return
    yield from _summary(name, snapshot, stored.age or 0.0, colour)
    if stored.stale_reason:
        yield colourize(f"stale: {printable(stored.stale_reason)}", NodeStatus.aborted, colour)
    yield ""
    depth = wanted.depth
    if depth is None and height is not None:
        depth = fitting_depth(snapshot, wanted, max(40, height - 6))
    yield from tree(snapshot, replace(wanted, depth=depth), colour, beside, lines)
    if depth != wanted.depth:
        yield from ("", f"folded at depth {depth}: --depth, --path and --status show more")


def _summary(name: str, snapshot: Snapshot, age: float, colour: bool) -> Iterator[str]:
    ago = format_age(age) if age < 0 else f"{format_age(age)} ago"
    yield f"{name}: collected {snapshot.collected_time:%Y-%m-%d %H:%M:%S %Z}, {ago}"
    whole = snapshot.records[0].status
    yield f"server {snapshot.server_state or 'state unknown'}, {colourize(whole, whole, colour)} as a whole"
    yield f"{len(snapshot.records) - 1} nodes: {format_counts(snapshot.counts(), colour)}"


def tree(
    snapshot: Snapshot,
    wanted: TreeFilter,
    colour: bool,
    beside: Mapping[str, str] | None = None,
    lines: Lines = UNICODE,
) -> Iterator[str]:
    """Yield the tree's lines: each node's name and status, what is beside it, and the counts below a fold."""
    shown = _select(snapshot, wanted)
    if not shown:
        return
    base = 0 if wanted.path == "/" else wanted.path.count("/")
    status_text = {each.value: colourize(each.value, each, colour) for each in NodeStatus}
    depths = [record.path.count("/") - base if record.path != "/" else 0 for record in shown]
    last = _last_children(depths)
    bars: list[str] = []
    for index, record in enumerate(shown):
        path, depth = record.path, depths[index]
        if wanted.depth is not None and depth > wanted.depth:
            continue
        name = printable(path if depth == 0 else path[path.rfind("/") + 1 :])
        line = name
        if depth:
            del bars[depth - 1 :]
            line = "".join(bars) + (lines.last if last[index] else lines.node) + name
            bars.append(" " * len(lines.below) if last[index] else lines.below)
        line += "  " + describe_status(record, snapshot.collected_time, status_text[record.status])
        if beside and path in beside:
            line += f"  {printable(beside[path])}"
        if wanted.depth == depth:
            line += _folded(shown, depths, index, colour)
        yield line


def describe_status(record: StatusRecord, time: datetime, status: str = "") -> str:
    """Return a node's status, or the text `status` for it, how long it had that at `time`, and its flags."""
    seconds = record.seconds_until(time)
    lasting = "" if seconds is None else f" {format_lasting(seconds)}"
    return (status or record.status) + lasting + "".join(f", {printable(flag)}" for flag in record.flags)


def describe_shown(shown: Shown) -> str:
    """Return a node's labels and meters in words: `info: step 5; progress 40 of 100`."""
    labels = (f"{each.name}: {_one_line(each.text)}" for each in shown.labels)
    meters = (f"{each.name} {each.value} of {each.most}" for each in shown.meters)
    return "; ".join([*labels, *meters])


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LABEL else f"{line[: LABEL - 3]}..."


def fitting_depth(snapshot: Snapshot, wanted: TreeFilter, lines: int) -> int | None:
    """Return the greatest depth at which the tree has at most `lines` lines, or None if all of it fits."""
    base = 0 if wanted.path == "/" else wanted.path.count("/")
    levels = Counter(r.path.count("/") - base if r.path != "/" else 0 for r in _select(snapshot, wanted))
    total = 0
    for depth in sorted(levels):
        total += levels[depth]
        if total > lines:
            return max(depth - 1, 1)
    return None


def _select(snapshot: Snapshot, wanted: TreeFilter) -> Sequence[StatusRecord]:
    """Return the matching records and the nodes above each, so that they make a tree."""
    records = snapshot.records
    if wanted.path != "/":
        below = wanted.path + "/"
        records = [r for r in records if r.path == wanted.path or r.path.startswith(below)]
    if wanted.matches_all:
        return records
    keep: set[str] = set()
    for record in records:
        if wanted.matches(record, snapshot.collected_time):
            path = record.path
            while path not in keep:
                keep.add(path)
                path = path[: path.rfind("/")] or "/"
    return [record for record in records if record.path in keep]


def _last_children(depths: Sequence[int]) -> list[bool]:
    """Return a flag for each node: True if it is the last child of its parent."""
    last = [False] * len(depths)
    seen: list[bool] = []
    for index in range(len(depths) - 1, -1, -1):
        depth = depths[index]
        seen += [False] * (depth + 1 - len(seen))
        last[index] = not seen[depth]
        seen[depth] = True
        del seen[depth + 1 :]
    return last


def _folded(shown: Sequence[StatusRecord], depths: Sequence[int], index: int, colour: bool) -> str:
    below: Counter[str] = Counter()
    for following in range(index + 1, len(shown)):
        if depths[following] <= depths[index]:
            break
        below[shown[following].status] += 1
    return f"  [{format_counts(below, colour)}]" if below else ""
