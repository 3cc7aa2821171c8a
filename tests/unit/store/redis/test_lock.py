"""A lock in Redis: who has it, which locks are abandoned, and races with other clients."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.unit.store.redis.fake_redis import NIL, WRONG_TYPE, FakeRedis, Lost, once
from watchman_cli.errors import StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import LOCK_GRACE
from watchman_cli.store.redis.lock import MAX_RACES, NO_EXPIRY, RedisLock
from watchman_cli.store.redis.store import RedisStore

KEY = "{o/r/status}/lock"
NOT_PERMITTED = Exception("NOPERM this user has no permissions to run the command")


def lock_of(store: RedisStore, deadline: float | None = None, key: str = KEY) -> RedisLock:
    return RedisLock(store, key, holder.new_token(), time.monotonic() + 60 if deadline is None else deadline)


def take(store: RedisStore, lock: RedisLock) -> bool:
    return store.call(lock.take, time.monotonic() + 60) is not None


@pytest.mark.parametrize(("left", "lifetime"), [(60, 60), (0.5, 1), (-60, 1)])
def test_a_free_lock_is_taken_until_soon_after_the_deadline(
    redis: FakeRedis, store: RedisStore, left: float, lifetime: float
) -> None:
    began = time.monotonic()
    lock = lock_of(store, began + left)
    assert take(store, lock) and lock.held and lock.other is None
    assert redis.values == {KEY: lock._token}
    spent = time.monotonic() - began
    assert lifetime + LOCK_GRACE - spent - 0.001 <= redis.lives[KEY] / 1000 <= lifetime + LOCK_GRACE
    assert 0 <= lock.expires - began - lifetime - LOCK_GRACE <= spent + 0.001
    assert redis.names() == ["SET"]


def test_a_run_that_is_alive_keeps_its_lock(redis: FakeRedis, store: RedisStore) -> None:
    token = holder.new_token()
    redis.put(KEY, token, 5000)
    lock = lock_of(store)
    assert not take(store, lock) and not lock.held and lock.other == token
    lock.release()
    assert redis.values == {KEY: token} and redis.names() == ["SET", "GET", "PTTL"]


def dead_token() -> bytes:
    code = "from watchman_cli.store import holder; print(holder.new_token().decode())"
    return subprocess.check_output([sys.executable, "-c", code]).strip()


@pytest.mark.parametrize("kind", ["dead", "no token", "without expiry", "another type"])
def test_an_abandoned_lock_is_taken_over(redis: FakeRedis, store: RedisStore, kind: str) -> None:
    contents = {"dead": dead_token, "no token": lambda: b"me", "without expiry": holder.new_token}
    redis.put(
        KEY, contents[kind]() if kind in contents else {b"a": b"b"}, NO_EXPIRY if "out" in kind else 5000
    )
    lock = lock_of(store)
    assert take(store, lock) and lock.held and lock.other is None
    assert redis.values == {KEY: lock._token} and redis.lives[KEY] > 5000


def test_a_lock_whose_answer_was_lost_is_this_runs(redis: FakeRedis, store: RedisStore) -> None:
    redis.after["SET"] = once(Lost())
    lock = lock_of(store)
    assert take(store, lock) and lock.held and redis.values == {KEY: lock._token}
    assert redis.names() == ["SET", "SET", "GET", "PTTL"]


@pytest.mark.parametrize("stopped", [False, True])
def test_an_interrupted_run_releases_a_lock_that_it_may_have(
    redis: FakeRedis, store: RedisStore, stopped: bool
) -> None:
    redis.after["SET"] = once(Lost())
    lock = lock_of(store)
    if stopped:
        store.stopped.set()
        with pytest.raises(StoreError):
            take(store, lock)
        assert lock.held
        lock.release()
        assert redis.values == {}
    else:
        with pytest.raises(Exception, match=r"reset|closed"):
            lock.take()
        assert not lock.held


def test_a_lock_that_another_client_keeps_changing(redis: FakeRedis, store: RedisStore) -> None:
    redis.put(KEY, b"not a token", 5000)
    redis.before["EXEC"] = lambda words: redis.touch(KEY)
    lock = lock_of(store)
    with pytest.raises(StoreError, match=f"another client keeps changing {KEY}, and no run has its lock"):
        take(store, lock)
    assert redis.names().count("SET") == MAX_RACES and not lock.held


def test_a_lock_that_expired_in_between_is_taken(redis: FakeRedis, store: RedisStore) -> None:
    redis.before["SET"] = once(NIL)
    lock = lock_of(store)
    assert take(store, lock) and redis.values == {KEY: lock._token}


@pytest.mark.parametrize(
    ("name", "answer"), [("SET", NOT_PERMITTED), ("GET", NOT_PERMITTED), ("PTTL", NOT_PERMITTED)]
)
def test_a_refused_command_is_an_error(
    redis: FakeRedis, store: RedisStore, name: str, answer: Exception
) -> None:
    redis.put(KEY, holder.new_token(), 5000)
    redis.before[name] = lambda words: answer
    with pytest.raises(StoreError, match="lacks a permission"):
        take(store, lock_of(store))


def test_values_are_read_in_the_same_request(redis: FakeRedis, store: RedisStore) -> None:
    redis.put("x", b"1")
    redis.put("y", {b"a": b"b"})
    lock = lock_of(store)
    first, second = lock.take(("GET", "x"), ("STRLEN", "y")) or pytest.fail()
    assert first == b"1" and str(WRONG_TYPE).endswith(str(second).removeprefix("WRONGTYPE "))
    assert redis.names() == ["SET", "GET", "STRLEN"]


@pytest.mark.parametrize("free", [True, False])
def test_a_second_lock_is_taken_if_it_is_free(redis: FakeRedis, store: RedisStore, free: bool) -> None:
    if not free:
        redis.put("other", holder.new_token(), 5000)
    lock, other = lock_of(store), lock_of(store, key="other")
    assert lock.take(("GET", "x"), also=other) == [None]
    assert lock.held and other.held is free
    assert redis.names() == ["SET", "SET", "GET"]


# ------------------------------------------------------------------------------------ its end


def test_a_lock_is_released_once(redis: FakeRedis, store: RedisStore) -> None:
    lock = lock_of(store)
    lock.release()
    assert redis.sent == []
    assert take(store, lock)
    lock.release()
    assert redis.values == {} and not lock.held
    sent = len(redis.sent)
    lock.release()
    assert len(redis.sent) == sent


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_lock_that_another_run_has_now_stays(redis: FakeRedis, store: RedisStore, when: str) -> None:
    lock, token = lock_of(store), holder.new_token()
    assert take(store, lock)
    if when == "before":
        redis.put(KEY, token, 5000)
    else:
        redis.before["MULTI"] = lambda words: redis.put(KEY, token, 5000)
    lock.release()
    assert redis.values == {KEY: token}


@pytest.mark.parametrize("name", ["WATCH", "GET", "DEL"])
def test_a_lock_that_may_not_be_deleted_is_made_to_expire(
    redis: FakeRedis, store: RedisStore, name: str
) -> None:
    lock = lock_of(store)
    assert take(store, lock)
    redis.before[name] = lambda words: NOT_PERMITTED
    lock.release()
    assert redis.lives == {KEY: 1}


def test_a_release_that_is_lost_is_tried_again(redis: FakeRedis, store: RedisStore) -> None:
    lock = lock_of(store)
    assert take(store, lock)
    redis.before["EXEC"] = once(Lost())
    lock.release()
    assert redis.values == {}


def test_a_lock_that_is_gone_is_not_made_anew(redis: FakeRedis, store: RedisStore) -> None:
    lock = lock_of(store)
    assert take(store, lock)
    redis.before["WATCH"] = lambda words: NOT_PERMITTED
    redis._del(KEY)
    lock.release()
    assert redis.values == {}
