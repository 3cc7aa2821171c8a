"""A deadline's cycles, from a local time of day, over midnight and changes of the clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from watchman_cli.deadlines.model import DAYS, Deadline

_WEEK = 7  # days within which a deadline has a cycle


class Cycle(NamedTuple):
    """The start of a cycle, and the time by which the deadline is due, both in UTC."""

    start: datetime
    due: datetime


def current_cycle(deadline: Deadline, time: datetime) -> Cycle:
    """Return the last cycle that has begun at `time`; it lasts until the next one begins."""
    today = time.astimezone(deadline.tzinfo).date()
    cycles = (_cycle(deadline, today + timedelta(days=1 - back)) for back in range(_WEEK + 2))
    return next(cycle for cycle in cycles if cycle and cycle.start <= time)


def next_cycle(deadline: Deadline, time: datetime) -> Cycle:
    """Return the first cycle that is due after `time`."""
    today = time.astimezone(deadline.tzinfo).date()
    cycles = (_cycle(deadline, today + timedelta(days=ahead - 2)) for ahead in range(_WEEK + 4))
    return next(cycle for cycle in cycles if cycle and cycle.due > time)


def _cycle(deadline: Deadline, day: date) -> Cycle | None:
    """Return the cycle that begins on a day, or None."""
    if DAYS[day.weekday()] not in deadline.days:
        return None
    last = day if deadline.by > deadline.after else day + timedelta(days=1)
    start = _moment(day, deadline.after, deadline.tzinfo)
    due = _moment(last, deadline.by, deadline.tzinfo)
    if due <= start:  # the clock was set over both of them
        minutes = (deadline.by - deadline.after) % (24 * 60) or 24 * 60
        due = start + timedelta(minutes=minutes)
    return Cycle(start, due)


def _moment(day: date, minutes: int, zone: tzinfo) -> datetime:
    """Return a local time in UTC: the first of two, or if the clock skips it, the time after the skip."""
    local = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone)
    return local.astimezone(timezone.utc)
