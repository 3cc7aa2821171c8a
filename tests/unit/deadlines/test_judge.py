"""A miss is reported once in a cycle, and never where it cannot be proved."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman_cli import health
from watchman_cli.deadlines import (
    Deadline,
    DeadlineState,
    Matches,
    current_cycle,
    judge,
    judge_all,
    states_of,
)
from watchman_cli.health import Health
from watchman_cli.snapshot import StatusRecord, encode, join_records

DEADLINE = Deadline("/s", 5 * 60)  # by 05:00 UTC, after midnight
DONE, RUNNING, NOWHERE = Matches(1, 0), Matches(1, 1), Matches(0, 0)
NOW = "2026-11-26T00:00:00.000000+00:00"


def at(hour: float, day: int = 26) -> datetime:
    return datetime(2026, 11, day, tzinfo=timezone.utc) + timedelta(hours=hour)


def stored(state: DeadlineState) -> DeadlineState:
    """Return a state as the next run finds it in the store."""
    record = Health(checked_time=NOW, ok=True, deadlines=(state,))
    (found,) = health.decode(health.encode(record)).deadlines
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
        ([(-1, DONE), (1, DONE), (6, DONE)], "missed", 1),  # it has not even begun
        ([(-1, DONE), (1, DONE), (2, RUNNING), (4, DONE)], "met", 0),
        ([(-0.1, RUNNING), (0.1, DONE)], "met", 0),
        ([(1, NOWHERE), (6, NOWHERE)], "missed", 1),
        ([(1, NOWHERE), (4, DONE)], "met", 0),
        ([(1, Matches(3, 1)), (4, Matches(3, 0))], "met", 0),
        ([(1, Matches(3, 1)), (6, Matches(3, 1))], "missed", 1),
    ],
)
def test_one_cycle(seen: list[tuple[float, Matches]], state: str, misses: int) -> None:
    found = after(*seen)
    assert (found.state, found.misses, found.due) == (state, misses, at(5))


@pytest.mark.parametrize(
    "seen",
    [
        [(1, DONE), (6, DONE)],  # nothing was seen of the day before
        [(6, RUNNING)],  # it may have been met, and begun anew, before the first look
        [(6, RUNNING), (7, DONE)],
        [(6, DONE)],
        [(6, DONE), (23, RUNNING)],
    ],
)
def test_a_new_deadline_is_pending_until_its_next_cycle(seen: list[tuple[float, Matches]]) -> None:
    found = after(*seen)
    assert (found.state, found.misses, found.due, found.next_due) == ("pending", 0, at(29), at(53))
    assert found.at(at(23.5)).state == "pending"
    assert after(*seen, (25, RUNNING), (28, DONE)).state == "met"
    missed = after(*seen, (25, RUNNING), (29.01, RUNNING))
    assert (missed.state, missed.misses, missed.due) == ("missed", 1, at(29))


def test_a_new_deadline_that_was_met_before_and_does_not_begin_is_missed_in_the_next_cycle() -> None:
    assert after((6, DONE), (23.9, DONE), (24.1, DONE), (29.1, DONE)).state == "missed"


def test_how_late_it_came() -> None:
    assert after((1, RUNNING), (5.01, RUNNING), (6, DONE), (7, DONE)).reached == at(6)
    assert after((1, RUNNING), (5.01, RUNNING)).reached is None


def test_it_is_unknown_while_nothing_is_read() -> None:
    state = after((1, RUNNING))
    assert [state.at(at(hour)).state for hour in (4.9, 5, 24.1, 200)] == ["pending", *["unknown"] * 3]


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ([(1, RUNNING), (4, DONE)], "met"),
        ([(1, RUNNING), (6, RUNNING)], "missed"),
        ([(1, RUNNING), (7, DONE)], "unknown"),
    ],
)
def test_a_state_ends_with_its_cycle(seen: list[tuple[float, Matches]], state: str) -> None:
    """The next cycle begins at hour 24 and is due at hour 29; nothing is read any more."""
    found = after(*seen)
    known = [found.at(at(hour)) for hour in (7, 23.99, 24, 28.99, 29, 200)]
    assert [each.state for each in known] == [state, state, "pending", "pending", "unknown", "unknown"]
    assert [each.due for each in known] == [at(5), at(5), *[at(29)] * 4]


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-03-29", "2026-03-29T01:30"),  # 02:30 is left out: an hour later, 03:30 in summer time
        ("2026-10-25", "2026-10-25T00:30"),  # 02:30 comes twice: the first one
    ],
)
def test_a_state_ends_with_its_cycle_as_the_clock_changes(day: str, due: str) -> None:
    """The cycle before the change is met; the next one is due on the day of the change."""
    deadline = Deadline("/s", 150, zone="Europe/Paris")
    next_due = datetime.fromisoformat(due + "+00:00")
    reading = next_due - timedelta(hours=26)
    state = None
    for minutes, matches in ((0, RUNNING), (5, DONE)):
        state = stored(judge(deadline, state, matches, reading + timedelta(minutes=minutes)))
    assert state and state.state == "met" and state.next_due == next_due
    second = timedelta(seconds=1)
    midnight = datetime.fromisoformat(day + "T00:00:00").replace(tzinfo=deadline.tzinfo)
    times = (midnight - second, midnight, next_due - second, next_due)
    assert [state.at(time).state for time in times] == ["met", "pending", "pending", "unknown"]


def test_a_state_of_a_week_s_deadline_lasts_a_week() -> None:
    weekly = Deadline("/s", 300, days=("thu",))  # the 26th is one
    met = after((1, RUNNING), (4, DONE), deadline=weekly)
    assert [met.at(at(hour, day)).state for hour, day in ((23, 30), (4, 26))] == ["met", "met"]
    assert [met.at(at(hour)).state for hour in (7 * 24 - 1, 7 * 24 + 1, 7 * 24 + 5)] == [
        "met",
        "pending",
        "unknown",
    ]


def test_a_record_of_an_older_version_counts_for_a_day() -> None:
    value = after((1, RUNNING), (4, DONE)).as_json()
    for name in ("next_start", "next_due", "reported", "past", "configured"):
        del value[name]
    (old,) = states_of([value])
    assert [old.at(at(hour)).state for hour in (28.9, 29)] == ["met", "unknown"]
    assert not old.unreported and old.configured


def test_a_state_that_was_judged_in_the_future_is_unknown() -> None:
    met = after((1, RUNNING), (4, DONE))
    assert [met.at(at(hour)).state for hour in (3, 3.97)] == ["unknown", "met"]


def test_clock_that_is_set_back_does_not_reopen_a_cycle() -> None:
    missed = after((1, RUNNING), (6, RUNNING), (25, RUNNING))
    assert (missed.state, missed.misses, missed.due) == ("pending", 1, at(29))
    back = after((1, RUNNING), (6, RUNNING), (25, RUNNING), (2, RUNNING), (6, RUNNING), (26, DONE))
    assert (back.state, back.misses, back.due) == ("met", 1, at(29))


def test_run_with_the_clock_ahead_does_not_hide_later_misses() -> None:
    """One run ten years ahead, before the present cycle is decided, and in the middle of the one before."""
    ahead = (10 * 365 * 24.0, RUNNING)
    today = ((1, RUNNING), (4.9, RUNNING), ahead, (5.01, RUNNING))
    assert (after(*today).state, after(*today).misses, after(*today).due) == ("missed", 1, at(5))
    later = (*today, (25, RUNNING), (28.9, RUNNING), (29.01, RUNNING), (30, RUNNING))
    assert (after(*later).state, after(*later).misses, after(*later).due) == ("missed", 2, at(29))
    met = ((1, RUNNING), (4.9, RUNNING), ahead, (4.95, DONE))
    assert after(*met).state == "met"
    decided = ((1, RUNNING), (6, RUNNING), ahead, (6.1, RUNNING), (7, RUNNING))
    assert (after(*decided).state, after(*decided).misses) == ("missed", 1)


def test_a_run_with_the_clock_ahead_while_a_new_deadline_waits() -> None:
    waiting = after((6, RUNNING), (984.5, RUNNING), (6.1, RUNNING))
    assert (waiting.state, waiting.due) == ("pending", at(29))
    assert after((6, RUNNING), (984.5, RUNNING), (6.1, RUNNING), (25, RUNNING), (29.1, RUNNING)).misses == 1


def test_cycle_is_unknown_if_the_clock_was_ahead() -> None:
    """Nothing was seen of the night in which the cycle began, except by the run whose clock was ahead."""
    found = after((1, RUNNING), (4, DONE), (984.5, DONE), (25, DONE), (30, DONE))
    assert (found.state, found.misses, found.due) == ("unknown", 0, at(29))


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
    st.tuples(st.integers(0, 3 * 24 * 60), st.sampled_from((DONE, RUNNING, NOWHERE))),
    min_size=1,
    max_size=60,
)


@given(
    moments,
    st.sampled_from((DEADLINE, Deadline("/s", 0), Deadline("/s", 300, after=1080, zone="Europe/Paris"))),
)
def test_each_miss_is_counted_once_for_any_clock(seen: list[tuple[int, Matches]], deadline: Deadline) -> None:
    """Runs at any times of some cycles, in any order: none is missed twice, or missed and met."""
    state = None
    decided: dict[datetime, str] = {}
    for minutes, matches in seen:
        time = at(minutes / 60, 20)
        found = stored(judge(deadline, state, matches, time))
        for each in (found.as_past, *found.past):
            assert decided.setdefault(each.due, each.state) in (each.state, "pending")
            if each.state == "missed" and decided[each.due] == "pending":
                assert time >= each.due
            decided[each.due] = each.state
        state = found
    assert state and state.misses == list(decided.values()).count("missed")


@given(st.lists(st.sampled_from((DONE, RUNNING)), min_size=1, max_size=36))
def test_status_that_was_seen_in_time_is_not_missed(hours: list[Matches]) -> None:
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


def test_records_with_an_invalid_time_are_left_out() -> None:
    value = after((1, RUNNING)).as_json()
    assert states_of([value | {"due": "2026-02-31T00:00:00+00:00"}, value]) == [after((1, RUNNING))]


def content(*statuses: str) -> bytes:
    records = [StatusRecord(f"/s/{number}", status) for number, status in enumerate(statuses)]
    return encode(NOW, "RUNNING", [join_records(records)])


def unread() -> bytes:
    raise AssertionError("the snapshot was read")


ALL = Deadline("/s/*", 5 * 60)
FIRST = judge(ALL, None, Matches(2, 1), at(1))


def test_changes_are_enough_for_a_known_deadline() -> None:
    update = (StatusRecord("/s/0", "queued"), StatusRecord("/s/0", "complete"))
    (state,) = judge_all([ALL], [FIRST], [update], unread, at(4))
    assert (state.state, state.matches, state.judged) == ("met", Matches(2, 0), at(4))
    assert state == judge(ALL, FIRST, Matches(2, 0), at(4))


@pytest.mark.parametrize(
    ("states", "changes"), [([], []), ([FIRST], None), ([FIRST._replace(configured=False)], [])]
)
def test_snapshot_is_read_if_changes_are_not_enough(states: list[DeadlineState], changes: Any) -> None:
    (state,) = judge_all([ALL], states, changes, lambda: content("complete", "queued", "queued"), at(4))
    assert state.matches == Matches(3, 2) and state.configured


def test_state_of_another_configuration_is_kept_for_a_week() -> None:
    other = judge(Deadline("/other", 60), None, RUNNING, at(1))
    week = timedelta(days=7)
    kept = judge_all([ALL], [other, FIRST], [], unread, other.judged + week)
    assert [state.deadline for state in kept] == [str(ALL), "/other complete by 01:00 UTC"]
    assert kept[1] == other._replace(configured=False)
    later = other.judged + week + timedelta(seconds=1)
    assert [state.deadline for state in judge_all([ALL], [other, FIRST], [], unread, later)] == [str(ALL)]
