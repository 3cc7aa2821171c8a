"""Leases: one run at a time has a server, and what is older never overwrites what is newer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import RedisServer
from watchman_cli import snapshot
from watchman_cli.store import LeaseLost, SnapshotChanged, Store, Update, open_store
from watchman_cli.store.redis import key

NAME = "o/r"
OLD = snapshot.encode("2026-01-01T00:00:00.000001+00:00", "RUNNING", [b'{"path":"/","status":"queued"}'])
NEW = snapshot.encode("2026-01-01T00:00:00.000002+00:00", "RUNNING", [b'{"path":"/","status":"active"}'])


@pytest.fixture(params=["redis", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "redis":
        opened = open_store(request.getfixturevalue("redis").url)
    else:
        opened = open_store(f"file://{tmp_path}/store")
    yield opened
    opened.close()


def soon() -> float:
    return time.monotonic() + 10


def test_one_run_at_a_time(store: Store) -> None:
    first = store.lease(NAME, soon())
    assert first
    with first:
        assert store.lease(NAME, soon()) is None
        assert store.lease("o/other", soon())
        first.commit(Update(health=b"{}", snapshot=OLD, sync=b"kept"))
    second = store.lease(NAME, soon())
    assert second
    with second:
        assert second.stored.head and second.stored.head.collected_time.endswith("000001+00:00")
        assert (second.stored.health, second.stored.sync) == (b"{}", b"kept")
    third = store.lease(NAME, soon())
    assert third
    third.release()


def test_what_is_written_together(store: Store) -> None:
    with store.lease(NAME, soon()) or pytest.fail() as lease:
        lease.commit(Update(health=b"1", snapshot=OLD, sync=b"sync"))
    with store.lease(NAME, soon()) or pytest.fail() as lease:
        lease.commit(Update(health=b"2", new_time="2026-01-01T00:00:00.000009+00:00"))
    touched = store.value(NAME, "status")
    assert touched and touched == OLD.replace(b"000001", b"000009")
    assert (store.value(NAME, "health"), store.value(NAME, "sync")) == (b"2", b"sync")
    with store.lease(NAME, soon()) or pytest.fail() as lease:
        lease.commit(Update(health=b"3", sync=b""))
    assert (store.value(NAME, "status"), store.value(NAME, "sync")) == (touched, None)


def test_a_time_is_not_set_in_another_snapshot(store: Store) -> None:
    with store.lease(NAME, soon()) or pytest.fail() as lease:
        lease.commit(Update(health=b"1", snapshot=OLD))
    with store.lease(NAME, soon()) or pytest.fail() as lease:
        replace(store, NEW)
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(health=b"2", new_time="2026-01-01T00:00:00.000009+00:00"))
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (NEW, b"1")


def replace(store: Store, value: bytes) -> None:
    """Change a snapshot as somebody would who knows of no lease."""
    if store.url.startswith("file"):
        Path(store.url[len("file://") :], NAME, "status.json").write_bytes(value)
    else:
        store._client.set(key(NAME, "status"), value)  # type: ignore[attr-defined]


def test_an_earlier_run_does_not_overwrite_a_later_one(redis: RedisServer) -> None:
    """The earlier one was stopped for so long that its lease had expired."""
    store = open_store(redis.url)
    earlier = store.lease(NAME, soon())
    assert earlier
    redis.client.delete(key(NAME, "lock"))
    with store.lease(NAME, soon()) or pytest.fail() as later:
        later.commit(Update(health=b"later", snapshot=NEW))
    with pytest.raises(LeaseLost):
        earlier.commit(Update(health=b"earlier", snapshot=OLD))
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (NEW, b"later")


def test_a_store_that_forgot_the_lease_takes_the_snapshot(redis: RedisServer) -> None:
    """Redis was restarted in the middle of the run, with nothing on disk."""
    store = open_store(redis.url)
    lease = store.lease(NAME, soon())
    assert lease
    redis.client.flushall()
    lease.commit(Update(health=b"1", snapshot=NEW))
    assert store.value(NAME, "status") == NEW


def test_the_lease_of_a_killed_run_is_taken_over_at_once(store: Store) -> None:
    script = f"""
import os, time
from watchman_cli.store import open_store
lease = open_store({store.url!r}).lease({NAME!r}, time.monotonic() + 60)
print("held", flush=True)
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
    assert killed.stdout == b"held\n"
    lease = store.lease(NAME, soon())
    assert lease
    lease.release()
