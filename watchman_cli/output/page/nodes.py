"""The nodes of all servers as one tree, in flat lists: the page's data is made from them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from watchman_cli.output.format import format_counts
from watchman_cli.snapshot import Snapshot, StatusRecord
from watchman_cli.status import NodeStatus
from watchman_cli.text import printable

STATUSES = [each.value for each in NodeStatus]
_CODES = {status: str(number) for number, status in enumerate(STATUSES)}
# Statuses that are shown first, in this order; complete, queued and unknown nodes are folded.
_SHOWN_FIRST = ("aborted", "active", "submitted", "suspended")
_FEW = 12  # if a shown node has at most this many hidden siblings, they are shown, too


@dataclass
class Nodes:
    """A tree of nodes in walk order: a server at depth 0, its suites at 1, and so on.

    All lists have an item for each node. `statuses` has a digit for each node: its status's index in
    STATUSES.
    """

    names: list[str] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    records: list[StatusRecord] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)  # when each node's server was collected
    statuses: str = ""

    def add(self, server: str, snapshot: Snapshot) -> int:
        """Add a server with its nodes, and return the server's index.

        If a node's parent is missing, or comes after it, the node is put below the nearest node above.
        """
        start = len(self.names)
        above = [""]
        for record in snapshot.records:
            path = record.path
            parent = path[: path.rfind("/")]
            while above[-1] != parent and not parent.startswith(above[-1] + "/"):
                above.pop()
            name, depth = path[len(above[-1]) + 1 :], len(above)
            if path == "/":
                name, depth = server, 0
            else:
                above.append(path)
            self.names.append(printable(name))
            self.depths.append(depth)
        self.records += snapshot.records
        self.times += [snapshot.collected_time] * len(snapshot.records)
        self.statuses += "".join([_CODES[record.status] for record in snapshot.records])
        return start

    @cached_property
    def parents(self) -> list[int]:
        """The index of each node's parent; a server's is -1."""
        parents, above = [], [-1]
        for index, depth in enumerate(self.depths):
            del above[depth + 1 :]
            parents.append(above[-1])
            above.append(index)
        return parents

    @cached_property
    def ends(self) -> list[int]:
        """The index after each node and all nodes below it."""
        ends = list(range(1, len(self.depths) + 1))
        for index in range(len(ends) - 1, -1, -1):
            parent = self.parents[index]
            if parent >= 0:
                ends[parent] = max(ends[parent], ends[index])
        return ends

    def children(self, index: int) -> Iterator[int]:
        """Yield the indices of a node's children."""
        child, end = index + 1, self.ends[index]
        while child < end:
            yield child
            child = self.ends[child]

    def anchor(self, index: int) -> str:
        """Return a node's ID in the page; it stays the same in later pages."""
        path = []
        while index >= 0:
            path.append(self.names[index])
            index = self.parents[index]
        return f"n-{hashlib.sha256('/'.join(reversed(path)).encode()).hexdigest()[:12]}"

    def counts(self, *ranges: tuple[int, int]) -> str:
        """Return the number of nodes with each status in some ranges of indices, in words."""
        counts = {
            status: sum(self.statuses.count(code, start, end) for start, end in ranges)
            for status, code in _CODES.items()
        }
        return format_counts(counts, False)

    def choose(self, limit: int) -> list[int]:
        """Return the indices of the nodes to show at first, with the nodes above each, in order.

        Servers come first, then the nodes that need an operator, then all suites; at most `limit` nodes.
        """
        ranks = {_CODES[status]: rank for rank, status in enumerate(_SHOWN_FIRST)}
        candidates = [
            (-1 if self.depths[i] == 0 else 5, i) for i, depth in enumerate(self.depths) if depth < 2
        ]
        candidates += [(ranks[code], i) for i, code in enumerate(self.statuses) if code in ranks]
        candidates += [(0, i) for i, record in enumerate(self.records) if record.flags]
        shown: set[int] = set()
        for _, index in sorted(candidates):
            new = []
            while index >= 0 and index not in shown:
                new.append(index)
                index = self.parents[index]
            if len(shown) + len(new) <= limit:
                shown.update(new)
        for parent in {self.parents[index] for index in shown} - {-1}:
            hidden = [child for child in self.children(parent) if child not in shown]
            if len(hidden) <= _FEW and len(shown) + len(hidden) <= limit:
                shown.update(hidden)
        return sorted(shown)


@dataclass(frozen=True)
class Row:
    """A line of the tree for a browser without script: a node, or the folded nodes in this place.

    `opened` is True if rows of its children follow. `closed` is the number of nodes whose children end here.
    """

    index: int
    folded: str = ""  # the number of hidden nodes per status, in words
    opened: bool = False
    closed: int = 0
    rest: bool = False


def rows(nodes: Nodes, shown: Sequence[int]) -> Iterator[Row]:
    """Yield a row for each shown node, and one for the folded nodes among each node's children."""
    chosen = frozenset(shown)
    opened: list[int] = []  # nodes whose children are being yielded
    waiting: Row | None = None
    for index in [*shown, len(nodes.names)]:
        depth = nodes.depths[index] if index < len(nodes.names) else 0
        while len(opened) > depth:
            parent = opened.pop()
            hidden = [(each, nodes.ends[each]) for each in nodes.children(parent) if each not in chosen]
            if hidden:
                if waiting:
                    yield waiting
                waiting = Row(parent, nodes.counts(*hidden), rest=True)
            assert waiting
            waiting = _with_one_closed(waiting)
        if waiting:
            yield waiting
        if index == len(nodes.names):
            return
        waiting = _row(nodes, index, chosen)
        if waiting.opened:
            opened.append(index)


def _row(nodes: Nodes, index: int, chosen: Collection[int]) -> Row:
    end = nodes.ends[index]
    if end == index + 1:
        return Row(index)
    opened = any(child in chosen for child in nodes.children(index))
    return Row(index, nodes.counts((index + 1, end)), opened)


def _with_one_closed(row: Row) -> Row:
    return Row(row.index, row.folded, row.opened, row.closed + 1, row.rest)
