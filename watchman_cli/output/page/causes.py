"""The causes that need an operator, on all servers: the worst first, and many of a kind in one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from watchman_cli.check import Assessment, State, severity
from watchman_cli.check.measure import MeasureName, measure
from watchman_cli.deadlines import path_of
from watchman_cli.output.check import describe
from watchman_cli.output.page.card import is_stale
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import printable

LINES_SHOWN = 100  # and the first of each server in any case
MANY_NODES = 10  # of one family: more are one line
MANY_SERVERS = 3  # of one problem, or of nodes at one path: more are one line
NAMED = 8  # servers in such a line
Rank = Literal["server", "deadline", "node", "old"]
_RANKS: tuple[Rank, ...] = ("server", "deadline", "node", "old")  # for equal states, the worst first
_WORDS: tuple[tuple[MeasureName, State], ...] = (("aborted", State.CRITICAL), ("late", State.WARNING))


@dataclass(frozen=True)
class Cause:
    """A line: a problem of servers, of a deadline, or of nodes.

    `rank` is server, deadline, node or old (a node in a snapshot that is too old to be judged). For nodes,
    `word` is aborted or late, `path` is their path or their family's, `index` is that node's index, and
    `record` is the record of a single node. `nodes` are the indices of the line's nodes, or of the deadline's
    node; empty for several servers. `place` counts the lines of one state and rank of a server.
    """

    servers: tuple[str, ...]
    state: State
    rank: Rank
    place: int
    text: str = ""
    common: str = ""  # the text of several servers, if it differs between them
    word: str = ""
    path: str = ""
    count: int = 1
    index: int | None = None
    record: StatusRecord | None = None
    nodes: tuple[int, ...] = ()
    stale: bool = False
    alike: Hashable = None  # equal for causes of several servers that can be one line

    @property
    def title(self) -> str:
        """The server's name, or the number of servers."""
        return self.servers[0] if len(self.servers) == 1 else f"{len(self.servers)} servers"

    @property
    def named(self) -> tuple[str, ...]:
        """The first names of several servers; empty for one server."""
        return self.servers[:NAMED] if len(self.servers) > 1 else ()

    @property
    def more(self) -> int:
        """The number of servers without a name in the line."""
        return max(0, len(self.servers) - NAMED)


class Group(NamedTuple):
    """Nodes in one line: a single node, or many below `path`. `members` are indices of a list."""

    path: str
    members: tuple[int, ...]


def find_causes(judged: Iterable[tuple[Assessment, int | None]]) -> tuple[list[Cause], int]:
    """Return the causes, the worst first, and the number of causes that are left out.

    Each server comes with the index of its node. No server's lines hide another server's: if causes are
    equally bad, the first one of each server comes before the second one of any server.
    """
    causes = [cause for assessment, index in judged for cause in _make_causes(assessment, index)]
    causes = list(_merge_alike(causes))
    causes.sort(key=lambda cause: (-severity(cause.state), _RANKS.index(cause.rank), cause.place))
    shown = [cause for number, cause in enumerate(causes) if number < LINES_SHOWN or not cause.place]
    return shown, len(causes) - len(shown)


def _make_causes(assessment: Assessment, index: int | None) -> Iterator[Cause]:
    servers = (printable(assessment.stored.server),)
    for rank, texts in _problems(assessment):
        for place, (state, text, common) in enumerate(texts):
            alike = (rank, state, common or text)
            node = None
            if rank == "deadline" and index is not None:
                node = _node_of(assessment, index, path_of(text))
            cause = Cause(servers, state, rank, place, printable(text), printable(common), alike=alike)
            yield cause if node is None else replace(cause, index=node, nodes=(node,))
    if index is not None:
        yield from _nodes(assessment, index)


def _node_of(assessment: Assessment, start: int, path: str) -> int | None:
    """Return the index of a deadline's node, or None if its path is a pattern or names no node."""
    assert assessment.stored.snapshot is not None
    records = assessment.stored.snapshot.records
    return next((start + place for place, record in enumerate(records) if record.path == path), None)


