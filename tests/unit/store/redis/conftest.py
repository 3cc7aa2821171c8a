"""A Redis over a real socket for each test, and a store in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.store.redis.fake_redis import FakeRedis, answering
from tests.unit.store.redis.leased import KEYS, OLD
from watchman_cli.store.redis.store import RedisStore


@pytest.fixture
def served() -> Iterator[tuple[FakeRedis, str]]:
    with answering() as found:
        yield found


@pytest.fixture
def redis(served: tuple[FakeRedis, str]) -> FakeRedis:
    return served[0]


@pytest.fixture
def store(served: tuple[FakeRedis, str]) -> Iterator[RedisStore]:
    store = RedisStore(served[1])
    yield store
    store.close()


@pytest.fixture
def stored(redis: FakeRedis) -> FakeRedis:
    redis.put(KEYS.status, OLD)
    redis.put(KEYS.health, b"h1")
    redis.put(KEYS.sync, b"s1")
    return redis
