"""Whether a deadline was met, by one snapshot after the other."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchman_cli.deadlines.cycle import Cycle, current_cycle, next_cycle
from watchman_cli.deadlines.model import Deadline, DeadlineState, Matches, PastCycle

# Between two snapshots that are further apart, a status that was reached says nothing of when.
LONGEST_GAP = timedelta(minutes=10)
# Cycles that are kept after they were left. A run whose clock is wrong leaves the present one too early.
PAST_CYCLES = 3


def judge(
    deadline: Deadline, before: DeadlineState | None, matches: Matches, collected: datetime
) -> DeadlineState:
    """Return the state after a snapshot that was collected at this time; `before` is that of the last one.

    A miss is one more in `misses`, once in each cycle. If the clock brings a cycle again, it goes on as it
    was left: one that was decided stays so. A cycle without a snapshot is not reported, and neither is the
    first one of a new deadline, if it was met before it was looked at, or may have been.
    """
    cycle = current_cycle(deadline, collected)
    if before is None or before.deadline != str(deadline):
        state = _decided(_begin(deadline, cycle, "nothing", matches, collected), None)
        if state.state == "unknown":
            state = _await_next(deadline, state)
    elif cycle.due == before.due:
        state = _seen(before, matches, collected)
    elif cycle.due < before.due and before.judged <= collected:  # the cycle of `before` is yet to begin
        state = _awaiting(before, matches, collected)
    else:
        state = _other_cycle(deadline, cycle, before, matches, collected)
    if state.state == "unknown" and state.before == "nothing" and not state.past:
        state = _await_next(deadline, state)
    following = next_cycle(deadline, state.due)
    return state._replace(next_start=following.start, next_due=following.due, configured=True)


def _begin(
    deadline: Deadline, cycle: Cycle, seen: str, matches: Matches, collected: datetime
) -> DeadlineState:
    """Return the state of a cycle before its first snapshot decides anything."""
    return DeadlineState(
        deadline=str(deadline),
        due=cycle.due,
        state="pending",
        before=seen if matches.all_there else "other",
        judged=collected,
        matches=matches,
    )


def _other_cycle(
    deadline: Deadline, cycle: Cycle, before: DeadlineState, matches: Matches, collected: datetime
) -> DeadlineState:
    """Return the state in another cycle than that of the last snapshot."""
    gap = collected - before.judged
    went_on = timedelta(0) <= gap
    left = before
    if before.state == "pending" and went_on and gap <= LONGEST_GAP:  # due as the next one begins
        left = _seen(before, matches, collected)
    for each in before.past:
        if each.due == cycle.due:
            return _seen(_resumed(left, each), matches, collected)
    for each in before.past:  # one that is yet to begin, as it was before the clock was ahead
        if each.due > cycle.due and each.judged <= collected < before.judged and each.state == "pending":
            return _awaiting(_resumed(left, each), matches, collected)
    seen = "other" if not before.matches.all_there else "same" if went_on else "nothing"
    state = _begin(deadline, cycle, seen, matches, collected)
    state = state._replace(misses=left.misses, reported=left.reported, past=_with_past(left, cycle.due))
    return _decided(state, before.judged if went_on else None)


def _awaiting(state: DeadlineState, matches: Matches, collected: datetime) -> DeadlineState:
    """Return the state of a cycle that is yet to begin, after one more snapshot."""
    return state._replace(before=_name(matches), judged=collected, matches=matches)


def _resumed(left: DeadlineState, cycle: PastCycle) -> DeadlineState:
    """Return the state of a past cycle in place of the one that is left."""
    return left._replace(**cycle._asdict(), past=_with_past(left, cycle.due))


def _with_past(left: DeadlineState, due: datetime) -> tuple[PastCycle, ...]:
    """Return the past cycles, the last one at the end, once `left` is left for the cycle that is `due`."""
    kept = [each for each in left.past if each.due not in (left.due, due)]
    return (*kept, left.as_past)[-PAST_CYCLES:]


def _await_next(deadline: Deadline, state: DeadlineState) -> DeadlineState:
    """Return the state of a new deadline, of which the first cycle cannot be judged: the next one can."""
    due = next_cycle(deadline, state.due).due
    return state._replace(due=due, state="pending", before=_name(state.matches), reached=None)


def _name(matches: Matches) -> str:
    """Return what the last snapshot before a cycle says of it, as `DeadlineState.before`."""
    return "same" if matches.all_there else "other"


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
            in_time = time <= state.due or (last is not None and last <= time <= last + LONGEST_GAP)
            return state._replace(state="met" if in_time else "unknown")
    if state.state == "pending" and time >= state.due:
        if last is None or (there and state.before == "nothing"):  # it may have been met before
            return state._replace(state="unknown")
        return state._replace(state="missed", misses=state.misses + 1)
    return state
