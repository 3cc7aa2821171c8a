"""Dates as whole numbers, and Julian days: each was compared with the bindings of ecFlow 5.9.2."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from watchman_cli.details import dates


def test_julian_days_there_and_back() -> None:
    day = date(1999, 12, 30)
    for _ in range(3000):
        number = int(day.strftime("%Y%m%d"))
        assert dates.from_julian(dates.to_julian(number)) == number
        assert dates.to_julian(number) == day.toordinal() + 1721425
        assert dates.weekday(number) == day.isoweekday() % 7
        assert dates.day_of_year(number) == day.timetuple().tm_yday
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("number", "julian"),
    [(20260301, 2461101), (2026030112, 2461101), (5, 0), (0, 0), (-20260301, 0), (202603, 0)],
)
def test_what_is_a_date(number: int, julian: int) -> None:
    assert dates.to_julian(number) == julian


def test_a_day_that_is_none_is_cut_off_as_in_cpp() -> None:
    assert dates.from_julian(5) == -47119927


@pytest.mark.parametrize(("days", "wanted"), [(1, 20240302), (-1, 20240229), (305, 20241231), (0, 20240301)])
def test_add_days(days: int, wanted: int) -> None:
    assert dates.add_days(20240301, days) == wanted


def test_a_calendars_time() -> None:
    moment = dates.parse_moment("2026-May-06 17:20:59")
    assert moment == dates.Moment(20260506, 17, 20)
    assert moment and moment.weekday == 3
    for text in ("", "not-a-date-time", "2026-Foo-06 17:20:00", "2026-May-06"):
        assert dates.parse_moment(text) is None


@pytest.mark.parametrize(("day", "last"), [(20260201, 28), (20240215, 29), (20261231, 31), (20260430, 30)])
def test_the_last_day_of_a_month(day: int, last: int) -> None:
    assert dates.last_of_month(day) == last
