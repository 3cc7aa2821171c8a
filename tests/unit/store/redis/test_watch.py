"""A watch of a snapshot and its locks: other commands are sent with it, and it ends cleanly."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from redis import Redis, exceptions

from tests.unit.store.redis.fake_redis import FakeRedis, Lost, once
from watchman_cli import snapshot
from watchman_cli.store.redis import watch
from watchman_cli.store.redis.lock import RedisLock
from watchman_cli.store.redis.store import RedisStore
from watchman_cli.store.redis.watch import PART

STATUS, LOCKS = "status", ("lock", "address")
TIME = "2026-01-01T00:00:00.000000+00:00"


@pytest.fixture
def client(store: RedisStore) -> Iterator[Redis]:
    client = store.client_for(STATUS)
    yield client
    assert not client.connection_pool._in_use_connections


@pytest.fixture
def locks(store: RedisStore) -> Sequence[RedisLock]:
    return [RedisLock(store, key, b"token", time.monotonic() + 60) for key in LOCKS]


def test_watch_and_reads_are_sent_together(
    redis: FakeRedis, client: Redis, locks: Sequence[RedisLock]
) -> None:
    redis.put(STATUS, b"snapshot")
    redis.put("lock", b"token")
    values, watching = watch.begin(client, STATUS, locks, STATUS, "missing")
    assert values == [b"snapshot", None]
    assert (watching.locks, watching.owners, watching.head) == (locks, [b"token", None], None)
    assert redis.sent[-2:] == [
        [b"WATCH", b"status", b"lock", b"address"],
        [b"MGET", b"status", b"missing", b"lock", b"address"],
    ]
    watching.close()
    assert redis.names()[-1] == "UNWATCH"


@pytest.mark.parametrize("touched", [STATUS, *LOCKS])
def test_change_of_a_watched_key_is_seen(
    redis: FakeRedis, client: Redis, locks: Sequence[RedisLock], touched: str
) -> None:
    _, watching = watch.begin(client, STATUS, locks)
    redis.touch(touched)
    watching.pipe.multi()
    watching.pipe.set("other", b"value")
    with pytest.raises(exceptions.WatchError, match="changed"):
        watching.pipe.execute()
    assert "other" not in redis.values


@pytest.mark.parametrize("refused", ["WATCH", "MGET"])
def test_watch_that_is_refused(
    redis: FakeRedis, client: Redis, locks: Sequence[RedisLock], refused: str
) -> None:
    redis.before[refused] = lambda words: Exception("ERR no")
    with pytest.raises(exceptions.ResponseError, match="no"):
        watch.begin(client, STATUS, locks)
    answers, watching = watch.begin_with(client, STATUS, locks, ("PING",), ("PING",), ("PING",))
    assert (len(answers), watching) == (3, None)


def test_commands_of_the_locks_come_first(
    redis: FakeRedis, client: Redis, locks: Sequence[RedisLock]
) -> None:
    redis.put("wrong", {b"a": b"b"})
    takes = [("SET", key, b"token", "NX") for key in LOCKS]
    answers, watching = watch.begin_with(client, STATUS, locks, *takes, ("GET", STATUS), ("GET", "wrong"))
    assert redis.names() == ["SET", "SET", "WATCH", "GET", "GET", "MGET"]
    assert answers[:3] == [True, True, None] and isinstance(answers[3], exceptions.ResponseError)
    assert watching is not None and watching.owners == [b"token", b"token"]
    watching.close()


def test_the_connection_that_watches_answers_more(
    redis: FakeRedis, client: Redis, locks: Sequence[RedisLock]
) -> None:
    _, watching = watch.begin(client, STATUS, locks)
    redis.put("wrong", {b"a": b"b"})
    pttl, wrong = watching.ask(("PTTL", "missing"), ("GET", "wrong"))
    assert pttl == -2 and isinstance(wrong, exceptions.ResponseError)
    redis.before["PTTL"] = once(Lost())
    with pytest.raises((exceptions.ConnectionError, OSError)):
        watching.ask(("PTTL", "missing"))
    watching.close()
    assert "UNWATCH" not in redis.names()


def test_proof_in_parts(redis: FakeRedis, client: Redis, locks: Sequence[RedisLock]) -> None:
    value = snapshot.encode(TIME, "RUNNING", [b"x" * 2 * PART])
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert head and len(value) < 3 * PART
    redis.put(STATUS, value)
    _, watching = watch.begin(client, STATUS, locks)
    assert watching.prove(STATUS, len(value), head.revision) == head
    ends = [(0, PART - 1), (PART, 2 * PART - 1), (2 * PART, len(value))]
    assert redis.sent[-3:] == [[b"GETRANGE", b"status", b"%d" % start, b"%d" % end] for start, end in ends]
    assert watching.ask(("PTTL", "missing")) == [-2]
    watching.close()
    assert redis.names()[-1] == "UNWATCH"


@pytest.mark.parametrize("stored", [b" ", b"]}", b"x", None, {b"a": b"b"}])
def test_other_value_is_not_proved(
    redis: FakeRedis, client: Redis, locks: Sequence[RedisLock], stored: object
) -> None:
    value = snapshot.encode(TIME, "RUNNING", [b"x" * 2 * PART])
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert head
    redis.put(STATUS, value + stored if isinstance(stored, bytes) else stored)
    _, watching = watch.begin(client, STATUS, locks)
    with pytest.raises(snapshot.NotWhole):
        watching.prove(STATUS, len(value), head.revision)
    watching.close()
    assert client.ping()


@pytest.mark.parametrize("lost", ["WATCH", "MGET"])
def test_lost_connection_is_not_used_again(
    redis: FakeRedis, client: Redis, locks: Sequence[RedisLock], lost: str
) -> None:
    redis.before[lost] = once(Lost())
    with pytest.raises((exceptions.ConnectionError, OSError)):
        watch.begin(client, STATUS, locks)
    assert "UNWATCH" not in redis.names()
    assert client.ping()


def test_lost_connection_ends_the_watch(redis: FakeRedis, client: Redis, locks: Sequence[RedisLock]) -> None:
    _, watching = watch.begin(client, STATUS, locks)
    redis.before["UNWATCH"] = once(Lost())
    watching.close()
    assert client.ping()
