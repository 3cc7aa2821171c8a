"""Redis: the recorded values of an earlier watchman are read, and the same updates write the same bytes."""

from __future__ import annotations

import time

from tests.support.recorded import ADDRESS, NAME, RECORDED, check_reading, redis_values, write_all
from tests.support.redis_server import RedisServer
from watchman_cli.store import open_store

STORED = RECORDED["stores"]


def test_recorded_keys_are_read(redis: RedisServer) -> None:
    for key, known in STORED["redis"].items():
        if isinstance(known["value"], str):
            redis.client.set(key, known["value"])
        else:
            for fields in known["value"]:
                redis.client.xadd(key, fields)
    store = open_store(redis.url)
    check_reading(store)
    store.close()


def test_the_same_keys_are_written_and_published(redis: RedisServer) -> None:
    store = open_store(redis.url)
    with redis.client.pubsub() as listener:
        listener.subscribe(f"{NAME}/status/channel")
        listener.get_message(timeout=5)
        write_all(store)
        assert redis_values(redis.client) == STORED["redis"]
        for known in STORED["channel"]:
            assert listener.get_message(timeout=5)["data"].decode() == known
    lease = store.lease(NAME, time.monotonic() + 60, ADDRESS)
    assert lease
    with lease:
        locks = sorted(key.decode() for key in redis.client.scan_iter("*lock"))
        assert locks == STORED["redis_locks"]
    store.close()
