"""Each kind of repeat into its line, and its position alone."""

from __future__ import annotations

import time
from typing import Any

import pytest

from watchman_cli.details.written_line import Written
from watchman_cli.details.written_repeat import moment_of, write_position, write_repeat

NAME = {"value0": {"name_": "R"}}


def instant(seconds: int) -> dict[str, Any]:
    return {"value0": {"time_since_epoch": {"count": seconds * 10**9}}}


@pytest.mark.parametrize(
    ("kind", "fields", "line"),
    [
        ("RepeatInteger", {"start_": 2, "end_": 9, "value_": 2}, "integer R 2 9"),
        ("RepeatInteger", {"start_": 2, "end_": 9, "delta_": 3, "value_": 5}, "integer R 2 9 3 # 5"),
        ("RepeatInteger", {"end_": 3}, "integer R 0 3"),  # an answer leaves out what is 0
        ("RepeatInteger", {"start_": 2, "end_": 90, "delta_": 11, "value_": 2}, "integer R 2 90 11"),
        ("RepeatDate", {"start_": 20260101, "end_": 20260105}, "date R 20260101 20260105 1"),
        ("RepeatEnumerated", {"theEnums_": ["a", "b"], "currentIndex_": 1}, 'enumerated R "a" "b" # 1'),
        ("RepeatString", {"theStrings_": ["a"]}, 'string R "a"'),
        ("RepeatDateList", {"list_": [20260101, 20260301]}, 'datelist R "20260101" "20260301"'),
        (
            "RepeatDateTime",
            {"start_": instant(0), "end_": instant(90000), "delta_": {"value0": {"count": 3661 * 10**9}}},
            "datetime R 19700101T000000 19700102T010000 01:01:01",
        ),
        (
            "RepeatDateTime",  # up to 5.13 the step is in seconds
            {"start_": instant(0), "end_": instant(60), "delta_": {"value0": {"count": 30}},
             "value_": instant(30)},
            "datetime R 19700101T000000 19700101T000100 00:00:30 # 19700101T000030",
        ),
        ("RepeatDateTimeList", {"list_": [instant(0)]}, 'datetimelist R "19700101T000000"'),
        ("RepeatDateTimeList", {"list_": [instant(0), instant(60)], "currentIndex_": 1},
         'datetimelist R "19700101T000000" "19700101T000100" # 1'),
    ],
)  # fmt: skip
def test_a_repeat(kind: str, fields: dict[str, Any], line: str) -> None:
    assert list(write_repeat({kind: NAME | fields})) == [Written("repeat", "repeat", f"repeat {line}", "R")]


def test_a_repeat_of_days_has_no_name() -> None:
    assert list(write_repeat({"RepeatDay": {"step_": 2}})) == [Written("repeat", "repeat", "repeat day 2")]
    assert list(write_repeat({"RepeatDay": {}})) == [Written("repeat", "repeat", "repeat day 1")]


def test_an_invalid_instant() -> None:
    with pytest.raises(TypeError):
        list(write_repeat({"RepeatDateTimeList": NAME | {
            "list_": [{"value0": {"time_since_epoch": {"count": "x"}}}]
        }}))  # fmt: skip


def test_a_position_alone() -> None:
    assert list(write_position({"index_or_value_": 7})) == [Written("repeat", "repeat #", "7")]
    assert list(write_position({})) == [Written("repeat", "repeat #", "0")]


def test_instant_is_in_utc_in_any_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert moment_of(1767225600) == "20260101T000000"
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert moment_of(1767225600) == "20260101T000000"
    time.tzset()
