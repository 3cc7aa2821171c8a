"""Values in the store that are damaged, or that somebody else wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import orjson

from tests.faults.environment import BAD, FaultRun
from watchman_cli.store.redis.keys import KeyField, key
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.cache import SyncCache


def another_type(run: FaultRun, field: KeyField) -> None:
    """Put a list in a value's place."""
    run.redis.client.delete(key(BAD, field))
    run.redis.client.rpush(key(BAD, field), "a", "b")


def not_ours(run: FaultRun, field: KeyField) -> None:
    """Put JSON of another program in a value's place."""
    run.redis.client.set(key(BAD, field), b'{"of": ["another", "program", 1]}')


def huge(run: FaultRun, field: KeyField, size: int) -> None:
    """Put a value of so many bytes in a value's place."""
    run.redis.client.setrange(key(BAD, field), size, b"x")


def damaged(run: FaultRun) -> None:
    """Damage a record of the snapshot, far behind its head, in a way that JSON does not show."""
    run.change(
        key(BAD, "status"), b'/forecast/f/queued","status":"queued"', b'/forecast/f/queued","status":"active"'
    )


def cut(run: FaultRun) -> None:
    """Cut the snapshot in the middle."""
    value = run.value(key(BAD, "status")) or b""
    run.redis.client.set(key(BAD, "status"), value[: len(value) // 2])


def evicted(run: FaultRun) -> None:
    """Delete the snapshot, and nothing else."""
    run.redis.client.delete(key(BAD, "status"))


def health_with(run: FaultRun, **fields: object) -> None:
    """Change fields of the health record, or of its `sync`."""
    document = orjson.loads(run.value(key(BAD, "health")) or b"")
    for name, value in fields.items():
        (document if name in document else document["sync"])[name] = value
    run.redis.client.set(key(BAD, "health"), orjson.dumps(document))


def cache_of(run: FaultRun) -> SyncCache:
    """Return the sync cache in the store."""
    found = sync_cache.decode(run.value(key(BAD, "sync")) or b"")
    assert found
    return found


def forged(run: FaultRun, change: Callable[[SyncCache], SyncCache]) -> None:
    """Change the sync cache, and have it look whole."""
    run.redis.client.set(key(BAD, "sync"), sync_cache.encode(change(cache_of(run))))


def set_back(run: FaultRun) -> None:
    """Have what is in the store be written by a clock that was an hour ahead."""
    ahead = timedelta(hours=1)
    for field in ("status", "health"):
        value = run.value(key(BAD, field)) or b""
        for time_ in set(re.findall(rb"20\d\d-\d\d-\d\dT[0-9:.]+\+00:00", value)):
            later = datetime.fromisoformat(time_.decode()) + ahead
            value = value.replace(time_, later.isoformat(timespec="microseconds").encode())
        run.redis.client.set(key(BAD, field), value)
    later = datetime.fromisoformat(cache_of(run).read_time) + ahead
    forged(run, lambda cache: cache._replace(read_time=later.isoformat(timespec="microseconds")))
