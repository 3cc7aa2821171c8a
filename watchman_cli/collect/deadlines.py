"""The deadlines of a server, judged by one more reading of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from watchman_cli.deadlines import Deadline, DeadlineState, count_changes, count_matches, judge, states_of
from watchman_cli.health import Health
from watchman_cli.snapshot import parse_time
from watchman_cli.sync.reading import Reading

# For this long the state of a deadline is kept that the configuration of no run has.
KEPT = timedelta(days=7)


def judge_deadlines(
    deadlines: Iterable[Deadline],
    before: Health,
    reading: Reading,
    snapshot: Callable[[], bytes],
    *,
    counted: bool,
) -> list[dict[str, Any]]:
    """Return the state of each deadline, as it stands in the health record, of which the last is `before`.

    The snapshot is read only if the changes are not enough; with `counted`, the nodes in `before` are those
    of the snapshot that changed. A state of a deadline that this run's configuration does not have is kept.
    Raises what `snapshot` raises.
    """
    states = {state.deadline: state for state in states_of(before.deadlines or ())}
    collected = parse_time(reading.read_time)
    judged = []
    for deadline in deadlines:
        state = states.get(str(deadline))
        if reading.changes is not None and state is not None and counted and state.configured:
            matches = count_changes(deadline, state.matches, reading.changes)
        else:
            matches = count_matches(deadline, snapshot())
        judged.append(judge(deadline, state, matches, collected))
    names = {each.deadline for each in judged}
    judged += _kept([state for state in states.values() if state.deadline not in names], collected)
    return [state.as_json() for state in judged]


def _kept(states: Iterable[DeadlineState], collected: datetime) -> list[DeadlineState]:
    """Return what is kept of deadlines that another configuration has."""
    return [state._replace(configured=False) for state in states if collected - state.judged <= KEPT]


def count_matches_again(
    deadlines: Iterable[Deadline], values: Iterable[dict[str, Any]], snapshot: bytes
) -> list[dict[str, Any]]:
    """Return the states in a health record with the nodes of a snapshot that they were not judged by."""
    configured = {str(deadline): deadline for deadline in deadlines}
    states = []
    for state in states_of(values):
        deadline = configured.get(state.deadline)
        if deadline is not None:
            state = state._replace(matches=count_matches(deadline, snapshot))
        states.append(state.as_json())
    return states
