"""The ends of the chain of unfulfilled conditions, which is followed over all suites of a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.condition import Wait
from watchman_cli.waits.conditions import conditions_of, stopping
from watchman_cli.waits.evaluate import Truth
from watchman_cli.waits.lint import comparisons_of, names_in
from watchman_cli.waits.references import resolve
from watchman_cli.waits.syntax import Comparison, EventIs, NodeIs
from watchman_cli.waits.words import missing_terms

EndKind = Literal[
    "aborted",
    "suspended",
    "active",
    "submitted",
    "time",
    "limit",
    "server",
    "missing",
    "value",
    "cycle",
    "state",
]
MAX_NODES = 5000  # that are followed
_TIMES = ("time", "today", "date", "day", "cron")
_ENDS = ("aborted", "suspended", "active", "submitted")


@dataclass(frozen=True)
class End:
    """Where a chain of conditions ends: a node, and why it is the end."""

    path: str
    kind: EndKind
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Return the end as `--json` prints it."""
        return {"path": self.path, "kind": self.kind, "text": self.text}


def find_ends(tree: Tree, node: Node) -> list[End]:
    """Return the ends of the chains that begin at a node, each once, sorted by path."""
    return follow(tree, node, MAX_NODES)[0]


def follow(tree: Tree, node: Node, most: int) -> tuple[list[End], bool]:
    """Return the ends that are found by following at most `most` nodes, and whether there are more nodes."""
    walk = _Walk(tree, most)
    cut = walk.follow(node)
    ends = {(each.path, each.kind): each for each in walk.ends}
    if not ends and not cut and tree.server.state != "RUNNING":
        return [
            End("/", "server", "the server is " + {"HALTED": "halted"}.get(tree.server.state, "shut down"))
        ], cut
    return sorted(ends.values(), key=lambda each: (each.path, each.kind)), cut


class _Walk:
    """Follows conditions from node to node; `ends` has where that led."""

    def __init__(self, tree: Tree, most: int) -> None:
        self._tree, self._most = tree, most
        self._seen: set[str] = set()
        self.ends: list[End] = []

    def follow(self, first: Node) -> bool:
        """Follow everything that a node waits for; return whether that is too much."""
        edges: dict[str, list[str]] = {}
        pending = [first]
        while pending and len(self._seen) < self._most:
            node = pending.pop()
            if node.path in self._seen:
                continue
            self._seen.add(node.path)
            next_nodes = list(self._next(node))
            edges[node.path] = [each.path for each in next_nodes]
            pending += next_nodes
        self.ends += [
            End(path, "cycle", f"{path} and another node wait for each other") for path in _in_cycles(edges)
        ]
        return any(each.path not in self._seen for each in pending)

    def _next(self, node: Node) -> Iterator[Node]:
        """Yield the nodes that a node waits for; note an end if it waits for none."""
        if node.suspended or node.state in ("complete", "unknown"):
            self._end_at(node)
            return
        children = self._tree.children(node.path)
        below = [each for each in children if each.status != "complete"] if _has_nodes(node) else []
        if below:
            yield from below  # whose conditions are those of their parents, too
            return
        if node.state != "queued":
            self._end_at(node)
            return
        for wait in self._stops(node):
            yield from self._behind(wait)

    def _stops(self, node: Node) -> list[Wait]:
        """Return the conditions that stop a node, except that the server runs no jobs."""
        waits = stopping(node, list(conditions_of(self._tree, node)))
        active = ("active", "submitted")  # a parent's state then is only that of another of its nodes
        return [
            each
            for each in waits
            if each.kind != "server"
            and not (each.kind == "state" and each.path != node.path and self._state(each.path) in active)
        ]

    def _state(self, path: str) -> str:
        node = self._tree.node(path)
        return node.state if node else "unknown"

    def _behind(self, wait: Wait) -> Iterator[Node]:
        owner = self._tree.node(wait.path)
        assert owner
        if wait.kind in ("suspended", "state"):
            self._end_at(owner)
        elif wait.kind == "limit":
            self._end(wait.path, "limit", wait.text)
        elif wait.kind in _TIMES:
            self._end(wait.path, "time", wait.text)
        elif wait.truth is not None:
            yield from self._behind_trigger(owner, wait.truth)

    def _behind_trigger(self, owner: Node, truth: Truth) -> Iterator[Node]:
        parts = owner.conditions("trigger")
        comparisons = {each.text: each for part in parts for each in comparisons_of(part.text)}
        for term in missing_terms(truth):
            for text in _leaf_texts(term):
                comparison = comparisons.get(text)
                if comparison is not None:
                    yield from self._behind_comparison(owner, term, comparison)

    def _behind_comparison(
        self, owner: Node, term: Truth, comparison: NodeIs | EventIs | Comparison
    ) -> Iterator[Node]:
        nothing = [name for name, value in term.values.items() if value is None and term.holds is not None]
        if nothing:
            which = "names" if len(nothing) == 1 else "name"
            text = f"{owner.path} refers to {', '.join(nothing)}, which {which} nothing"
            self._end(owner.path, "missing", text)
            return
        if isinstance(comparison, NodeIs):
            node = resolve(self._tree, owner, comparison.path)
            if node is not None:
                yield node
            return
        for node in self._named(owner, comparison):
            is_other = node.path != owner.path  # a node does not wait for a run of its own
            is_queued = node.status == "queued" and not _has_nodes(node)
            if is_other and is_queued and self._stops(node):
                yield node
            elif node.status in _ENDS and not _has_nodes(node):
                self._end_at(node)
            else:
                self._end(node.path, "value", term_text(term))

    def _named(self, owner: Node, comparison: EventIs | Comparison) -> list[Node]:
        """Return the nodes whose values a comparison is about."""
        found = []
        for name in names_in(comparison):
            node = resolve(self._tree, owner, name.path) if name.path is not None else owner
            if node is not None:
                found.append(node)
        return found

    def _end_at(self, node: Node) -> None:
        """Note that the state of a node is an end."""
        kind: EndKind = node.status if node.status in _ENDS else "state"  # type: ignore[assignment]
        self._end(node.path, kind, f"{node.path} is {node.status}")

    def _end(self, path: str, kind: EndKind, text: str) -> None:
        self.ends.append(End(path, kind, text))


def term_text(term: Truth) -> str:
    """Return a term with the values of its references."""
    values = ", ".join(f"{name} is {value}" for name, value in term.values.items())
    return f"{term.expression}: {values}" if values else term.expression


def _has_nodes(node: Node) -> bool:
    return node.kind in ("suite", "family")


def _leaf_texts(term: Truth) -> Iterator[str]:
    if term.operator is None:
        yield term.expression
    for each in term.terms:
        yield from _leaf_texts(each)


def _in_cycles(edges: dict[str, list[str]]) -> list[str]:
    """Return the nodes from which edges lead back to themselves (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[str] = []
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            path, following = work[-1]
            advanced = False
            for each in following:
                if each not in index:
                    index[each] = low[each] = len(index)
                    stack.append(each)
                    on_stack.add(each)
                    work.append((each, iter(edges.get(each, ()))))
                    advanced = True
                    break
                if each in on_stack:
                    low[path] = min(low[path], index[each])
            if advanced:
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[path])
            if low[path] == index[path]:
                group = []
                while True:
                    each = stack.pop()
                    on_stack.discard(each)
                    group.append(each)
                    if each == path:
                        break
                if len(group) > 1 or path in edges.get(path, ()):
                    found += group
    return found
