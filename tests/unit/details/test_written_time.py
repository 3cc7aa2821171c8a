"""Times, dates and calendars into their lines."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from watchman_cli.details.written_time import (
    write_calendar,
    write_cron,
    write_date,
    write_day,
    write_late,
    write_time,
)

TEN, ELEVEN, HOUR = {"h_": 10}, {"h_": 11, "m_": 30}, {"h_": 1}
SERIES = {"start_": TEN, "finish_": ELEVEN, "incr_": HOUR}


def line_of(write: Any, fields: dict[str, Any], name: str = "attr_") -> str:
    (found,) = write({name: fields})
    assert found.line.startswith(found.keyword)
    return str(found.line)


@pytest.mark.parametrize(
    ("series", "free", "line"),
    [
        ({"start_": TEN}, False, "time 10:00"),
        ({"start_": TEN, "relativeToSuiteStart_": True}, True, "time +10:00 # free"),
        (SERIES, False, "time 10:00 11:30 01:00"),
        ({"start_": TEN, "finish_": ELEVEN}, False, "time 10:00"),
        (SERIES | {"nextTimeSlot_": TEN}, False, "time 10:00 11:30 01:00"),
        (SERIES | {"nextTimeSlot_": ELEVEN}, False, "time 10:00 11:30 01:00 # nextTimeSlot/11:30"),
        ({"isValid_": False}, False, "time 00:00 # isValid:false"),
        ({"relativeDuration_": {"duration": "00:30:00"}}, False, "time 00:00 # relativeDuration/00:30:00"),
        ({"relativeDuration_": {"duration": "00:00:00"}}, False, "time 00:00"),
    ],
)
def test_a_time(series: dict[str, Any], free: bool, line: str) -> None:
    assert line_of(partial(write_time, "time"), {"ts_": series, "free_": free}) == line
    today = line_of(partial(write_time, "today"), {"ts_": series, "free_": free})
    assert today == line.replace("time", "today", 1)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "cron 10:00"),
        ({"weekDays_": [1, 2], "last_week_days_of_month_": [5]}, "cron -w 1,2,5L 10:00"),
        ({"daysOfMonth_": [1], "last_day_of_month_": True}, "cron -d 1,L 10:00"),
        ({"months_": [3, 4], "free_": True}, "cron -m 3,4 10:00 # free"),
    ],
)
def test_a_cron(fields: dict[str, Any], line: str) -> None:
    assert line_of(write_cron, {"timeSeries_": {"start_": TEN}} | fields) == line


def test_midnight_is_left_out_of_an_answer() -> None:
    assert line_of(write_cron, {"weekDays_": [0]}) == "cron -w 0 00:00"
    assert line_of(partial(write_time, "time"), {}) == "time 00:00"


def test_a_date() -> None:
    assert line_of(write_date, {}) == "date *.*.*"
    assert line_of(write_date, {"day_": 1, "month_": 2, "year_": 2026, "free_": 1}) == "date 1.2.2026 # free"


def test_a_day() -> None:
    assert line_of(write_day, {}) == "day sunday"
    fields = {"day_": 1, "free_": True, "expired_": True, "date_": {"date": "2026-Nov-30"}}
    assert line_of(write_day, fields) == "day monday # free expired date:2026-Nov-30"


def test_a_late() -> None:
    fields: dict[str, Any] = {"s_": {"m_": 5}, "a_": TEN, "c_": HOUR}
    assert line_of(write_late, fields, "late_") == "late -s +00:05 -a 10:00 -c 01:00"
    fields = {"c_": HOUR, "c_is_rel_": True, "isLate_": True}
    assert line_of(write_late, fields, "late_") == "late -c +01:00 # late"


def test_a_calendar() -> None:
    begin, now = {"ptime": "2026-Nov-25 00:00:00"}, {"ptime": "2026-Nov-25 01:02:00"}
    assert line_of(write_calendar, {"initTime_": begin}, "cal_") == (
        "calendar initTime:2026-Nov-25 00:00:00 suiteTime:2026-Nov-25 00:00:00 duration:00:00:00 "
        "lastTime:2026-Nov-25 00:00:00 calendarIncrement:00:01:00"
    )
    fields = {
        "initTime_": begin, "suiteTime_": now, "duration_": {"duration": "01:02:00"}, "initLocalTime_": now,
        "lastTime_": now, "increment_": {"duration": "00:02:00"},
    }  # fmt: skip
    assert line_of(write_calendar, fields, "cal_") == (
        "calendar initTime:2026-Nov-25 00:00:00 suiteTime:2026-Nov-25 01:02:00 duration:01:02:00 "
        "initLocalTime:2026-Nov-25 01:02:00 lastTime:2026-Nov-25 01:02:00 calendarIncrement:00:02:00"
    )
