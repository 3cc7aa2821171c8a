"""Times, dates and calendars from an incremental answer, written as their line in a definition's text.

Sources: libs/attribute/src/ecflow/attribute/*.cpp, libs/core/src/ecflow/core/TimeSeries.cpp (`write`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchman_cli.details.dates import DAYS
from watchman_cli.details.written_line import Fields, Written
from watchman_cli.details.written_text import with_state


def write_time(keyword: str, fields: Fields) -> Iterator[Written]:
    """Yield the line of a `time` or a `today`."""
    found = fields["attr_"]
    series = found.get("ts_", {})
    line = f"{keyword} {_series(series)}"
    yield Written(keyword, line, with_state(line, *_time_state(found, series)))


def write_cron(fields: Fields) -> Iterator[Written]:
    """Yield a cron's line."""
    found = fields["attr_"]
    series = found.get("timeSeries_", {})
    last = [f"{day}L" for day in found.get("last_week_days_of_month_", ())]
    lists = {
        "-w": [*found.get("weekDays_", ()), *last],
        "-d": [*found.get("daysOfMonth_", ()), *(["L"] if found.get("last_day_of_month_") else [])],
        "-m": found.get("months_", ()),
    }
    options = [f"{option} {','.join(map(str, listed))}" for option, listed in lists.items() if listed]
    line = " ".join(["cron", *options, _series(series)])
    yield Written("cron", line, with_state(line, *_time_state(found, series)))


def _series(series: Fields) -> str:
    relative = "+" if series.get("relativeToSuiteStart_") else ""
    words = [relative + _slot(series.get("start_", {}))]
    if "finish_" in series and "incr_" in series:
        words += [_slot(series["finish_"]), _slot(series["incr_"])]
    return " ".join(words)


def _slot(found: Fields) -> str:
    return f"{found.get('h_', 0):02}:{found.get('m_', 0):02}"


def _time_state(found: Fields, series: Fields) -> Iterator[str]:
    if found.get("free_"):
        yield "free"
    if not series.get("isValid_", True):
        yield "isValid:false"
    following = series.get("nextTimeSlot_")
    if following and _slot(following) != _slot(series.get("start_", {})):
        yield f"nextTimeSlot/{_slot(following)}"
    relative = series.get("relativeDuration_", {}).get("duration", "00:00:00")
    if relative != "00:00:00":
        yield f"relativeDuration/{relative}"


def write_date(fields: Fields) -> Iterator[Written]:
    """Yield a date's line."""
    found = fields["attr_"]
    parts = (found.get(f"{part}_", 0) for part in ("day", "month", "year"))
    line = "date " + ".".join(str(part) if part else "*" for part in parts)
    yield Written("date", line, with_state(line, "free" if found.get("free_") else ""))


def write_day(fields: Fields) -> Iterator[Written]:
    """Yield a day's line."""
    found = fields["attr_"]
    line = f"day {DAYS[found.get('day_', 0)]}"
    state = [word for word in ("free", "expired") if found.get(f"{word}_")]
    when = found.get("date_", {}).get("date", "")
    yield Written("day", line, with_state(line, *state, f"date:{when}" if when else ""))


def write_late(fields: Fields) -> Iterator[Written]:
    """Yield the line of a `late`."""
    found = fields["late_"]
    plus = {"s": "+", "a": "", "c": "+" if found.get("c_is_rel_") else ""}
    options = [f"-{each} {plus[each]}{_slot(found[f'{each}_'])}" for each in plus if f"{each}_" in found]
    line = " ".join(["late", *options])
    yield Written("late", "late", with_state(line, "late" if found.get("isLate_") else ""))


def write_calendar(fields: Fields) -> Iterator[Written]:
    """Yield the line of a suite's calendar."""
    found = fields["cal_"]
    begin = _value(found["initTime_"])
    local = _value(found.get("initLocalTime_", found["initTime_"]))
    parts = [
        f"initTime:{begin}",
        f"suiteTime:{_value(found.get('suiteTime_', found['initTime_']))}",
        f"duration:{_value(found.get('duration_', '00:00:00'))}",
        *([f"initLocalTime:{local}"] if local != begin else []),
        f"lastTime:{_value(found.get('lastTime_', found['initTime_']))}",
        f"calendarIncrement:{_value(found.get('increment_', '00:01:00'))}",
    ]
    yield Written("calendar", "calendar", f"calendar {' '.join(parts)}")


def _value(found: Any) -> str:
    """Return a time or a duration, which stands under its type's name."""
    return found if isinstance(found, str) else next(iter(found.values()))
