"""Which start of a server a reading is of, and when no later start can look like it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.unit.sync.test_cache import CACHE
from watchman_cli.ecflow_client import Statistics
from watchman_cli.sync.instance import RESTARTED, is_told_apart, seen, why_another

STARTED = datetime(2026, 11, 25, 20, tzinfo=timezone.utc)
UP_SINCE = "2026-Nov-25 20:00:00"
SAME = Statistics(CACHE.instance, (), "RUNNING", 2, 2, {})


def after(**span: float) -> datetime:
    return STARTED + timedelta(**span)


@pytest.mark.parametrize(
    ("asked", "same_clock", "told_apart"),
    [
        (after(seconds=0), True, False),
        (after(milliseconds=999), True, False),
        (after(seconds=1), True, True),
        (after(seconds=-5), True, False),  # the clock was set back
        (after(seconds=1), False, False),
        (after(minutes=59), False, False),  # the server's clock may be that much behind this one
        (after(hours=1), False, True),
        (after(days=-1), False, False),  # or ahead of it
    ],
)
def test_the_second_of_the_start_is_over(asked: datetime, same_clock: bool, told_apart: bool) -> None:
    assert is_told_apart(UP_SINCE, asked, asked, same_clock) is told_apart


@pytest.mark.parametrize(("seconds", "told_apart"), [(9, False), (10, True), (60, True), (-60, False)])
@pytest.mark.parametrize("up_since", [UP_SINCE, "2030-Nov-25 20:00:00", "gestern"])
def test_the_same_start_answered_before(up_since: str, seconds: int, told_apart: bool) -> None:
    """Whatever the server's clock says, it went on by more than a second meanwhile."""
    first_seen = after(milliseconds=1)
    assert is_told_apart(up_since, first_seen + timedelta(seconds=seconds), first_seen, False) is told_apart


def test_what_was_told_apart_stays_so() -> None:
    asked = after(seconds=0)
    assert seen(CACHE, CACHE.instance, asked, True) == (CACHE.first_seen, True)


def test_an_instance_that_was_not_seen_before() -> None:
    asked = after(seconds=0)
    other = CACHE.instance._replace(pid="2")
    for before in (None, CACHE._replace(instance=other)):
        assert seen(before, CACHE.instance, asked, True) == (asked.isoformat(timespec="microseconds"), False)


def test_another_start() -> None:
    assert why_another(SAME, CACHE) is None
    other = CACHE.instance._replace(up_since="2026-Nov-25 20:00:01")
    assert why_another(SAME._replace(instance=other), CACHE) == RESTARTED
    for reset in (SAME._replace(stats_count=1), SAME._replace(group_count=1)):
        assert why_another(reset, CACHE) == f"{RESTARTED}, or its statistics were reset"
    unknown = why_another(SAME._replace(instance=None, missing=("host",)), CACHE)
    assert unknown and "host" in unknown and why_another(None, CACHE)
