"""A server's changes as a stream: what is appended, published, dropped and read."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

import pytest
from redis import exceptions

from tests.unit.store.redis.fake_redis import FakeRedis, Lost
from watchman_cli.changes.batch import Batch
from watchman_cli.errors import StoreError
from watchman_cli.snapshot import Head
from watchman_cli.store import Update
from watchman_cli.store.redis import stream
from watchman_cli.store.redis.errors import RedisTooOld
from watchman_cli.store.redis.keys import server_keys
from watchman_cli.store.redis.store import RedisStore
from watchman_cli.store.values import MAX_BATCHES, StoredBatch

T = TypeVar("T")
NAME = "o/r"
KEYS = server_keys(NAME)
DAY = 24 * 3600


def batch(length: int = 1) -> Batch:
    return Batch(NAME, "t" * length, "a", "b", "RUNNING")


def append(store: RedisStore, given: Batch, update: Update, foreign: bool = False) -> None:
    pipe = store.client_for(KEYS.changes).pipeline()
    stream.append(pipe, KEYS, given, update, foreign)
    pipe.execute()


# ------------------------------------------------------------------------------ appending


@pytest.mark.parametrize(("value", "foreign"), [(None, False), ([], False), (b"x", True), ({}, True)])
def test_key_of_another_type_is_foreign(
    redis: FakeRedis, store: RedisStore, value: object, foreign: bool
) -> None:
    if value is not None:
        redis.put(KEYS.changes, value)
    pipe = store.client_for(KEYS.changes).pipeline()
    pipe.watch("x")
    assert stream.prepare(pipe, KEYS.changes) is foreign
    assert ("XTRIM" in redis.names()) is not foreign
    pipe.reset()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("ERR syntax error", RedisTooOld),
        ("NOPERM xtrim", exceptions.NoPermissionError),
        ("ERR x", exceptions.ResponseError),
    ],
)
def test_redis_without_minid_is_too_old(
    redis: FakeRedis, store: RedisStore, answer: str, error: type[Exception]
) -> None:
    redis.before["XTRIM"] = lambda words: Exception(answer)
    pipe = store.client_for(KEYS.changes).pipeline()
    pipe.watch("x")
    with pytest.raises(error):
        stream.prepare(pipe, KEYS.changes)
    assert redis.sent[-1] == [b"XTRIM", KEYS.changes.encode(), b"MINID", b"0"]  # it would drop nothing
    pipe.reset()


@pytest.mark.parametrize(("size", "field"), [(stream.PLAIN, b"batch"), (stream.PLAIN + 1, b"zlib")])
def test_large_batch_is_compressed(redis: FakeRedis, store: RedisStore, size: int, field: bytes) -> None:
    given = batch(1 + size - len(batch().encode()))
    assert len(given.encode()) == size
    append(store, given, Update(b"h"))
    ((_, fields),) = redis.values[KEYS.changes]
    assert fields[0] == field and len(fields) == 2
    assert (fields[1] if field == b"batch" else zlib.decompress(fields[1])) == given.encode()


@pytest.mark.parametrize("publish", [False, True])
@pytest.mark.parametrize("snapshot", [None, b"snapshot"])
def test_event_or_snapshot_is_published(
    redis: FakeRedis, store: RedisStore, publish: bool, snapshot: bytes | None
) -> None:
    append(store, batch(), Update(b"h", snapshot=snapshot, publish_snapshot=publish))
    ((channel, message),) = redis.published
    assert channel == "o/r/status/channel"
    assert message == (snapshot if publish and snapshot else batch_notice(redis))


def batch_notice(redis: FakeRedis) -> bytes:
    ((_, message),) = redis.published
    assert b'"count":0' in message and b'"changes"' not in message
    return message


def test_number_of_batches_is_limited(redis: FakeRedis, store: RedisStore) -> None:
    append(store, batch(), Update(b"h"))
    (added,) = [words for words in redis.sent if words[0] == b"XADD"]
    assert added[2:4] == [b"MAXLEN", b"%d" % MAX_BATCHES] and b"~" not in added


@pytest.mark.parametrize("foreign", [False, True])
def test_foreign_key_is_replaced(redis: FakeRedis, store: RedisStore, foreign: bool) -> None:
    redis.put(KEYS.changes, b"x" if foreign else [])
    append(store, batch(), Update(b"h"), foreign)
    assert len(redis.values[KEYS.changes]) == 1 and ("DEL" in redis.names()) is foreign


# ------------------------------------------------------------------------------ dropping

NOON = 1767268800.0  # 2026-01-01T12:00:00Z
HEAD = Head("2026-01-01T12:00:00.000000+00:00", "r", "RUNNING", 1)


@pytest.mark.parametrize(
    ("now", "appended", "replaced", "oldest"),
    [
        (NOON, b"%d-0" % (NOON * 1000), None, NOON),
        (NOON + 60, b"%d-0" % (NOON * 1000), None, NOON),  # this host is ahead
        (NOON, b"%d-7" % ((NOON + 60) * 1000), None, NOON),  # Redis is ahead
        (NOON + 60, b"%d-0" % ((NOON + 60) * 1000), HEAD, NOON),  # the last run was a minute ago
        (NOON - 60, b"%d-0" % (NOON * 1000), HEAD, NOON - 60),
        (NOON, b"%d-0" % (NOON * 1000), HEAD._replace(collected_time="yesterday"), NOON),
    ],
)
def test_slowest_clock_counts(now: float, appended: bytes, replaced: Head | None, oldest: float) -> None:
    assert stream.oldest_kept(now, appended, replaced) == (oldest - DAY) * 1000


def test_oldest_is_never_negative() -> None:
    assert stream.oldest_kept(5.0, b"5000-0", None) == 0


def test_old_batches_are_dropped(redis: FakeRedis, store: RedisStore) -> None:
    now = int(time.time() * 1000)
    ages = [DAY + 60, DAY - 60, 0]
    redis.put(KEYS.changes, [(b"%d-0" % (now - age * 1000), [b"batch", b"x"]) for age in ages])
    stream.trim(store.client_for("x"), KEYS.changes, b"%d-0" % now, None)
    assert len(redis.values[KEYS.changes]) == 2


def test_batches_of_the_last_day_by_the_clock_of_the_last_run_are_kept(
    redis: FakeRedis, store: RedisStore
) -> None:
    """The clock of this host may be ahead by an hour."""
    now = int(time.time() * 1000)
    hour_ago = datetime.fromtimestamp(now / 1000 - 3600, timezone.utc).isoformat(timespec="microseconds")
    redis.put(KEYS.changes, [(b"%d-0" % (now - (DAY + 60) * 1000), [b"batch", b"x"])])
    stream.trim(store.client_for("x"), KEYS.changes, b"%d-0" % now, HEAD._replace(collected_time=hour_ago))
    assert len(redis.values[KEYS.changes]) == 1


@pytest.mark.parametrize("answer", [Exception("NOPERM x"), Lost()])
def test_next_run_drops_them_if_this_one_fails(
    redis: FakeRedis, store: RedisStore, answer: Exception
) -> None:
    redis.before["XTRIM"] = lambda words: answer
    stream.trim(store.client_for("x"), KEYS.changes, b"5-0", None)
    assert "XTRIM" in redis.names()


# ------------------------------------------------------------------------------ reading


def test_batches_are_read_in_their_order(redis: FakeRedis, store: RedisStore) -> None:
    assert stream.read_after(store, NAME, "", 0) == [] and stream.end_of(store, NAME) == ""
    packed = zlib.compress(b"two")
    fields = [[b"batch", b"one"], [b"zlib", packed], [b"x", b"y"], [b"zlib", b"damaged"]]
    redis.put(KEYS.changes, [(b"%d-0" % number, each) for number, each in enumerate(fields, start=5)])
    found = stream.read_after(store, NAME, "", 0)
    assert found == [
        StoredBatch("5-0", b"one"),
        StoredBatch("6-0", b"two"),
        StoredBatch("7-0", b""),
        StoredBatch("8-0", b""),
    ]
    assert stream.read_after(store, NAME, "6-0", 0) == found[2:]
    assert stream.end_of(store, NAME) == "8-0"
    assert stream.has(store, NAME, "6-0") and not stream.has(store, NAME, "6-1")


def test_servers_with_a_new_batch_are_named(redis: FakeRedis, store: RedisStore) -> None:
    for name in ("o/r", "o/s"):
        redis.put(server_keys(name).changes, [(b"5-0", [b"batch", b"one"]), (b"6-0", [b"batch", b"two"])])
    assert stream.await_any(store, {"o/s": "5-0", "o/t": "", "o/r": "6-0"}, 0) == ["o/s"]
    keys = [server_keys(name).changes.encode() for name in ("o/s", "o/t", "o/r")]
    assert redis.sent[-1] == [b"XREAD", b"COUNT", b"1", b"STREAMS", *keys, b"5-0", b"0", b"6-0"]
    assert stream.await_any(store, {"o/s": "6-0", "o/r": "6-0"}, 0) == []
    assert sorted(stream.await_any(store, {"o/s": "", "o/r": ""}, 0)) == ["o/r", "o/s"]


@pytest.mark.parametrize(("wait", "block"), [(0, None), (0.5, b"500"), (2.5, b"2500"), (60, b"2500")])
def test_wait_ends_before_the_socket_times_out(
    redis: FakeRedis, store: RedisStore, wait: float, block: bytes | None
) -> None:
    stream.read_after(store, NAME, "", wait)
    (words,) = [each for each in redis.sent if each[0] == b"XREAD"]
    assert words[-3:] == [b"STREAMS", KEYS.changes.encode(), b"0"]
    assert words[words.index(b"COUNT") + 1] == b"100"
    assert (words[words.index(b"BLOCK") + 1] if b"BLOCK" in words else None) == block


READS: dict[str, Callable[[RedisStore], object]] = {
    "XREAD": lambda store: stream.read_after(store, NAME, "", 0.2),
    "XREVRANGE": lambda store: stream.end_of(store, NAME),
    "XRANGE": lambda store: stream.has(store, NAME, "5-0"),
}


def test_only_the_last_batch_is_sent_to_find_the_end(redis: FakeRedis, store: RedisStore) -> None:
    stream.end_of(store, NAME)
    assert redis.sent[-1] == [b"XREVRANGE", KEYS.changes.encode(), b"+", b"-", b"COUNT", b"1"]


@pytest.mark.parametrize("name", READS)
def test_failures_are_those_of_the_store(redis: FakeRedis, store: RedisStore, name: str) -> None:
    redis.before[name] = lambda words: Exception("NOPERM x")
    with pytest.raises(StoreError, match="lacks a permission"):
        READS[name](store)


@pytest.mark.parametrize("name", READS)
def test_consumer_is_told_soon_that_a_read_fails(
    redis: FakeRedis, store: RedisStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No attempt begins after the seconds of one timeout: a consumer decides itself whether to go on."""
    monkeypatch.setattr(stream, "MAX_TIMEOUT", 0.0)

    def lose(words: list[bytes]) -> Lost:
        if redis.names().count(name) == 5:
            store.stopped.set()
        return Lost()

    redis.before[name] = lose
    with pytest.raises(StoreError):
        READS[name](store)
    assert redis.names().count(name) == 2


