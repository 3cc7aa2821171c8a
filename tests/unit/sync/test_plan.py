"""How a server is asked: from the stored cache, or in full and for which reason."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from tests.unit.sync.test_cache import CACHE
from watchman_cli.details import KeptDetails
from watchman_cli.snapshot import Head
from watchman_cli.sync.cache import SyncCache, encode
from watchman_cli.sync.instance import JUST_STARTED
from watchman_cli.sync.plan import Plan, handle_marker, plan_sync

READ = datetime(2026, 11, 25, 20, tzinfo=timezone.utc)  # CACHE.read_time
LATER = READ + timedelta(seconds=60)
HEAD = Head("2026-11-25T20:00:00.000000+00:00", CACHE.revision, "RUNNING", 1)


def plan(cache: SyncCache, head: Head | None = HEAD, now: datetime = LATER) -> Plan:
    return plan_sync(encode(cache), head, CACHE.target, now)


def test_changes_are_requested() -> None:
    assert plan(CACHE) == Plan(CACHE, None)


@pytest.mark.parametrize("value", [b"", b"x", encode(CACHE)[:-1]])
def test_no_cache(value: bytes) -> None:
    assert plan_sync(value, HEAD, CACHE.target, LATER) == Plan(None, "no usable sync cache")


@pytest.mark.parametrize("target", [[], ["host", 3141], ["host", 3142, None], ["host", 3141, None, "s"]])
def test_cache_of_another_target(target: list[object]) -> None:
    expected = Plan(CACHE, "the server's address, user or suites differ")
    assert plan_sync(encode(CACHE), HEAD, target, LATER) == expected


@pytest.mark.parametrize("head", [None, HEAD._replace(revision="1" * 32)])
def test_cache_of_another_snapshot(head: Head | None) -> None:
    assert plan(CACHE, head) == Plan(CACHE, "the stored snapshot is not the one of the sync cache")


KEPT = KeptDetails(["labels"], "r t", None, [])


@pytest.mark.parametrize(
    ("kept", "wanted", "is_full"),
    [
        (None, None, False),
        (KEPT, None, False),  # they are deleted
        (KEPT, ["labels"], False),
        (None, ["labels"], True),
        (KEPT, ["labels", "meters"], True),
    ],
)
def test_other_details_need_a_full_reading(
    kept: KeptDetails | None, wanted: list[str] | None, is_full: bool
) -> None:
    cache = CACHE._replace(kept_details=kept)
    reason = "the configured details were changed" if is_full else None
    assert plan_sync(encode(cache), HEAD, CACHE.target, LATER, wanted) == Plan(cache, reason)


def test_cache_of_a_server_that_had_just_started() -> None:
    cache = CACHE._replace(told_apart=False)
    assert plan(cache) == Plan(cache, JUST_STARTED)
    kept = cache._replace(handle=5)  # its marker proves the start
    assert plan(kept) == Plan(kept, None)


@pytest.mark.parametrize(
    ("seconds", "reason"), [(-0.001, "the clock was set back"), (0, None), (0.001, None)]
)
def test_clock_that_was_set_back(seconds: float, reason: str | None) -> None:
    assert plan(CACHE, now=READ + timedelta(seconds=seconds)).reason == reason


@pytest.mark.parametrize(
    ("nodes", "rate", "seconds", "is_full"),
    [
        (5000, 50.0, 100, False),  # as many changes as nodes
        (5000, 50.0, 101, True),
        (5000, 0.0, 10**7, False),
        (1, 10.0, 100, False),  # a small server is taken for one of 1,000 nodes
        (1, 10.0, 101, True),
        (1000, 10.0, 101, True),
        (1002, 10.02, 100, False),
    ],
)
def test_many_changes_are_read_in_full(nodes: int, rate: float, seconds: float, is_full: bool) -> None:
    cache = CACHE._replace(nodes=nodes, rate=rate)
    reason = "most nodes changed, if changes went on as before" if is_full else None
    assert plan(cache, now=READ + timedelta(seconds=seconds)) == Plan(cache, reason)


def test_marker_differs_for_each_store_and_server(monkeypatch: pytest.MonkeyPatch) -> None:
    marker = handle_marker("redis://h/0", "o/r")
    assert re.fullmatch("watchman_[0-9a-f]{16}", marker) and marker == handle_marker("redis://h/0", "o/r")
    assert len({marker, handle_marker("redis://h/1", "o/r"), handle_marker("redis://h/0", "o/s")}) == 3
