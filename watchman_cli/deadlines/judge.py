"""Judge a deadline by one snapshot after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from watchman_cli.deadlines.cycle import Cycle, current_cycle, next_cycle
from watchman_cli.deadlines.model import AtStart, Deadline, DeadlineState, Matches, PastCycle
from watchman_cli.deadlines.nodes import count_changes, count_matches
from watchman_cli.snapshot import RecordUpdate

# If two snapshots are further apart, the second does not prove when its status was reached.
LONGEST_GAP = timedelta(minutes=10)
# Past cycles that are kept: a run whose clock is wrong leaves the present one too early.
PAST_CYCLES = 3
# The state of a deadline that the configuration no longer has is kept for so long.
KEPT = timedelta(days=7)


def judge_all(
    deadlines: Iterable[Deadline],
    states: Iterable[DeadlineState],
    changes: Sequence[RecordUpdate] | None,
    content: Callable[[], bytes],
    collected: datetime,
) -> tuple[DeadlineState, ...]:
    """Return the state of each deadline after a snapshot that was collected at this time.

    `states` are those after the last snapshot, and `changes` the records that differ from it, or None if they
    are unknown. `content` returns the snapshot's bytes; it is called only if they are needed. A state of a
    deadline that is no longer configured is kept for a while.
    """
    known = {state.deadline: state for state in states}
    judged = []
    for deadline in deadlines:
        state = known.pop(str(deadline), None)
        if changes is not None and state is not None and state.configured:
            matches = count_changes(deadline, state.matches, changes)
        else:
            matches = count_matches(deadline, content())
        judged.append(judge(deadline, state, matches, collected))
    recent = [state for state in known.values() if collected - state.judged <= KEPT]
    return (*judged, *(state._replace(configured=False) for state in recent))


def judge(
    deadline: Deadline, previous: DeadlineState | None, matches: Matches, collected: datetime
) -> DeadlineState:
    """Return the state after a snapshot that was collected at this time; `previous` is the last one's.

    Each missed cycle adds one to `misses`, once. If the clock brings a cycle again, its last state continues:
    a decided cycle stays decided. A cycle without a snapshot is not reported. The first cycle of a new
    deadline is not reported if it was met, or could have been met, before the first snapshot.
    """
    cycle = current_cycle(deadline, collected)
    if previous is None or previous.deadline != str(deadline):
        state = _decided(_begin(deadline, cycle, "nothing", matches, collected), None)
        if state.state == "unknown":
            state = _await_next(deadline, state)
    elif cycle.due == previous.due:
        state = _continue_cycle(previous, matches, collected)
    elif cycle.due < previous.due and previous.judged <= collected:  # its cycle has not begun
        state = _await_cycle(previous, matches, collected)
    else:
        state = _change_cycle(deadline, cycle, previous, matches, collected)
    if state.state == "unknown" and state.at_start == "nothing" and not state.past:
        state = _await_next(deadline, state)
    following = next_cycle(deadline, state.due)
    return state._replace(next_start=following.start, next_due=following.due, configured=True)


def _begin(
    deadline: Deadline, cycle: Cycle, at_start: AtStart, matches: Matches, collected: datetime
) -> DeadlineState:
    """Return the state of a new cycle, before its first snapshot is judged."""
    return DeadlineState(
        deadline=str(deadline),
        due=cycle.due,
        state="pending",
        at_start=at_start if matches.all_there else "other",
        judged=collected,
        matches=matches,
    )


def _change_cycle(
    deadline: Deadline, cycle: Cycle, previous: DeadlineState, matches: Matches, collected: datetime
) -> DeadlineState:
    """Return the state in another cycle than the previous snapshot's."""
    gap = collected - previous.judged
    is_later = timedelta(0) <= gap
    left = previous
    if previous.state == "pending" and is_later and gap <= LONGEST_GAP:  # due as the next one begins
        left = _continue_cycle(previous, matches, collected)
    for past in previous.past:
        if past.due == cycle.due:
            return _continue_cycle(_resume(left, past), matches, collected)
    for past in previous.past:  # a cycle that has not begun, as it was before the clock was ahead
        if past.due > cycle.due and past.judged <= collected < previous.judged and past.state == "pending":
            return _await_cycle(_resume(left, past), matches, collected)
    at_start: AtStart = "nothing"
    if not previous.matches.all_there:
        at_start = "other"
    elif is_later:
        at_start = "same"
    state = _begin(deadline, cycle, at_start, matches, collected)
    state = state._replace(misses=left.misses, reported=left.reported, past=_with_past(left, cycle.due))
    return _decided(state, previous.judged if is_later else None)


def _await_cycle(state: DeadlineState, matches: Matches, collected: datetime) -> DeadlineState:
    """Return the state of a cycle that has not begun, after one more snapshot."""
    return state._replace(at_start=_at_start(matches), judged=collected, matches=matches)


def _resume(left: DeadlineState, cycle: PastCycle) -> DeadlineState:
    """Return a past cycle's state, with the state that is left among the past ones."""
    return left._replace(**cycle._asdict(), past=_with_past(left, cycle.due))


def _with_past(left: DeadlineState, due: datetime) -> tuple[PastCycle, ...]:
    """Return the past cycles with `left` as the last one, and without the cycle `due`, which is resumed."""
    kept = [each for each in left.past if each.due not in (left.due, due)]
    return (*kept, left.as_past)[-PAST_CYCLES:]


def _await_next(deadline: Deadline, state: DeadlineState) -> DeadlineState:
    """Return the state of the next cycle, if a new deadline's first cycle cannot be judged."""
    due = next_cycle(deadline, state.due).due
    return state._replace(due=due, state="pending", at_start=_at_start(state.matches), reached=None)


def _at_start(matches: Matches) -> AtStart:
    """Return the nodes' status in the last snapshot before a cycle, as `DeadlineState.at_start`."""
    return "same" if matches.all_there else "other"


def _continue_cycle(previous: DeadlineState, matches: Matches, collected: datetime) -> DeadlineState:
    """Return the state of the same cycle after one more snapshot."""
    at_start = previous.at_start if matches.all_there else "other"
    state = previous._replace(at_start=at_start, judged=collected, matches=matches)
    return _decided(state, previous.judged)


def _decided(state: DeadlineState, last: datetime | None) -> DeadlineState:
    """Return a state with its last snapshot judged; `last` is the time of the snapshot before it, or None."""
    time, there = state.judged, state.matches.all_there
    if there and state.at_start == "other" and state.reached is None:
        state = state._replace(reached=time)
        if state.state == "pending":
            # If only the first of the two snapshots is in time, a miss cannot be proved.
            in_time = time <= state.due or (last is not None and last <= time <= last + LONGEST_GAP)
            return state._replace(state="met" if in_time else "unknown")
    if state.state == "pending" and time >= state.due:
        if last is None or (there and state.at_start == "nothing"):  # it may have been met before
            return state._replace(state="unknown")
        return state._replace(state="missed", misses=state.misses + 1)
    return state
