"""Judge a server's nodes: from its snapshot and health record to one state and the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from watchman_cli.check.measure import Measure, measure
from watchman_cli.check.quiet import Quiet, nodes_filter, quiet_nodes, silence_of
from watchman_cli.check.state import State, severity, worst
from watchman_cli.check.thresholds import Thresholds
from watchman_cli.readback import StoredServer
from watchman_cli.silences import Silence
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import plain_or_quoted

SERVER_STATES = {"HALTED": State.CRITICAL, "SHUTDOWN": State.WARNING}


@dataclass(frozen=True)
class Problem:
    """A reason why a server is not OK: a text, or a measure with the nodes that cause it.

    `lines` are shown below the summary.
    """

    state: State
    text: str = ""
    measure: Measure | None = None
    nodes: tuple[StatusRecord, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assessment:
    """A server's problems and measures; `measures` is empty if its nodes cannot be judged.

    `summary` replaces the measures in the summary of a server without problems. `quiet` are the silenced
    causes, which are not problems.
    """

    stored: StoredServer
    problems: tuple[Problem, ...]
    measures: tuple[Measure, ...] = ()
    summary: str = ""
    quiet: tuple[Quiet, ...] = ()

    @property
    def state(self) -> State:
        """The worst of the problems' states."""
        return worst(problem.state for problem in self.problems)


def sort_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems, the worst first; equally bad ones keep their order."""
    return tuple(sorted(problems, key=lambda problem: severity(problem.state), reverse=True))


def assess(stored: StoredServer, thresholds: Thresholds) -> Assessment:
    """Return a server's problems and measures. The nodes of a snapshot that is too old are not judged."""
    unusable = why_unusable(stored, thresholds.max_age)
    whole = silence_of(stored, None)
    if unusable is not None:
        if whole is not None and stored.health.failures:
            return Assessment(stored, (), quiet=(Quiet("failing", 1, whole),))
        return Assessment(stored, (unusable,))
    assert stored.snapshot is not None
    find = nodes_filter(stored)
    measures = measure(stored.snapshot, thresholds.path, find)
    if not measures:
        unknown = Problem(State.UNKNOWN, f"no such node: {plain_or_quoted(thresholds.path)}")
        return Assessment(stored, (unknown,))
    problems = [*_server_problems(stored), *_node_problems(measures, thresholds)]
    if find is None:
        return Assessment(stored, sort_problems(problems), tuple(measures))
    quiet = []
    for each in measure(stored.snapshot, thresholds.path):
        if each.name in ("aborted", "late"):
            quiet += quiet_nodes(each.name, [record for record, _ in each.nodes], find)
    if whole is not None:
        quiet += _quiet_server(stored, whole)
        problems = [each for each in problems if each.state is State.UNKNOWN or each.measure]
    return Assessment(stored, sort_problems(problems), tuple(measures), quiet=tuple(quiet))


def _quiet_server(stored: StoredServer, silence: Silence) -> Iterator[Quiet]:
    """Yield the silenced causes that are the server's own."""
    if stored.snapshot and stored.snapshot.server_state in SERVER_STATES:
        yield Quiet(stored.snapshot.server_state, 1, silence)
    if stored.health.failures:
        yield Quiet("failing", 1, silence)


def _server_problems(stored: StoredServer) -> Iterator[Problem]:
    """Yield the problems of the server itself and of the runs that read it."""
    assert stored.snapshot is not None
    server_state = stored.snapshot.server_state
    if server_state in SERVER_STATES:
        yield Problem(SERVER_STATES[server_state], f"server {server_state}")
    if stored.health.failures:
        yield Problem(State.WARNING, stored.health_summary)
    if not stored.health.checked_time:  # it is unknown if the last run failed
        yield Problem(State.UNKNOWN, stored.health_summary)


def _node_problems(measures: Iterable[Measure], thresholds: Thresholds) -> Iterator[Problem]:
    """Yield a problem for each measure that is not OK, with the nodes that cause it."""
    for each in measures:
        state = thresholds.judge(each.name, each.value)
        if state is not State.OK:
            causes = (
                node for node, value in each.nodes if thresholds.judge(each.name, value) is not State.OK
            )
            yield Problem(state, measure=each, nodes=tuple(causes))


def why_unusable(stored: StoredServer, max_age: float) -> Problem | None:
    """Return the reason why a server's nodes cannot be judged, or None."""
    failing = bool(stored.health.failures)
    if stored.snapshot is None or stored.age is None:
        if failing:
            return Problem(State.CRITICAL, f"{stored.error}; {stored.health_summary}")
        return Problem(State.UNKNOWN, stored.error or "")
    if stored.age > max_age:
        if failing:
            return Problem(State.CRITICAL, stored.health_summary)
        return Problem(State.UNKNOWN, "no run has read it since")
    if stored.age < -max_age:
        return Problem(State.UNKNOWN, "the snapshot was collected in the future: compare the hosts' clocks")
    return None
