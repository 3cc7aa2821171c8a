"""A store in Redis: values, retries by the deadline, and the message of each failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import exceptions

from tests.support.loopback import free_port
from tests.unit.store.redis.fake_redis import FakeRedis, Lost, once
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.snapshot import HEAD_SIZE
from watchman_cli.store.redis import store as module
from watchman_cli.store.redis.connection import MAX_TIMEOUT
from watchman_cli.store.redis.keys import address_key, server_keys
from watchman_cli.store.redis.store import RedisStore, is_transient
from watchman_cli.store.values import MAX_VALUE

NAME = "o/r"
KEYS = server_keys(NAME)


def soon() -> float:
    return time.monotonic() + 60


# -------------------------------------------------------------------------------- values


def test_values_are_read(redis: FakeRedis, store: RedisStore) -> None:
    redis.put(KEYS.status, b"x" * 1000)
    redis.put(KEYS.health, b"")
    assert store.value(NAME, "status") == b"x" * 1000
    assert store.value(NAME, "health") == b"" and store.value(NAME, "sync") is None
    assert store.head(NAME) == b"x" * HEAD_SIZE and store.head("o/none") == b""


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
def test_largest_value(redis: FakeRedis, store: RedisStore, size: int) -> None:
    assert MAX_VALUE["health"] == 1 << 20
    redis.put(KEYS.health, b"x" * size)
    if size == 1 << 20:
        assert store.value(NAME, "health") == b"x" * size
    else:
        with pytest.raises(BadSnapshot, match=r"^it is larger than 1 MB$"):
            store.value(NAME, "health")


def test_value_of_another_type(redis: FakeRedis, store: RedisStore) -> None:
    redis.put(KEYS.status, [])
    asks: list[Callable[[], object]] = [lambda: store.value(NAME, "status"), lambda: store.head(NAME)]
    for ask in asks:
        with pytest.raises(BadSnapshot, match=r"^it is of another type than a string$"):
            ask()
    redis.before["GETRANGE"] = lambda words: Exception("ERR unknown command")
    with pytest.raises(StoreError, match="refused: unknown command"):
        store.value(NAME, "status")


@pytest.mark.parametrize("answer", [None, Exception("NOPERM this user has no permissions")])
def test_check_needs_only_an_answer(redis: FakeRedis, store: RedisStore, answer: Exception | None) -> None:
    redis.before["PING"] = lambda words: answer
    store.check(soon())
    assert redis.names() == ["PING"]


def test_check_of_a_redis_that_is_down() -> None:
    store = RedisStore(f"redis://:s3cret@127.0.0.1:{free_port()}/0")
    with pytest.raises(StoreError, match=rf"^store {store.url}: cannot be reached: Connection refused$"):
        store.check(time.monotonic() - 1)
    assert "s3cret" not in store.url


def test_everything_of_a_server_is_removed(redis: FakeRedis, store: RedisStore) -> None:
    for key in (*KEYS.all, address_key("h:1"), "other", address_key("h:2")):
        redis.put(key, b"x")
    store.remove(NAME, "h:1")
    assert set(redis.values) == {"other", address_key("h:2")}


def test_answers_of_commands_that_are_sent_together(redis: FakeRedis, store: RedisStore) -> None:
    redis.put("a", [])
    found = store.commands("a", ("GET", "a"), ("SET", "b", b"1"), ("GET", "b"))
    assert isinstance(found[0], exceptions.ResponseError) and found[1:] == [True, b"1"]


def test_lease_that_is_not_taken_is_none(redis: FakeRedis, store: RedisStore) -> None:
    with store.lease(NAME, soon()) or pytest.fail():
        assert store.lease(NAME, soon()) is None
    assert redis.values == {}


def test_timeout_is_never_longer_than_that_of_a_wait(store: RedisStore) -> None:
    for seconds, timeout in ((2.0, 2.0), (60.0, MAX_TIMEOUT)):
        store.set_timeout(seconds)
        assert store._budget.timeout == timeout


# -------------------------------------------------------------------------------- retries


class Failing:
    """A call that fails with these errors, one after the other, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "good"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No pause between two attempts."""
    monkeypatch.setattr(module, "INITIAL_BACKOFF", 0)
    return []


LOST = exceptions.ConnectionError("Connection closed by server.")


@pytest.mark.usefixtures("quick")
def test_transient_failure_is_retried(store: RedisStore) -> None:
    call = Failing(LOST, exceptions.TryAgainError("x"), TimeoutError())
    assert store.call(call, soon()) == "good" and call.calls == 4


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "error",
    [exceptions.AuthenticationError("x"), exceptions.ReadOnlyError("x"), exceptions.ResponseError("ERR x")],
)
def test_other_failures_are_not_retried(store: RedisStore, error: Exception) -> None:
    call = Failing(error)
    with pytest.raises(StoreError) as raised:
        store.call(call, soon())
    assert (call.calls, raised.value.transient, raised.value.__cause__) == (1, False, error)
    assert not is_transient(raised.value) and not is_transient(error)


@pytest.mark.usefixtures("quick")
def test_errors_of_the_caller_pass(store: RedisStore) -> None:
    for error in (ValueError("x"), BadSnapshot("x"), StoreError("mine")):
        with pytest.raises(type(error), match=f"^{error}$"):
            store.call(Failing(error), soon())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("error", "calls"), [(LOST, 2), (TimeoutError("x"), 1), (exceptions.TimeoutError("x"), 1)]
)
def test_late_run_has_a_second_attempt_only_if_the_connection_was_closed(
    store: RedisStore, error: Exception, calls: int
) -> None:
    call = Failing(error, error, error)
    with pytest.raises(StoreError) as raised:
        store.call(call, time.monotonic() - 1)
    assert call.calls == calls and raised.value.transient
    if calls == 1:
        assert str(raised.value).endswith(
            ": no answer; the request began after the deadline: was this run stopped?"
        )


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("left", "calls"), [(MAX_TIMEOUT - 0.5, 2), (MAX_TIMEOUT + 30, 5)])
@pytest.mark.parametrize("by", ["deadline", "retry_until"])
def test_no_attempt_begins_that_may_end_late(store: RedisStore, left: float, calls: int, by: str) -> None:
    call = Failing(*[LOST] * 4)
    now = time.monotonic()

    def ask() -> str:
        if by == "deadline":
            return store.call(call, now + left)
        return store.call(call, now + 3600, retry_until=left)

    if calls == 5:
        assert ask() == "good"
    else:
        with pytest.raises(StoreError):
            ask()
    assert call.calls == calls


@pytest.mark.usefixtures("quick")
def test_stopped_run_does_not_retry(store: RedisStore) -> None:
    store.stopped.set()
    call = Failing(LOST)
    with pytest.raises(StoreError):
        store.call(call, soon())
    assert call.calls == 1


# -------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda store: None, "no answer in 0.25 s"),
        (lambda store: store._budget.wait(time.sleep, 0.02), "no complete answer by the deadline"),
    ],
)
def test_timeout_says_what_was_waited_for(
    store: RedisStore, act: Callable[[RedisStore], Any], message: str
) -> None:
    store.set_timeout(0.25)

    def wait() -> None:
        act(store)
        raise TimeoutError

    with pytest.raises(StoreError, match=f": {message}$"):
        store.call(wait, time.monotonic() + 0.01)


def test_lost_answer_to_a_read_is_asked_again(redis: FakeRedis, store: RedisStore) -> None:
    redis.put(KEYS.status, b"x")
    redis.before["GETRANGE"] = once(Lost())
    assert store.value(NAME, "status") == b"x"


def test_connection_that_is_lost_while_it_watches_is_named(redis: FakeRedis, store: RedisStore) -> None:
    def watch() -> None:
        pipe = store.client_for("a").pipeline()
        pipe.watch("a")
        pipe.get("a")
        pipe.multi()
        pipe.execute()

    redis.before["GET"] = lambda words: Lost()
    with pytest.raises(StoreError, match="cannot be reached: ") as raised:
        store.call(watch, time.monotonic())
    assert raised.value.transient
