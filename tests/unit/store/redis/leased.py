"""A server that is stored in Redis, and what runs write for it."""

from __future__ import annotations

import time

from tests.unit.store.redis.fake_redis import FakeRedis
from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch
from watchman_cli.snapshot import StatusRecord
from watchman_cli.store.base import Lease
from watchman_cli.store.redis.keys import address_key, server_keys
from watchman_cli.store.redis.store import RedisStore

NAME, ADDRESS = "o/r", "login01:3141"
KEYS = server_keys(NAME)
ADDRESS_KEY = address_key(ADDRESS)
TIMES = [f"2026-01-01T00:00:00.00000{number}+00:00" for number in range(10)]


def value(number: int, status: str = "queued") -> bytes:
    nodes = [StatusRecord(path, status) for path in ("/", *(f"/s{n}" for n in range(20)))]
    return snapshot.encode(TIMES[number], "RUNNING", [snapshot.join_records(nodes)])


def revision(number: int, status: str = "queued") -> str:
    head = snapshot.parse_head(value(number, status)[: snapshot.HEAD_SIZE])
    assert head
    return head.revision


def lease_of(store: RedisStore, address: str | None = None) -> Lease:
    lease = store.lease(NAME, time.monotonic() + 60, address)
    assert lease is not None
    return lease


def batches(redis: FakeRedis) -> list[bytes]:
    return [fields[0] for _, fields in redis.values.get(KEYS.changes, [])]


OLD, NEW = value(1), value(2, "active")
BATCH = Batch(NAME, TIMES[2], revision(1), revision(2, "active"), "RUNNING")
