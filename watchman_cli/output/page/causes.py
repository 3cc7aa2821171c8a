"""What an operator should look at, over all servers: the worst first, and many of a kind in one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from watchman_cli.check import Assessment, State, severity
from watchman_cli.check.measure import measure
from watchman_cli.output.check import describe
from watchman_cli.output.page.card import is_stale
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import printable

LINES_SHOWN = 100  # and the first of each server in any case
MANY_NODES = 10  # of one family: more are one line
MANY_SERVERS = 3  # of one problem, or of nodes at one path: more are one line
NAMED = 8  # servers in such a line
_RANKS = ("server", "deadline", "node", "old")  # of one state, the worst first


@dataclass(frozen=True)
class Cause:
    """A line: what is wrong with servers, with a deadline, or with nodes.

    `rank` is server, deadline, node or old (a node of a snapshot that is too old to be judged). Of nodes
    `word` is aborted or late, `path` theirs or their family's, `index` that of its node, and `record` that of
    a single one. `place` counts the lines of one state and rank of a server.
    """

    servers: tuple[str, ...]
    state: State
    rank: str
    place: int
    text: str = ""
    common: str = ""  # the text of several servers, if it differs between them
    word: str = ""
    path: str = ""
    count: int = 1
    index: int | None = None
    record: StatusRecord | None = None
    stale: bool = False
    alike: Hashable = None  # the same for causes of several servers that may be one line

    @property
    def title(self) -> str:
        """The server's name, or how many servers it is about."""
        return self.servers[0] if len(self.servers) == 1 else f"{len(self.servers)} servers"

    @property
    def named(self) -> tuple[str, ...]:
        """The names to show of several servers; empty for one."""
        return self.servers[:NAMED] if len(self.servers) > 1 else ()

    @property
    def more(self) -> int:
        """How many servers have no name in the line."""
        return max(0, len(self.servers) - NAMED)


class Group(NamedTuple):
    """Nodes that are one line: a single one, or many below `path`. `members` are places in a list."""

    path: str
    members: tuple[int, ...]


def find_causes(judged: Iterable[tuple[Assessment, int | None]]) -> tuple[list[Cause], int]:
    """Return what to look at, the worst first, and how many more lines there are.

    Each server comes with the index of its node. No server's lines hide another server's: of causes that are
    equally bad, the first of each server come before the second of any.
    """
    found = [cause for assessment, index in judged for cause in _of_server(assessment, index)]
    found = list(_together(found))
    found.sort(key=lambda cause: (-severity(cause.state), _RANKS.index(cause.rank), cause.place))
    shown = [cause for number, cause in enumerate(found) if number < LINES_SHOWN or not cause.place]
    return shown, len(found) - len(shown)


def _of_server(assessment: Assessment, index: int | None) -> Iterator[Cause]:
    servers = (printable(assessment.status.server),)
    for rank, texts in _problems(assessment):
        for place, (state, text, common) in enumerate(texts):
            alike = (rank, state, common or text)
            yield Cause(servers, state, rank, place, printable(text), printable(common), alike=alike)
    if index is not None:
        yield from _nodes(assessment, index)


def _problems(assessment: Assessment) -> Iterator[tuple[str, list[tuple[State, str, str]]]]:
    """Yield what is wrong with a server itself, and with its deadlines, each with a text for several servers.

    Why runs fail names the server's address, so several servers have the kind of error in common.
    """
    health = assessment.status.health
    own, deadlines = [], []
    for problem in assessment.problems:
        if problem.details:
            many = len(problem.details) > MANY_NODES
            lines = (describe(problem),) if many else problem.details
            deadlines += [(problem.state, line, "") for line in lines]
        elif problem.measure is None:
            failing = bool(health.failures) and assessment.status.health_summary in problem.text
            kind = (health.error or {}).get("kind", "")
            own.append((problem.state, problem.text, f"runs fail ({kind})" if failing else ""))
    yield "server", own
    yield "deadline", deadlines


def _nodes(assessment: Assessment, start: int) -> Iterator[Cause]:
    """Yield the root causes of a server, and its late nodes; of an old snapshot too, which is not judged."""
    snapshot = assessment.status.snapshot
    assert snapshot is not None
    measures = {each.name: each for each in assessment.measures or measure(snapshot, "/")}
    places: Mapping[str, int] | None = None
    aborted: set[str] = set()
    for word, state in (("aborted", State.CRITICAL), ("late", State.WARNING)):
        records = [node for node, _ in measures[word].nodes if node.path not in aborted]
        if word == "aborted":
            aborted = {node.path for node in records}
        if records and places is None:
            places = {record.path: start + place for place, record in enumerate(snapshot.records)}
        for place, group in enumerate(group_by_family([record.path for record in records])):
            assert places is not None
            single = len(group.members) == 1
            yield Cause(
                (printable(assessment.status.server),),
                state if assessment.measures else min(state, State.UNKNOWN, key=severity),
                "node" if assessment.measures else "old",
                place,
                word=word,
                path=printable(group.path),
                count=len(group.members),
                index=places.get(group.path, start),
                record=records[group.members[0]] if single else None,
                stale=is_stale(assessment.status),
                alike=(word, group.path, bool(assessment.measures)),
            )


def group_by_family(paths: Sequence[str]) -> list[Group]:
    """Return the lines for nodes: each node's, or a family's where there are more than MANY_NODES below it.

    The lowest families that have many come first together; then those above them, up to a suite, if there are
    still as many lines.
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
    """Return one line for those of a family; a single one stays as it is."""
    if len(lines) == 1:
        return lines[0]
    return Group(path, tuple(member for line in lines for member in line.members))


def _together(causes: Iterable[Cause]) -> Iterator[Cause]:
    """Yield the causes; those that are alike on more than MANY_SERVERS servers as one."""
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
            record=None,
            stale=any(cause.stale for cause in alike),
        )
