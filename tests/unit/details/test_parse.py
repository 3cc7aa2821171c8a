"""An attribute's line, as a definition's text has it, into a value."""

from __future__ import annotations

import pytest

from watchman_cli.details.attributes import (
    Attribute,
    Calendar,
    Condition,
    Date,
    Day,
    Event,
    InLimit,
    Label,
    Limit,
    Meter,
    Other,
    Queue,
    Repeat,
    Time,
    Variable,
)
from watchman_cli.details.parse import parse_attribute, parse_attributes


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("edit V '5'", Variable("V", "5")),
        ("  edit V 'it''s # set'", Variable("V", "it''s # set")),
        ('edit V "it\'s"', Variable("V", "it's")),
        (r"edit V 'a\nb'", Variable("V", "a\nb")),
        ("edit V ''", Variable("V", "")),
        ("edit V 'the first of two lines", Variable("V", "'the first of two lines")),
        ("event 3 opened # set", Event(3, "opened", True)),
        ("event 3 opened set # clear", Event(3, "opened", False)),
        ("event closed", Event(None, "closed", False)),
        ("event 12", Event(12, "", False)),
        ("event early set", Event(None, "early", True)),
        ("event set", Event(None, "set", False)),
        ("meter m -10 50 40", Meter("m", -10, 50, 40, -10)),
        ("meter m 0 100 # 45", Meter("m", 0, 100, 100, 45)),
        ('label l "old" # "new"', Label("l", "new")),
        ('label l "only"', Label("l", "only")),
        (r'label l "two\nlines"', Label("l", "two\nlines")),
        ("limit lim 5", Limit("lim", 5, 0, ())),
        ("limit lim 5 # 3 /a /b", Limit("lim", 5, 3, ("/a", "/b"))),
        ("inlimit lim", InLimit("", "lim", 1, False)),
        ("inlimit -n /s:lim 4 # incremented:1", InLimit("/s", "lim", 4, True)),
        ("inlimit -s lim", InLimit("", "lim", 1, False)),
        ("trigger a == complete", Condition("trigger", "", "a == complete", False)),
        ("trigger -o b:V # free", Condition("trigger", "or", "b:V", True)),
        ("complete -a c", Condition("complete", "and", "c", False)),
        ("repeat integer R 1 9 4 # 5", Repeat("integer", "R", ("1", "9", "4"), 5)),
        ("repeat integer R 1 9", Repeat("integer", "R", ("1", "9", "1"), 1)),
        ("repeat date D 20260101 20260105 1", Repeat("date", "D", ("20260101", "20260105", "1"), 20260101)),
        ('repeat string S "a b" "c" # 1', Repeat("string", "S", ("a b", "c"), 1)),
        ("repeat day 1", Repeat("day", "", ("1",), 0)),
        ("repeat strange X 1", Other("repeat", "strange X 1")),
        ("queue q a b # 1 complete active", Queue("q", ("a", "b"), 1, ("complete", "active"))),
        ("queue q a b", Queue("q", ("a", "b"), 0, ())),
        ("time 18:00 # free", Time("time", "18:00", True, True, "", "")),
        (
            "today +01:00 # isValid:false relativeDuration/00:30:00",
            Time("today", "+01:00", False, False, "", "00:30:00"),
        ),
        (
            "cron -w 1,2 10:00 20:00 01:00 # nextTimeSlot/12:00",
            Time("cron", "-w 1,2 10:00 20:00 01:00", False, True, "12:00", ""),
        ),
        ("date 6.*.2026 # free", Date(6, 0, 2026, True)),
        ("day friday # expired date:2026-May-08", Day("friday", False, True, "2026-May-08")),
        ("day friday # date:not-a-date-time", Day("friday", False, False, "")),
        (
            "calendar initTime:2026-May-04 00:00:00 suiteTime:2026-May-06 17:20:00 duration:65:20:00",
            Calendar("2026-May-04 00:00:00", "2026-May-06 17:20:00", "65:20:00"),
        ),
        ("defstatus complete", Other("defstatus", "complete")),
        ("meter m x", Other("meter", "m x")),
        ("limit", Other("limit", "")),
    ],
)
def test_an_attribute(line: str, wanted: Attribute) -> None:
    assert parse_attribute(line) == wanted
    assert parse_attributes([line]) == [wanted]
