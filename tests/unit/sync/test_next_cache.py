"""The cache for the next run: the numbers, the proof of the start, and the rate of changes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.unit.sync.test_cache import CACHE
from watchman_cli.ecflow_client import Statistics
from watchman_cli.sync.next_cache import Facts, change_rate, make_cache

READ = datetime(2026, 11, 25, 20, tzinfo=timezone.utc)  # CACHE.read_time
STATISTICS = Statistics(CACHE.instance, (), "RUNNING", 7, 8, {}, plug_count=9)
FACTS = Facts(
    asked=READ + timedelta(seconds=100),
    same_clock=False,
    target=["h", 1, None],
    statistics=STATISTICS,
    numbers=(CACHE.state_change_no + 250, CACHE.modify_change_no),
    nodes=4,
    suspended={"/s/t": ("active", None)},
    begin_times={"s": "2026-Nov-25 21:00:00"},
)


def test_each_field() -> None:
    facts = FACTS._replace(handle=5, marker="watchman_1")
    made = make_cache(CACHE, facts, CACHE.instance)
    assert made == CACHE._replace(
        stats_count=7,
        group_count=8,
        plug_count=9,
        state_change_no=CACHE.state_change_no + 250,
        nodes=4,
        revision="",
        target=["h", 1, None],
        read_time="2026-11-25T20:01:40.000000+00:00",
        suspended={"/s/t": ("active", None)},
        begin_times={"s": "2026-Nov-25 21:00:00"},
        handle=5,
        marker="watchman_1",
    )
    assert make_cache(CACHE, FACTS, CACHE.instance).rate == 2.5


def test_first_reading_of_a_start() -> None:
    instance = CACHE.instance._replace(up_since="2026-Nov-25 20:01:40")
    for previous in (None, CACHE):
        made = make_cache(previous, FACTS, instance)
        assert (made.first_seen, made.told_apart) == ("2026-11-25T20:01:40.000000+00:00", False)
        assert (made.instance, made.rate) == (instance, 0.0)
    later = FACTS._replace(asked=FACTS.asked + timedelta(seconds=1), same_clock=True)
    assert make_cache(None, later, instance).told_apart


@pytest.mark.parametrize(
    ("change", "rate"),
    [
        ({}, 2.5),
        ({"asked": READ + timedelta(seconds=1)}, 250.0),
        ({"asked": READ + timedelta(seconds=0.5)}, 250.0),  # of a second at least
        ({"asked": READ - timedelta(seconds=100)}, 250.0),  # the clock was set back
        ({"numbers": (CACHE.state_change_no, CACHE.modify_change_no)}, 0.0),
        ({"numbers": (CACHE.state_change_no - 1, CACHE.modify_change_no)}, 0.0),
        ({"numbers": (CACHE.state_change_no + 250, CACHE.modify_change_no - 1)}, 0.0),
        ({"handle": 5}, 0.0),  # the server counts the changes of all suites
    ],
)
def test_rate_of_changes(change: dict[str, object], rate: float) -> None:
    facts = FACTS._replace(**change)  # type: ignore[arg-type]
    assert change_rate(CACHE, facts, CACHE.instance) == rate


def test_rate_is_unknown_without_an_earlier_reading_of_this_start() -> None:
    assert change_rate(None, FACTS, CACHE.instance) == 0.0
    assert change_rate(CACHE, FACTS, CACHE.instance._replace(pid="2")) == 0.0


def test_rate_is_rounded() -> None:
    facts = FACTS._replace(asked=READ + timedelta(seconds=300))
    assert make_cache(CACHE, facts, CACHE.instance).rate == 0.833
