"""Cycles follow each other, one for each of their days, whatever the clocks of a zone do."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from time import tzset

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman_cli.deadlines import DAYS, Deadline, current_cycle, next_cycle

ZONES = ("UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
minutes = st.integers(0, 24 * 60 - 1)
deadlines = st.builds(
    Deadline,
    path=st.just("/s"),
    by=minutes,
    after=minutes,
    zone=st.sampled_from(ZONES),
    days=st.sets(st.sampled_from(DAYS), min_size=1).map(lambda days: tuple(d for d in DAYS if d in days)),
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(timezone.utc))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@given(deadlines, moments)
def test_a_cycle_has_begun_lasts_some_time_and_is_the_last_one(deadline: Deadline, time: datetime) -> None:
    cycle = current_cycle(deadline, time)
    assert cycle.start <= time
    assert cycle.start < cycle.due <= cycle.start + timedelta(hours=26)
    assert current_cycle(deadline, cycle.start) == cycle
    earlier = current_cycle(deadline, cycle.start - timedelta(microseconds=1))
    assert earlier.start < cycle.start and earlier.due < cycle.due
    following = next_cycle(deadline, time)
    assert following.due > time and following.start >= earlier.start


@given(deadlines, moments)
def test_each_day_has_one_cycle(deadline: Deadline, time: datetime) -> None:
    """The days before today that have a cycle are those whose weekday has one."""
    today = time.astimezone(deadline.tzinfo).date()
    days = [today - timedelta(days=back) for back in range(1, 22)]
    starts: set[date] = set()
    at = time
    while not starts or min(starts) >= days[-1]:
        cycle = current_cycle(deadline, at)
        starts.add(cycle.start.astimezone(deadline.tzinfo).date())
        at = cycle.start - timedelta(microseconds=1)
    assert starts & set(days) == {day for day in days if DAYS[day.weekday()] in deadline.days}


@pytest.mark.parametrize(
    ("by", "after", "zone", "time", "start", "due"),
    [
        ("05:30", "00:00", "UTC", "2026-11-26T12:00", "2026-11-26T00:00", "2026-11-26T05:30"),
        ("05:30", "18:00", "UTC", "2026-11-26T12:00", "2026-11-25T18:00", "2026-11-26T05:30"),
        ("00:00", "00:00", "UTC", "2026-11-26T12:00", "2026-11-26T00:00", "2026-11-27T00:00"),
        # Over the night in which 02:00 becomes 03:00: an hour shorter than the times say.
        ("05:30", "18:00", "Europe/Paris", "2026-03-29T12:00", "2026-03-28T17:00", "2026-03-29T03:30"),
        ("00:00", "00:00", "Europe/Paris", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        # The night in which 02:00 becomes 03:00: a time that is left out is as much later.
        ("02:30", "00:00", "Europe/Paris", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T01:30"),
        ("03:00", "02:30", "Europe/Paris", "2026-03-29T12:00", "2026-03-29T01:30", "2026-03-29T02:00"),
        ("03:30", "02:30", "Europe/Paris", "2026-03-29T12:00", "2026-03-29T01:30", "2026-03-29T02:30"),
        # The night in which 03:00 becomes 02:00: the first of the two.
        ("02:30", "00:00", "Europe/Paris", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T00:30"),
    ],
)
def test_some_cycles(by: str, after: str, zone: str, time: str, start: str, due: str) -> None:
    def of(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    cycle = current_cycle(Deadline("/s", of(by), after=of(after), zone=zone), utc(time))
    assert (cycle.start, cycle.due) == (utc(start), utc(due))


def test_a_week_s_end_without_a_cycle() -> None:
    workdays = Deadline("/s", 330, days=DAYS[:5])
    saturday = utc("2026-11-28T12:00")
    assert date(2026, 11, 28).weekday() == 5
    assert current_cycle(workdays, saturday).due == utc("2026-11-27T05:30")
    assert next_cycle(workdays, saturday).due == utc("2026-11-30T05:30")


def test_a_night_after_a_day_that_the_zone_left_out() -> None:
    """Samoa had no 30 December 2011, a Friday: the morning after it comes before its noon."""
    deadline = Deadline("/s", by=6 * 60, after=12 * 60, zone="Pacific/Apia", days=DAYS[4:5])
    cycle = current_cycle(deadline, utc("2011-12-30T23:00"))
    assert (cycle.start, cycle.due) == (utc("2011-12-30T22:00"), utc("2011-12-31T16:00"))


def test_a_whole_day_that_the_zone_left_out() -> None:
    """From noon to noon of Samoa's 30 December 2011 no time passed."""
    deadline = Deadline("/s", by=12 * 60, after=12 * 60, zone="Pacific/Apia", days=DAYS[4:5])
    cycle = current_cycle(deadline, utc("2011-12-30T23:00"))
    assert (cycle.start, cycle.due) == (utc("2011-12-30T22:00"), utc("2011-12-31T22:00"))


def test_zone_of_this_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Honolulu it is still the Monday whose cycle has not begun; the last one is a week old."""
    deadline = Deadline("/s", by=23 * 60 + 30, after=23 * 60, zone="Pacific/Honolulu", days=DAYS[:1])
    time = utc("2026-11-24T08:00")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        tzset()
        found = [each.isoformat() for each in (*current_cycle(deadline, time), *next_cycle(deadline, time))]
    tzset()
    assert found == [
        f"2026-11-{moment}:00+00:00" for moment in ("17T09:00", "17T09:30", "24T09:00", "24T09:30")
    ]


def test_an_unknown_zone() -> None:
    with pytest.raises(ValueError, match=r"^unknown time zone: Mars/Base$"):
        Deadline("/s", 0, zone="Mars/Base").tzinfo  # noqa: B018
