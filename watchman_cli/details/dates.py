"""Dates as ecFlow counts with them: whole numbers such as 20260301, and Julian days.

The formulas are ecFlow's (libs/core/src/ecflow/core/Cal.cpp): they give a number for an impossible date, too.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


class Moment(NamedTuple):
    """A time of a calendar, without a zone."""

    date: int  # 20260301
    hour: int
    minute: int

    @property
    def weekday(self) -> int:
        """The day of the week; 0 is sunday."""
        return weekday(self.date)


def to_julian(date: int) -> int:
    """Return the Julian day of a date of 8 digits, or of 10, whose last two are dropped; else 0."""
    digits = len(str(abs(date)))
    if digits == 10:
        date = int(date / 100)
    elif digits != 8 or date < 0:
        return 0
    year, month, day = date // 10000, date // 100 % 100, date % 100
    month, year = (month - 3, year) if month > 2 else (month + 9, year - 1)
    return 146097 * (year // 100) // 4 + 1461 * (year % 100) // 4 + (153 * month + 2) // 5 + day + 1721119


def from_julian(day: int) -> int:
    """Return the date of a Julian day."""
    centuries, rest = _divide(4 * day - 6884477, 146097)
    years, rest = _divide(4 * _divide(rest, 4)[0] + 3, 1461)
    month, rest = _divide(5 * (_divide(rest, 4)[0] + 1) - 3, 153)
    month += 1
    year = 100 * centuries + years
    year, month = (year, month + 2) if month < 11 else (year + 1, month - 10)
    return year * 10000 + month * 100 + _divide(rest, 5)[0] + 1


def _divide(number: int, by: int) -> tuple[int, int]:
    """Return quotient and rest as C++ does, cut off towards 0."""
    quotient = abs(number) // by
    quotient = -quotient if number < 0 else quotient
    return quotient, number - quotient * by


def add_days(date: int, days: int) -> int:
    """Return the date some days later."""
    return from_julian(to_julian(date) + days)


def weekday(date: int) -> int:
    """Return the day of the week of a date; 0 is sunday."""
    return (to_julian(date) + 1) % 7


def day_of_year(date: int) -> int:
    """Return the number of a date's day in its year, from 1 on."""
    return to_julian(date) - to_julian(date // 10000 * 10000 + 101) + 1


def parse_moment(text: str) -> Moment | None:
    """Return the time in `2026-May-06 17:20:00`, or None."""
    day, _, time = text.partition(" ")
    try:
        date = parse_date(day)
        return Moment(date, int(time[:2]), int(time[3:5]))
    except ValueError:
        return None


def parse_date(text: str) -> int:
    """Return the date in `2026-May-06`. Raises ValueError."""
    year, month, day = text.split("-")
    return int(year) * 10000 + (MONTHS.index(month) + 1) * 100 + int(day)


def last_of_month(date: int) -> int:
    """Return the number of days in a date's month."""
    year, month = date // 10000, date // 100 % 100
    following = datetime(year + month // 12, month % 12 + 1, 1)
    return (following - datetime(year, month, 1)).days
