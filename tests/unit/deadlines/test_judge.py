"""A miss is reported once in a cycle, and never where it cannot be proved."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman_cli import health
from watchman_cli.deadlines import Deadline, DeadlineState, Matches, current_cycle, judge, states_of
from watchman_cli.health import Health

DEADLINE = Deadline("/s", 5 * 60)  # by 05:00 UTC, after midnight
DONE, RUNNING, NOWHERE = Matches(1, 0), Matches(1, 1), Matches(0, 0)
NOW = "2026-11-26T00:00:00.000000+00:00"


def at(hour: float, day: int = 26) -> datetime:
    return datetime(2026, 11, day, tzinfo=timezone.utc) + timedelta(hours=hour)


def stored(state: DeadlineState) -> DeadlineState:
    """Return a state as the next run finds it in the store."""
    record = Health(checked_time=NOW, ok=True, deadlines=[state.as_json()])
    (found,) = states_of(health.decode(health.encode(record)).deadlines or ())
    return found


def after(*seen: tuple[float, Matches], deadline: Deadline = DEADLINE) -> DeadlineState:
    """Return the state after snapshots, each at an hour since the 26th."""
    state = None
    for hour, matches in seen:
        state = stored(judge(deadline, state, matches, at(hour)))
    assert state
    return state


@pytest.mark.parametrize(
    ("seen", "state", "misses"),
    [
        ([(1, RUNNING)], "pending", 0),
        ([(1, RUNNING), (4, DONE)], "met", 0),
        ([(1, RUNNING), (4, DONE), (6, RUNNING)], "met", 0),  # begun anew for the next day
        ([(1, RUNNING), (4.9, RUNNING), (5.01, RUNNING)], "missed", 1),
        ([(1, RUNNING), (5.01, RUNNING), (6, RUNNING), (7, DONE)], "missed", 1),
        ([(1, RUNNING), (4.95, RUNNING), (5.01, DONE)], "met", 0),  # between two snapshots: not proved
        ([(1, RUNNING), (7, DONE)], "unknown", 0),  # reached while nothing was read
        ([(1, RUNNING), (7, RUNNING)], "missed", 1),
        ([(1, DONE), (6, DONE)], "unknown", 0),  # nothing was seen of the day before
        ([(-1, DONE), (1, DONE), (6, DONE)], "missed", 1),  # it has not even begun
        ([(-1, DONE), (1, DONE), (2, RUNNING), (4, DONE)], "met", 0),
        ([(-0.1, RUNNING), (0.1, DONE)], "met", 0),
        ([(1, NOWHERE), (6, NOWHERE)], "missed", 1),
        ([(1, NOWHERE), (4, DONE)], "met", 0),
        ([(1, Matches(3, 1)), (4, Matches(3, 0))], "met", 0),
        ([(1, Matches(3, 1)), (6, Matches(3, 1))], "missed", 1),
        ([(6, RUNNING)], "unknown", 0),  # it may have been met, and begun anew, before the first look
        ([(6, RUNNING), (7, DONE)], "unknown", 0),
        ([(6, DONE)], "unknown", 0),
    ],
)
def test_one_cycle(seen: list[tuple[float, Matches]], state: str, misses: int) -> None:
    found = after(*seen)
    assert (found.state, found.misses, found.due) == (state, misses, at(5))


def test_how_late_it_came() -> None:
    assert after((1, RUNNING), (5.01, RUNNING), (6, DONE), (7, DONE)).reached == at(6)
    assert after((1, RUNNING), (5.01, RUNNING)).reached is None


def test_it_is_unknown_while_nothing_is_read() -> None:
    state = after((1, RUNNING))
    assert [state.state_at(at(hour)) for hour in (4.9, 5)] == ["pending", "unknown"]


def test_a_clock_that_is_set_back_opens_no_cycle_again() -> None:
    missed = after((1, RUNNING), (6, RUNNING), (25, RUNNING))
    assert (missed.state, missed.misses, missed.due) == ("pending", 1, at(29))
    back = after((1, RUNNING), (6, RUNNING), (25, RUNNING), (2, RUNNING), (6, RUNNING), (26, DONE))
    assert (back.state, back.misses, back.due) == ("met", 1, at(29))


def test_a_cycle_that_is_due_as_the_next_begins() -> None:
    day = Deadline("/s", 0)
    missed = after((23.99, RUNNING), (24.01, RUNNING), deadline=day)
    assert (missed.state, missed.misses, missed.due) == ("pending", 1, at(48))
    assert after((1, RUNNING), (23, DONE), (24.01, RUNNING), deadline=day).misses == 0
    assert after((1, RUNNING), (30, RUNNING), deadline=day).misses == 0  # of a cycle without a snapshot


def test_a_deadline_that_was_changed_begins_anew() -> None:
    before = after((1, RUNNING), (6, RUNNING))
    later = DEADLINE._replace(by=7 * 60)
    found = judge(later, before, RUNNING, at(6.1))
    assert (found.state, found.misses, found.due) == ("pending", 0, at(7))


moments = st.lists(
    st.tuples(st.integers(0, 10 * 24 * 60), st.sampled_from((DONE, RUNNING, NOWHERE))),
    min_size=1,
    max_size=60,
)


@given(
    moments,
    st.sampled_from((DEADLINE, Deadline("/s", 0), Deadline("/s", 300, after=1080, zone="Europe/Paris"))),
)
def test_each_miss_is_reported_once_whatever_the_clock_does(
    seen: list[tuple[int, Matches]], deadline: Deadline
) -> None:
    """Runs at any times, in any order: no cycle is missed twice, and none that is not over or was met."""
    state = None
    missed: set[datetime] = set()
    for minutes, matches in seen:
        time = at(minutes / 60, 20)
        found = stored(judge(deadline, state, matches, time))
        if state is not None:
            assert found.due >= state.due and found.misses - state.misses in (0, 1, 2)
        for _ in range(found.misses - (state.misses if state else 0)):
            # the cycle that ended with this snapshot, or the present one
            due = found.due if found.state == "missed" and found.due not in missed else state and state.due
            assert due and due not in missed and time >= due
            missed.add(due)
        state = found
    assert state and state.misses == len(missed)


@given(st.lists(st.sampled_from((DONE, RUNNING)), min_size=1, max_size=36))
def test_what_was_seen_in_time_is_not_missed(hours: list[Matches]) -> None:
    state = None
    for hour, matches in enumerate(hours):
        state = stored(judge(DEADLINE, state, matches, at(hour)))
        cycle = current_cycle(DEADLINE, at(hour))
        today = [
            matches for past, matches in enumerate(hours[: hour + 1]) if cycle.start <= at(past) <= cycle.due
        ]
        done_after_running = any(
            later == DONE and RUNNING in today[:index] for index, later in enumerate(today)
        )
        if done_after_running:
            assert state.state == "met"
        if state.state == "met":
            assert DONE in today


def test_records_with_a_time_that_is_none_are_left_out() -> None:
    value = after((1, RUNNING)).as_json()
    assert states_of([value | {"due": "2026-02-31T00:00:00+00:00"}, value]) == [after((1, RUNNING))]
