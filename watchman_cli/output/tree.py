"""A snapshot for a person: a summary, then the tree, folded where it would not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from watchman_cli.output.format import colourize, format_age, format_counts
from watchman_cli.reader import ServerStatus
from watchman_cli.snapshot import Snapshot, StatusRecord
from watchman_cli.status import NodeStatus
from watchman_cli.text import printable


@dataclass(frozen=True)
class TreeFilter:
    """The part of a tree to show: below `path`, of these statuses, to this depth; all where empty."""

    path: str = "/"
    statuses: frozenset[str] = frozenset()
    depth: int | None = None


def render(status: ServerStatus, wanted: TreeFilter, colour: bool, height: int | None) -> Iterator[str]:
    """Yield the lines for one server: the summary, why it is stale if it is, and the tree.

    A tree without a wanted depth is folded where it would not fit a terminal of `height` lines.
    """
    name, snapshot = printable(status.server), status.snapshot
    if snapshot is None:
        yield f"{name}: {printable(status.error or '')}"
        return
    yield from _summary(name, snapshot, status.age or 0.0, colour)
    if status.stale_reason:
        yield colourize(f"stale: {printable(status.stale_reason)}", NodeStatus.aborted, colour)
    yield ""
    depth = wanted.depth
    if depth is None and height is not None:
        depth = fitting_depth(snapshot.records, wanted, max(40, height - 6))
    yield from tree(snapshot.records, replace(wanted, depth=depth), colour)
    if depth != wanted.depth:
        yield from ("", f"folded at depth {depth}: --depth, --path and --status show more")


def _summary(name: str, snapshot: Snapshot, age: float, colour: bool) -> Iterator[str]:
    ago = format_age(age) if age < 0 else f"{format_age(age)} ago"
    yield f"{name}: collected {snapshot.collected_time:%Y-%m-%d %H:%M:%S %Z}, {ago}"
    whole = snapshot.records[0].status
    yield f"server {snapshot.server_state or 'state unknown'}, {colourize(whole, whole, colour)} as a whole"
    yield f"{len(snapshot.records) - 1} nodes: {format_counts(snapshot.counts(), colour)}"


def tree(records: Sequence[StatusRecord], wanted: TreeFilter, colour: bool) -> Iterator[str]:
    """Yield the tree's lines: each node's name and status, and of a folded one the counts below it."""
    shown = _select(records, wanted)
    if not shown:
        return
    base = 0 if wanted.path == "/" else wanted.path.count("/")
    status_text = {each.value: colourize(each.value, each, colour) for each in NodeStatus}
    depths = [record.path.count("/") - base if record.path != "/" else 0 for record in shown]
    last = _last_children(depths)
    bars: list[str] = []
    for index, (path, status, *_) in enumerate(shown):
        depth = depths[index]
        if wanted.depth is not None and depth > wanted.depth:
            continue
        name = printable(path if depth == 0 else path[path.rfind("/") + 1 :])
        line = name
        if depth:
            del bars[depth - 1 :]
            line = "".join(bars) + ("└─ " if last[index] else "├─ ") + name
            bars.append("   " if last[index] else "│  ")
        line += "  " + status_text[status]
        if wanted.depth == depth:
            line += _folded(shown, depths, index, colour)
        yield line


def fitting_depth(records: Sequence[StatusRecord], wanted: TreeFilter, lines: int) -> int | None:
    """Return the greatest depth at which the tree has at most `lines` lines; None where all of it fits."""
    base = 0 if wanted.path == "/" else wanted.path.count("/")
    levels = Counter(r.path.count("/") - base if r.path != "/" else 0 for r in _select(records, wanted))
    total = 0
    for depth in sorted(levels):
        total += levels[depth]
        if total > lines:
            return max(depth - 1, 1)
    return None


def _select(records: Sequence[StatusRecord], wanted: TreeFilter) -> Sequence[StatusRecord]:
    """Return the wanted records, with the nodes above each, so that they make a tree."""
    if wanted.path != "/":
        below = wanted.path + "/"
        records = [r for r in records if r.path == wanted.path or r.path.startswith(below)]
    if not wanted.statuses:
        return records
    keep: set[str] = set()
    for path, status, *_ in records:
        if status in wanted.statuses:
            while path not in keep:
                keep.add(path)
                path = path[: path.rfind("/")] or "/"
    return [record for record in records if record.path in keep]


def _last_children(depths: Sequence[int]) -> list[bool]:
    """Return of each node whether it is the last child of its parent."""
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
