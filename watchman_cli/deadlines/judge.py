"""Whether a deadline was met, by one snapshot after the other."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchman_cli.deadlines.cycle import current_cycle
from watchman_cli.deadlines.model import Deadline, DeadlineState, Matches

# Between two snapshots that are further apart, a status that was reached says nothing of when.
LONGEST_GAP = timedelta(minutes=10)


def judge(
    deadline: Deadline, before: DeadlineState | None, matches: Matches, collected: datetime
) -> DeadlineState:
    """Return the state after a snapshot that was collected at this time; `before` is that of the last one.

    A miss is one more in `misses`, once in each cycle: a cycle that was left is never come back to, not
    where the clock is set back either. Of a cycle in which no snapshot was judged, nothing is reported.
    """
    cycle = current_cycle(deadline, collected)
    if before is None or before.deadline != str(deadline):
        seen = "nothing" if matches.all_there else "other"
        state = DeadlineState(str(deadline), cycle.due, "pending", seen, collected, matches)
        return _decided(state, None)
    if cycle.due < before.due:  # the clock was set back, or the zone's rules were changed
        return before._replace(matches=matches)
    if cycle.due == before.due:
        return _seen(before, matches, collected)
    misses = before.misses
    if before.state == "pending" and collected - before.judged <= LONGEST_GAP:  # due as the next one begins
        misses = _seen(before, matches, collected).misses
    seen = "same" if before.matches.all_there and matches.all_there else "other"
    state = DeadlineState(str(deadline), cycle.due, "pending", seen, collected, matches, misses=misses)
    return _decided(state, before.judged)


def _seen(before: DeadlineState, matches: Matches, collected: datetime) -> DeadlineState:
    """Return the state of a cycle after one more snapshot."""
    seen = before.before if matches.all_there else "other"
    return _decided(before._replace(before=seen, judged=collected, matches=matches), before.judged)


def _decided(state: DeadlineState, last: datetime | None) -> DeadlineState:
    """Return a state with what its snapshot decides; `last` is when the one before it was collected."""
    time, there = state.judged, state.matches.all_there
    if there and state.before == "other" and state.reached is None:
        state = state._replace(reached=time)
        if state.state == "pending":
            # Reached between two snapshots of which only the first is in time: no miss that can be proved.
            in_time = time <= state.due or (last is not None and time - last <= LONGEST_GAP)
            return state._replace(state="met" if in_time else "unknown")
    if state.state == "pending" and time >= state.due:
        if last is None or (there and state.before == "nothing"):  # it may have been met before
            return state._replace(state="unknown")
        return state._replace(state="missed", misses=state.misses + 1)
    return state