def _problems(assessment: Assessment) -> Iterator[tuple[Rank, list[tuple[State, str, str]]]]:
    """Yield the problems of a server itself and of its deadlines, each with a text for several servers.

    The reason why runs fail has the server's address. So the text for several servers is the kind of error.
    """
    health = assessment.stored.health
    own, deadlines = [], []
    for problem in assessment.problems:
        if problem.lines:
            many = len(problem.lines) > MANY_NODES
            lines = (describe(problem),) if many else problem.lines
            deadlines += [(problem.state, line, "") for line in lines]
        elif problem.measure is None:
            failing = bool(health.failures) and assessment.stored.health_summary in problem.text
            kind = health.error.kind if health.error else ""
            own.append((problem.state, problem.text, f"runs fail ({kind})" if failing else ""))
    yield "server", own
    yield "deadline", deadlines


def _nodes(assessment: Assessment, start: int) -> Iterator[Cause]:
    """Yield a server's root causes and late nodes, also if its snapshot is too old to be judged."""
    snapshot = assessment.stored.snapshot
    assert snapshot is not None
    measures = {each.name: each for each in assessment.measures or measure(snapshot, "/")}
    places: Mapping[str, int] | None = None
    aborted: set[str] = set()
    for word, state in _WORDS:
        records = [node for node, _ in measures[word].nodes if node.path not in aborted]
        if word == "aborted":
            aborted = {node.path for node in records}
        if records and places is None:
            places = {record.path: start + place for place, record in enumerate(snapshot.records)}
        for place, group in enumerate(group_by_family([record.path for record in records])):
            assert places is not None
            members = [records[member] for member in group.members]
            yield Cause(
                (printable(assessment.stored.server),),
                state if assessment.measures else min(state, State.UNKNOWN, key=severity),
                "node" if assessment.measures else "old",
                place,
                word=word,
                path=printable(group.path),
                count=len(group.members),
                index=places.get(group.path, start),
                record=members[0] if len(members) == 1 else None,
                nodes=tuple(places[record.path] for record in members),
                stale=is_stale(assessment.stored),
                alike=(word, group.path, bool(assessment.measures)),
            )


def group_by_family(paths: Sequence[str]) -> list[Group]:
    """Return a line for each node, or one for a family with more than MANY_NODES lines below it.

    The lowest families with many lines are joined first. Then the families above them, up to a suite, if they
    still have many lines.
    """
    groups: dict[str, list[Group]] = defaultdict(list)
    children: dict[str, dict[str, None]] = defaultdict(dict)
    for place, path in enumerate(paths):
        groups[path].append(Group(path, (place,)))
        while path != "/" and path not in children[parent := path[: path.rfind("/")] or "/"]:
            children[parent][path] = None
            path = parent
    for path in sorted(children, key=lambda path: (path != "/", path.count("/")), reverse=True):
        below = children[path]
        lines = [*groups[path], *(line for child in below for line in groups[child])]
        if len(lines) > MANY_NODES and path != "/":
            joined = [_joined(child, groups[child]) for child in below]
            lines = [*groups[path], *joined]
            if len(lines) > MANY_NODES:
                lines = [_joined(path, lines)]
        groups[path] = lines
    return groups["/"]


def _joined(path: str, lines: Sequence[Group]) -> Group:
    """Return one line for a family's lines; a single line stays as it is."""
    if len(lines) == 1:
        return lines[0]
    return Group(path, tuple(member for line in lines for member in line.members))


def _merge_alike(causes: Iterable[Cause]) -> Iterator[Cause]:
    """Yield the causes; if they are alike on more than MANY_SERVERS servers, one for all of these."""
    groups: dict[Hashable, list[Cause]] = defaultdict(list)
    for cause in causes:
        groups[cause.alike].append(cause)
    for alike in groups.values():
        servers = tuple(dict.fromkeys(server for cause in alike for server in cause.servers))
        if len(servers) <= MANY_SERVERS:
            yield from alike
            continue
        first = alike[0]
        yield replace(
            first,
            servers=servers,
            place=0,
            text=first.text if len({cause.text for cause in alike}) == 1 else first.common,
            count=sum(cause.count for cause in alike),
            index=first.index if first.path else None,
            record=None,
            nodes=(),
            stale=any(cause.stale for cause in alike),
        )
