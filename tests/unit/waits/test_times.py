"""Times, dates, days and crons at a suite's time: Wednesday, 6 May 2026, 17:20."""

from __future__ import annotations

import pytest

from tests.support.definition_tree import DefinitionTree
from tests.unit.waits.suite import CALENDAR, only, tree_of


@pytest.mark.parametrize(
    ("line", "holds", "text"),
    [
        ("time 17:20", True, "time 17:20; the suite's time is 17:20"),
        ("time 17:19", False, "time 17:19; the suite's time is 17:20"),
        ("time 17:20 # isValid:false", False, "time 17:20, expired; the suite's time is 17:20"),
        ("time 18:00 # free", True, "time 18:00 is free"),
        (
            "time 00:00 23:00 01:00 # nextTimeSlot/18:00",
            False,
            "time 00:00 23:00 01:00, next 18:00; the suite's time is 17:20",
        ),
        (
            "time 00:20 23:00 01:00 # nextTimeSlot/15:20",
            True,
            "time 00:20 23:00 01:00; the suite's time is 17:20",
        ),
        (
            "time 00:20 17:00 01:00 # nextTimeSlot/15:20",
            False,
            "time 00:20 17:00 01:00, next 15:20; the suite's time is 17:20",
        ),
        (
            "time 00:20 17:20 01:00 # nextTimeSlot/17:20",
            True,
            "time 00:20 17:20 01:00; the suite's time is 17:20",
        ),
        (
            "time 00:20 23:00 00:01 # nextTimeSlot/15:20",
            True,
            "time 00:20 23:00 00:01; the suite's time is 17:20",
        ),
        (
            "time 00:20 23:00 01:00 # isValid:false",
            False,
            "time 00:20 23:00 01:00, expired; the suite's time is 17:20",
        ),
        (
            "time 00:10 23:00 01:00 # nextTimeSlot/17:20",
            True,
            "time 00:10 23:00 01:00; the suite's time is 17:20",
        ),
        ("time 17:20 23:00 00:00", False, "time 17:20 23:00 00:00; the suite's time is 17:20"),
        ("time 17:20 23:00 01:00", True, "time 17:20 23:00 01:00; the suite's time is 17:20"),
        ("time +02:00 # relativeDuration/02:00:30", True, "time +02:00; the suite's time is +02:00"),
        ("time +02:00 # relativeDuration/01:59:59", False, "time +02:00; the suite's time is +01:59"),
        ("time +02:00", False, "time +02:00; the suite's time is +00:00"),
        ("today 08:00", True, "today 08:00; the suite's time is 17:20"),
        (
            "today 17:20 # isValid:false",
            False,
            "today 17:20, expired; the suite's time is 17:20",
        ),
        ("today 23:00", False, "today 23:00; the suite's time is 17:20"),
        ("cron 17:20", True, "cron 17:20; the suite's time is 17:20"),
        ("cron -w 3 17:20", True, "cron -w 3 17:20; the suite's time is 17:20"),
        ("cron -w 4 17:20", False, "cron -w 4 17:20; the suite's time is 17:20"),
        ("cron -d 6,15 -m 5 17:20", True, "cron -d 6,15 -m 5 17:20; the suite's time is 17:20"),
        ("cron -d 6,15 -m 4 17:20", False, "cron -d 6,15 -m 4 17:20; the suite's time is 17:20"),
        ("cron -d L 17:20", False, "cron -d L 17:20; the suite's time is 17:20"),
        ("cron -w 3 -m 5 -d 6 17:20", True, "cron -w 3 -m 5 -d 6 17:20; the suite's time is 17:20"),
        ("cron -w L 17:20", None, "cron -w L 17:20: watchman does not evaluate it"),
        ("cron -d L,6 17:20", None, "cron -d L,6 17:20: watchman does not evaluate it"),
        ("cron -w 5L 17:20", None, "cron -w 5L 17:20: watchman does not evaluate it"),
        ("cron -w 3", None, "cron -w 3 cannot be read"),
        ("date 6.5.2026", True, "date 6.5.2026; the suite's date is 6.5.2026"),
        ("date *.5.*", True, "date *.5.*; the suite's date is 6.5.2026"),
        ("date 7.*.*", False, "date 7.*.*; the suite's date is 6.5.2026"),
        ("date 7.*.* # free", True, "date 7.*.* is free"),
        (
            "day wednesday # date:2026-May-06",
            True,
            "day wednesday (2026-May-06); the suite's day is wednesday",
        ),
        (
            "day wednesday # date:2026-May-13",
            False,
            "day wednesday (2026-May-13); the suite's day is wednesday",
        ),
        ("day friday", False, "day friday; the suite's day is wednesday"),
        ("day friday # free", True, "day friday is free"),
        ("day wednesday # free expired", False, "day wednesday has expired until the node is requeued"),
    ],
)
def test_a_time(line: str, holds: bool | None, text: str) -> None:
    wait = only(tree_of("task a # state:queued", line), "/s/a", line.partition(" ")[0])
    assert (wait.holds, wait.text) == (holds, text)


@pytest.mark.parametrize(("line", "holds"), [("cron -d L 17:20", True), ("cron -d L -w 1 17:20", False)])
def test_cron_on_the_last_day_of_a_month(line: str, holds: bool) -> None:
    """It is a Sunday."""
    tree = tree_of("task a # state:queued", line, calendar=CALENDAR.replace("May-06 17:20", "May-31 17:20"))
    assert only(tree, "/s/a", "cron").holds is holds


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("time +02:00 # relativeDuration/02:00:30", True),
        ("cron +02:00 # relativeDuration/02:00:30", True),
        ("cron -w 3 +02:00 # relativeDuration/02:00:30", None),
    ],
)
def test_relative_time_needs_no_calendar(line: str, holds: bool | None) -> None:
    tree = DefinitionTree(f"suite s # state:queued\ntask a # state:queued\n{line}\nendsuite")
    assert only(tree, "/s/a", line.partition(" ")[0]).holds is holds


@pytest.mark.parametrize("line", ["time 17:20", "date 6.5.2026", "day wednesday"])
def test_a_time_without_a_calendar_cannot_be_told(line: str) -> None:
    tree = DefinitionTree(f"suite s # state:queued\ntask a # state:queued\n{line}\nendsuite")
    wait = only(tree, "/s/a", line.partition(" ")[0])
    assert (wait.holds, wait.text) == (None, f"{line}: the suite's calendar is unknown")