def late(seconds: float) -> Callable[[list[bytes]], None]:
    """Return a fault of a command whose answer comes late."""

    def wait(words: list[bytes]) -> None:
        time.sleep(seconds)

    return wait


@pytest.mark.parametrize("name", READS)
def test_read_ends_at_its_deadline(
    redis: FakeRedis, store: RedisStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_READ_DEADLINE", 0.2)
    redis.before[name] = late(0.6)
    store.stopped.set()  # no retry
    with pytest.raises(StoreError, match="no complete answer by the deadline"):
        READS[name](store)


def test_wait_for_a_batch_is_no_part_of_the_time_to_read_it(
    redis: FakeRedis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_READ_DEADLINE", 5.0)
    redis.before["XREAD"] = late(0.15)
    assert stream.read_after(store, NAME, "", 5.1) == []


class Routed(RedisStore):
    """A store that notes which key finds the Redis server of each command."""

    keys: tuple[str, ...] = ()

    def command(self, full_key: str, act: Callable[[Any], T]) -> T:
        self.keys = (*self.keys, full_key)
        return super().command(full_key, act)


def test_stream_is_read_from_the_server_that_has_it(served: tuple[FakeRedis, str]) -> None:
    store = Routed(served[1])
    for read in READS.values():
        read(store)
    assert store.keys == (KEYS.changes,) * 3
    store.close()


@pytest.mark.parametrize(("seconds", "position"), [(1.5, "1500-0"), (0, "0-0"), (-5, "0-0")])
def test_position_of_a_time(seconds: float, position: str) -> None:
    assert stream.position_at(seconds) == position
