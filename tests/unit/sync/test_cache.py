"""What is in a store may be anybody's: a cache with a right digest and wrong content is not used."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest

from watchman_cli.details import KeptDetails
from watchman_cli.ecflow_client import Instance
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.cache import LARGEST, SyncCache
from watchman_cli.sync.records import since_of

CACHE = SyncCache(
    instance=Instance("5.9.2", "host", "3141", "2026-Nov-25 20:00:00"),
    stats_count=1,
    group_count=1,
    plug_count=0,
    state_change_no=5,
    modify_change_no=LARGEST,
    nodes=3,
    revision="0" * 32,
    target=["host", 3141, None],
    read_time="2026-11-25T20:00:00.000000+00:00",
    first_seen="2026-11-25T19:00:00.000000+00:00",
    told_apart=True,
    suspended={"/s/t": ("active", "2026-11-25T20:00:00+00:00"), "/s/u": ("queued", None)},
    begin_times={"s": "2026-Nov-25 20:00:00"},
)


def test_a_cache_is_decoded_as_it_was_encoded() -> None:
    assert sync_cache.decode(sync_cache.encode(CACHE)) == CACHE


def test_a_cache_of_which_a_digit_changed_is_not_used() -> None:
    value = sync_cache.encode(CACHE)
    damaged = value.replace(b'"nodes":3', b'"nodes":4')
    assert damaged != value
    assert sync_cache.decode(damaged) is None
    assert sync_cache.decode(value[:64]) is None


def test_a_cache_that_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    value = sync_cache.encode(CACHE)
    monkeypatch.setattr(sync_cache, "SIZE_LIMIT", len(value) - 65)
    assert sync_cache.encode(CACHE) == b""
    monkeypatch.setattr(sync_cache, "SIZE_LIMIT", len(value) - 64)
    assert sync_cache.encode(CACHE) == value


def test_which_details_are_kept_comes_back() -> None:
    kept = KeptDetails(["labels", "", "key"], "r t", 60, ["/s/t"])
    cache = CACHE._replace(kept_details=kept)
    assert sync_cache.decode(sync_cache.encode(cache)) == cache
    assert b"kept_details" not in sync_cache.encode(CACHE)


@pytest.mark.parametrize(
    "kept",
    [5, [], ["a"], [[], 5, None, []], [[5], "r t", None, []], [[], "r t", "60", []], [[], "r t", None, [5]]],
)
def test_details_that_are_none_are_not_believed(kept: Any) -> None:
    document = orjson.loads(sync_cache.encode(CACHE).partition(b"\n")[2])
    value = orjson.dumps({**document, "kept_details": kept})
    assert sync_cache.decode(hashlib.sha256(value).hexdigest().encode() + b"\n" + value) is None


def test_cache_of_a_snapshot_with_other_details_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot's records do not have a detail that was added since."""
    value = sync_cache.encode(CACHE)
    monkeypatch.setattr(sync_cache, "DETAILS_KEPT", [*sync_cache.DETAILS_KEPT, "try_no"])
    assert sync_cache.decode(value) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"state_change_no": LARGEST + 1},
        {"modify_change_no": -1},
        {"handle": 1 << 62},
        {"nodes": -5},
        {"nodes": 1.5},
        {"suspended": {"/s/t": ("wet", None)}},
        {"suspended": {"/s/t": ("active", '","x":"')}},
        {"suspended": {"/s/t": ("active", 7)}},
        {"suspended": {"/s/t": "active"}},
        {"begin_times": {"s": 5}},
        {"read_time": "yesterday"},
        {"first_seen": "2026-11-25T19:00:00"},
        {"told_apart": 1},
    ],
    ids=str,
)
def test_a_forged_cache_is_not_used(forged: dict[str, Any]) -> None:
    assert sync_cache.decode(sync_cache.encode(CACHE._replace(**forged))) is None


@pytest.mark.parametrize(
    ("duration", "begin_time"),
    [(10**12, "2026-Nov-25 20:00:00"), (0, "2026-Feb-31 20:00:00"), (0, "0000-Jan-01 00:00:00")],
)
def test_a_time_that_no_calendar_has_is_left_out(duration: int, begin_time: str) -> None:
    assert since_of(duration, begin_time) is None
