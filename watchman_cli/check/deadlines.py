"""From what the health record says of a server's deadlines to one state and the reasons for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from watchman_cli.check.assess import Assessment, Problem, State
from watchman_cli.check.measure import Measure
from watchman_cli.deadlines import DeadlineState, listed
from watchman_cli.duration import format_duration
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import MAX_SKEW


def assess_deadlines(status: StoredServer, names: Collection[str] = ()) -> Assessment:
    """Return which deadlines of a server are missed in their present cycle, and which are unknown.

    They are those that the last run's configuration has, and those in `names`. A state ends with its cycle,
    for any age of the snapshot. One that is due and has seen no snapshot since is unknown.
    """
    states = [each.at(status.read_time) for each in listed(status.health.deadlines or (), names)]
    if not states:
        text = "no run has judged a deadline yet; set `deadlines` in the configuration"
        return Assessment(status, (Problem(State.UNKNOWN, text),))
    missed = [each for each in states if each.state == "missed"]
    unknown = [each for each in states if each.state == "unknown"]
    many = "deadline" if len(states) == 1 else "deadlines"
    problems = [
        Problem(
            state,
            f"{len(found)} of {len(states)} {many} {word}",
            details=tuple(_lines(found, status.read_time)),
        )
        for state, found, word in ((State.CRITICAL, missed, "missed"), (State.UNKNOWN, unknown, "unknown"))
        if found
    ]
    measures = Measure("missed", len(missed)), Measure("unknown", len(unknown))
    return Assessment(status, tuple(problems), measures, f"{len(states)} {many}, none missed")


def _lines(states: Iterable[DeadlineState], now: datetime) -> Iterable[str]:
    for each in states:
        yield f"{each.deadline}: due {_format(each.due)}, {_why(each, now)}"


def _why(state: DeadlineState, now: datetime) -> str:
    if state.judged > now + MAX_SKEW:
        future = f"the last snapshot is of {_format(state.judged)}, in the future"
        return f"but {future}: compare the hosts' clocks"
    if state.judged < state.due:
        return f"but the server was not read since {_format(state.judged)}"
    if state.state == "unknown":
        return "unknown: the server was not read in time"
    if state.reached is not None:
        return f"reached {format_duration((state.reached - state.due).total_seconds())} late"
    return state.why_missed


def _format(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
