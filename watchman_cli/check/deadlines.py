"""Judge a server's deadlines: from its health record to one state and the reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from watchman_cli.check.assess import Assessment, Problem
from watchman_cli.check.measure import Measure
from watchman_cli.check.quiet import Quiet, count_quiet, nodes_filter
from watchman_cli.check.state import State
from watchman_cli.deadlines import DeadlineState, listed, path_of
from watchman_cli.duration import format_duration
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import MAX_SKEW


def assess_deadlines(stored: StoredServer, names: Collection[str] = ()) -> Assessment:
    """Return a problem for the deadlines that are missed in their present cycle, and one for unknown ones.

    The deadlines are those in the last run's configuration and those in `names`. A state ends with its cycle,
    for any age of the snapshot. A deadline that is due, without a snapshot since, is unknown.
    """
    states = [each.at(stored.read_time) for each in listed(stored.health.deadlines, names)]
    if not states:
        text = "no run has judged a deadline yet; set `deadlines` in the configuration"
        return Assessment(stored, (Problem(State.UNKNOWN, text),))
    missed = [each for each in states if each.state == "missed"]
    unknown = [each for each in states if each.state == "unknown"]
    find = nodes_filter(stored)
    quiet: list[Quiet] = []
    if find is not None:
        quiet = [
            *count_quiet("missed", [found for each in missed if (found := find(path_of(each.deadline)))]),
            *count_quiet("unknown", [found for each in unknown if (found := find(path_of(each.deadline)))]),
        ]
        missed = [each for each in missed if not find(path_of(each.deadline))]
        unknown = [each for each in unknown if not find(path_of(each.deadline))]
    many = "deadline" if len(states) == 1 else "deadlines"
    total = f"of {len(states)} {many}"
    problems = []
    if missed:
        lines = tuple(_lines(missed, stored.read_time))
        problems.append(Problem(State.CRITICAL, f"{len(missed)} {total} missed", lines=lines))
    if unknown:
        lines = tuple(_lines(unknown, stored.read_time))
        problems.append(Problem(State.UNKNOWN, f"{len(unknown)} {total} unknown", lines=lines))
    measures = Measure("missed", len(missed)), Measure("unknown", len(unknown))
    summary = f"{len(states)} {many}, none missed"
    if quiet:
        summary = f"{len(states)} {many}"
    return Assessment(stored, tuple(problems), measures, summary, tuple(quiet))


def _lines(states: Iterable[DeadlineState], now: datetime) -> Iterator[str]:
    for each in states:
        yield f"{each.deadline}: due {_format(each.due)}, {_why(each, now)}"


def _why(state: DeadlineState, now: datetime) -> str:
    """Return the reason why a deadline is missed or unknown."""
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
