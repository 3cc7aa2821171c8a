"""From what the store holds of a server to one state and the reasons for it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watchman_cli.check.measure import Measure, measure
from watchman_cli.check.ranges import Range
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import plain_or_quoted


class State(enum.IntEnum):
    """What a plugin reports; the value is its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_SEVERITY = (State.OK, State.WARNING, State.UNKNOWN, State.CRITICAL)
NO_ABORTED, NO_LATE = Range(0, 0), Range(0, 0)
SERVER_STATES = {"HALTED": State.CRITICAL, "SHUTDOWN": State.WARNING}


@dataclass(frozen=True)
class Limits:
    """What is not OK; `max_age` in seconds, and for each measure the ranges outside of which it is not.

    A measure without a range is not OK by itself where it is `aborted` or `late`.
    """

    path: str = "/"
    max_age: float = 180.0
    warning: Mapping[str, Range] = field(default_factory=dict)
    critical: Mapping[str, Range] = field(default_factory=dict)

    def of(self, name: str) -> tuple[Range | None, Range | None]:
        """Return the ranges of a measure, for WARNING and for CRITICAL."""
        found = self.warning.get(name), self.critical.get(name)
        if found == (None, None):
            return {"late": (NO_LATE, None), "aborted": (None, NO_ABORTED)}.get(name, found)
        return found

    def judge(self, name: str, value: float) -> State:
        """Return what a measure's value means."""
        warning, critical = self.of(name)
        if critical is not None and critical.alerts(value):
            return State.CRITICAL
        return State.WARNING if warning is not None and warning.alerts(value) else State.OK


@dataclass(frozen=True)
class Problem:
    """Why a server is not OK: of a measure with its name, and with the nodes that make it so."""

    state: State
    text: str = ""
    measure: Measure | None = None
    nodes: tuple[StatusRecord, ...] = ()
    details: tuple[str, ...] = ()  # a line each


@dataclass(frozen=True)
class Assessment:
    """What was found of one server; `measures` is empty where there is nothing to judge by.

    `summary` says what is well where there is no problem, and it is not the measures.
    """

    status: StoredServer
    problems: tuple[Problem, ...]
    measures: tuple[Measure, ...] = ()
    summary: str = ""

    @property
    def state(self) -> State:
        """The worst of the problems' states."""
        return worst(problem.state for problem in self.problems)


def worst(states: Iterable[State]) -> State:
    """Return the worst of some states: CRITICAL, then UNKNOWN, then WARNING."""
    return max(states, key=severity, default=State.OK)


def severity(state: State) -> int:
    """Return the rank of a state: the worst has the highest."""
    return _SEVERITY.index(state)


def assess(status: StoredServer, limits: Limits) -> Assessment:
    """Return what is wrong with a server; a snapshot that is too old says nothing of its nodes."""
    unusable = _why_unusable(status, limits)
    if unusable is not None:
        return Assessment(status, (unusable,))
    snapshot = status.snapshot
    assert snapshot is not None
    measures = measure(snapshot, limits.path)
    if not measures:
        return Assessment(status, (Problem(State.UNKNOWN, f"no such node: {plain_or_quoted(limits.path)}"),))
    problems = []
    if snapshot.server_state in SERVER_STATES:
        problems.append(Problem(SERVER_STATES[snapshot.server_state], f"server {snapshot.server_state}"))
    if status.health.failures:
        problems.append(Problem(State.WARNING, status.health_summary))
    if not status.health.checked_time:  # whether the last run failed is unknown
        problems.append(Problem(State.UNKNOWN, status.health_summary))
    for each in measures:
        state = limits.judge(each.name, each.value)
        if state is not State.OK:
            nodes = tuple(
                node for node, value in each.nodes if limits.judge(each.name, value) is not State.OK
            )
            problems.append(Problem(state, measure=each, nodes=nodes))
    problems.sort(key=lambda problem: severity(problem.state), reverse=True)
    return Assessment(status, tuple(problems), tuple(measures))


def _why_unusable(status: StoredServer, limits: Limits) -> Problem | None:
    """Return why the nodes of a server cannot be judged; None where they can."""
    failing = bool(status.health.failures)
    if status.snapshot is None or status.age is None:
        if failing:
            return Problem(State.CRITICAL, f"{status.error}; {status.health_summary}")
        return Problem(State.UNKNOWN, status.error or "")
    if status.age > limits.max_age:
        if failing:
            return Problem(State.CRITICAL, status.health_summary)
        return Problem(State.UNKNOWN, "no run has read it since")
    if status.age < -limits.max_age:
        return Problem(State.UNKNOWN, "the snapshot was collected in the future: compare the hosts' clocks")
    return None
