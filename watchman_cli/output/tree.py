"""Draws a snapshot for a person: a summary, then the tree, folded where it would not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from watchman_cli.snapshot import Snapshot, StatusRecord
from watchman_cli.text import printable

# ecFlow's own colours, as the nearest of a terminal's 256
COLOURS = {
    "complete": 226,
    "queued": 117,
    "active": 46,
    "submitted": 44,
    "aborted": 196,
    "suspended": 208,
    "unknown": 245,
}
ORDER = ("aborted", "active", "submitted", "queued", "suspended", "complete", "unknown")


@dataclass(frozen=True)
class View:
    """What of a tree is to be seen: below `path`, of these statuses, to this depth; all where empty."""

    path: str = "/"
    statuses: frozenset[str] = frozenset()
    depth: int | None = None


def paint(text: str, status: str, colour: bool) -> str:
    """`text` in the colour of a status, where there is colour."""
    return f"\x1b[38;5;{COLOURS.get(status, 245)}m{text}\x1b[0m" if colour else text


def age(seconds: float) -> str:
    """A time span for a person: 42 s, 3 min, 5 h, 2 d."""
    if seconds < 0:
        return "in the future"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def counts(found: dict[str, int], colour: bool) -> str:
    """Counts per status, the worst first: `2 aborted, 17 complete`."""
    words = [paint(f"{found[status]} {status}", status, colour) for status in ORDER if found.get(status)]
    return ", ".join(words) or "no nodes"


def summary(name: str, snapshot: Snapshot, colour: bool, now: datetime | None = None) -> Iterator[str]:
    """The lines before the tree: when collected and how old, the server's state, counts per status."""
    old = ((now or datetime.now(timezone.utc)) - snapshot.collected_time).total_seconds()
    ago = age(old) if old < 0 else f"{age(old)} ago"
    yield f"{name}: collected {snapshot.collected_time:%Y-%m-%d %H:%M:%S %Z}, {ago}"
    state = snapshot.records[0].status
    yield f"server {snapshot.server_state or 'state unknown'}, {paint(state, state, colour)} as a whole"
    yield f"{len(snapshot.records) - 1} nodes: {counts(snapshot.counts(), colour)}"


def page(
    name: str, snapshot: Snapshot, view: View, stale: str | None, colour: bool, height: int | None
) -> Iterator[str]:
    """All that is shown: the summary, why it is stale if it is, and the tree.

    A tree of which no depth was asked for is folded where it would not fit a terminal of `height` lines.
    """
    yield from summary(name, snapshot, colour)
    if stale:
        yield paint(stale, "aborted", colour)
    yield ""
    asked = view.depth
    if asked is None and height is not None:
        view = replace(view, depth=fitting_depth(snapshot.records, view, max(40, height - 6)))
    yield from tree(snapshot.records, view, colour)
    if view.depth != asked:
        yield from ("", f"folded at depth {view.depth}: --depth, --path and --status show more")


def tree(records: Sequence[StatusRecord], view: View, colour: bool) -> Iterator[str]:
    """The tree's lines: each node's name and status, and of a folded one the counts below it."""
    shown = _select(records, view)
    if not shown:
        return
    base = 0 if view.path == "/" else view.path.count("/")
    status_text = {status: paint(status, status, colour) for status in COLOURS}
    depths = [record.path.count("/") - base if record.path != "/" else 0 for record in shown]
    last = _last_children(depths)
    bars: list[str] = []
    for index, (path, status) in enumerate(shown):
        depth = depths[index]
        if view.depth is not None and depth > view.depth:
            continue
        name = printable(path if depth == 0 else path[path.rfind("/") + 1 :])
        line = name
        if depth:
            del bars[depth - 1 :]
            line = "".join(bars) + ("└─ " if last[index] else "├─ ") + name
            bars.append("   " if last[index] else "│  ")
        line += "  " + status_text[status]
        if view.depth == depth:
            line += _folded(shown, depths, index, colour)
        yield line


def fitting_depth(records: Sequence[StatusRecord], view: View, lines: int) -> int | None:
    """The greatest depth at which the tree has at most `lines` lines; None where all of it has."""
    base = 0 if view.path == "/" else view.path.count("/")
    levels = Counter(r.path.count("/") - base if r.path != "/" else 0 for r in _select(records, view))
    total = 0
    for depth in sorted(levels):
        total += levels[depth]
        if total > lines:
            return max(depth - 1, 1)
    return None


def _select(records: Sequence[StatusRecord], view: View) -> Sequence[StatusRecord]:
    """The records to be seen, with the nodes above each, so that they make a tree."""
    if view.path != "/":
        below = view.path + "/"
        records = [r for r in records if r.path == view.path or r.path.startswith(below)]
    if not view.statuses:
        return records
    keep: set[str] = set()
    for path, status in records:
        if status in view.statuses:
            while path not in keep:
                keep.add(path)
                path = path[: path.rfind("/")] or "/"
    return [record for record in records if record.path in keep]


def _last_children(depths: Sequence[int]) -> list[bool]:
    """Of each node, whether it is the last child of its parent."""
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
    return f"  [{counts(below, colour)}]" if below else ""
