"""From what the health record says of a server's deadlines to one state and the reasons for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from watchman_cli.check.assess import Assessment, Problem, State
from watchman_cli.check.measure import Measure
from watchman_cli.deadlines import DeadlineState, states_of
from watchman_cli.duration import format_duration
from watchman_cli.reader import ServerStatus


def assess_deadlines(status: ServerStatus) -> Assessment:
    """Return which deadlines of a server are missed in their present cycle, and of which nobody knows it.

    A miss stays one until the next cycle begins, whatever the age of the snapshot. One that is due and has
    seen no snapshot since is unknown.
    """
    states = states_of(status.health.deadlines or ())
    if not states:
        text = "no run has judged a deadline of it yet; the configuration names them, as `deadlines`"
        return Assessment(status, (Problem(State.UNKNOWN, text),))
    missed = [each for each in states if each.state == "missed"]
    unknown = [each for each in states if each.state_at(status.read_time) == "unknown"]
    many = "deadline" if len(states) == 1 else "deadlines"
    problems = [
        Problem(state, f"{len(found)} of {len(states)} {many} {word}", details=tuple(_lines(found)))
        for state, found, word in ((State.CRITICAL, missed, "missed"), (State.UNKNOWN, unknown, "unknown"))
        if found
    ]
    measures = Measure("missed", len(missed)), Measure("unknown", len(unknown))
    return Assessment(status, tuple(problems), measures, f"{len(states)} {many}, none missed")


def _lines(states: Iterable[DeadlineState]) -> Iterable[str]:
    for each in states:
        yield f"{each.deadline}: due {_format(each.due)}, {_why(each)}"


def _why(state: DeadlineState) -> str:
    if state.state == "pending":
        return f"and not read since {_format(state.judged)}"
    if state.state == "unknown":
        return "nobody knows, since it was not read in time"
    if state.reached is not None:
        return f"reached {format_duration((state.reached - state.due).total_seconds())} late"
    return state.why_missed


def _format(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
