"""Redis Cluster and Sentinels while they change: a slot that moves, a master that dies, a failover."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from tests.integration.store.test_contract import LAST, LATER, NAME, NEW, OLD, take, write
from tests.support.loopback import await_true
from tests.support.permissions import RUN
from tests.support.redis_kinds import RedisCluster, master_of, new_redis, new_sentinel
from tests.support.redis_server import RedisServer
from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch
from watchman_cli.errors import StoreError
from watchman_cli.store import Update, open_store
from watchman_cli.store.redis.keys import key

STATUS, ADDRESS = key(NAME, "status"), "login01:3141"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with ExitStack() as entered:
        yield RedisCluster(entered, tmp_path_factory.mktemp("cluster")).start()


def test_a_slot_is_moved_in_mid_run(cluster: RedisCluster) -> None:
    store = open_store(cluster.url)
    write(store, OLD)
    for update in (Update(b"2", new_time=LATER), Update(b"3", snapshot=NEW), Update(b"4")):
        with take(store, address=ADDRESS) as lease:
            if update.new_time:
                lease.value("status")
            old, new = cluster.move(STATUS)
            assert old is not new and cluster.owner(STATUS) is new
            lease.commit(update)
            assert lease.warnings == []
        assert store.value(NAME, "health") == update.health
    assert cluster.client.keys("*lock") == []
    store.close()


KEYS = [key(NAME, field) for field in ("status", "health", "sync", "changes")]


@pytest.fixture
def moving(cluster: RedisCluster) -> Iterator[tuple[RedisServer, RedisServer]]:
    """The old and the new master of a slot that is just being moved, with a server's keys in it."""
    cluster.client.flushall()
    store = open_store(cluster.url)
    with take(store) as lease:
        lease.commit(Update(b"1", snapshot=OLD, sync=b"s", changes=batch(None, OLD)))
    store.close()
    old, new = cluster.begin_move(STATUS)
    yield old, new
    cluster.move_keys(STATUS, old, new)
    cluster.end_move(STATUS, old, new)


def batch(before: bytes | None, after: bytes) -> Batch:
    old, new = (snapshot.parse_head(each) if each else None for each in (before, after))
    assert new
    return Batch(NAME, new.collected_time, old.revision if old else None, new.revision, "RUNNING")


def test_keys_that_have_moved_before_their_slot(
    cluster: RedisCluster, moving: tuple[RedisServer, RedisServer]
) -> None:
    """The old master sends each command to the new one, which serves it only if it is told ASKING."""
    cluster.move_keys(STATUS, *moving)
    store = open_store(cluster.url)
    for update in (
        Update(b"2", new_time=LATER),
        Update(b"3", snapshot=NEW, changes=batch(OLD, NEW), expire=100),
        Update(b"4", expire=100, sync=b"t"),
        Update(b"5"),
    ):
        before = store.value(NAME, "status")
        with take(store, address=ADDRESS) as lease:
            assert (lease.stored.health, lease.stored.size) == (store.value(NAME, "health"), len(OLD))
            assert (lease.value("status"), lease.value("sync")) == (before, lease.stored.sync)
            assert open_store(cluster.url).lease(NAME, time.monotonic() + 5) is None
            lease.commit(update)
        assert store.value(NAME, "health") == update.health
    assert store.value(NAME, "status") == NEW
    assert store.head(NAME) == NEW[: snapshot.HEAD_SIZE]
    first, second = store.changes_after(NAME, "")
    assert store.changes_end(NAME) == second.position
    assert store.keeps_changes_from(NAME, first.position)
    assert not moving[0].client.execute_command("CLUSTER GETKEYSINSLOT", key_slot(STATUS.encode()), 9)
    assert [node.client.keys("*lock") for node in cluster.masters] == [[], [], []]
    store.close()


def test_the_documented_permissions_are_enough_while_a_slot_is_moved(
    cluster: RedisCluster, moving: tuple[RedisServer, RedisServer]
) -> None:
    cluster.move_keys(STATUS, *moving)
    url = cluster.url.replace("://", "://w:secret@")
    for denied in ("", "-asking"):
        for node in cluster.masters:
            node.client.execute_command(
                "ACL", "SETUSER", "w", "reset", "on", ">secret", *RUN, *filter(None, [denied])
            )
        store = open_store(url)
        store.set_timeout(0.3)
        if denied:
            with pytest.raises(StoreError, match=r"lacks a permission.*'asking'"):
                store.lease(NAME, time.monotonic() + 5)
        else:
            with take(store) as lease:
                lease.commit(Update(b"2", snapshot=NEW))
            assert store.value(NAME, "status") == NEW
        store.close()


@pytest.mark.parametrize("moved", KEYS)
def test_a_slot_of_which_one_key_has_moved(
    cluster: RedisCluster, moving: tuple[RedisServer, RedisServer], moved: str
) -> None:
    """It is read; a transaction over both masters is refused, and retried until the slot has moved."""
    cluster.move_keys(STATUS, *moving, moved)
    store = open_store(cluster.url)
    store.set_timeout(0.3)
    with store.lease(NAME, time.monotonic() + 1) or pytest.fail() as lease:
        assert (lease.stored.health, lease.stored.sync, lease.stored.size) == (b"1", b"s", len(OLD))
        with pytest.raises(StoreError, match="temporarily unavailable: "):
            lease.commit(Update(b"2", snapshot=NEW, sync=b"t", changes=batch(OLD, NEW)))
    values = [store.value(NAME, field) for field in ("status", "health", "sync")]
    assert (values, len(store.changes_after(NAME, ""))) == ([OLD, b"1", b"s"], 1)
    with take(store) as lease:

        def finish() -> None:
            cluster.move_keys(STATUS, *moving)
            cluster.end_move(STATUS, *moving)

        threading.Timer(0.5, finish).start()
        lease.commit(Update(b"2", snapshot=NEW, sync=b"t", changes=batch(OLD, NEW)))
    values = [store.value(NAME, field) for field in ("status", "health", "sync")]
    assert (values, len(store.changes_after(NAME, ""))) == ([NEW, b"2", b"t"], 2)
    assert [node.client.keys("*lock") for node in cluster.masters] == [[], [], []]
    store.close()


def test_a_lease_of_before_a_slot_began_to_move(cluster: RedisCluster) -> None:
    """Its lock stands at the old master: no second run takes one at the new."""
    cluster.client.flushall()
    store = open_store(cluster.url)
    with take(store) as lease:
        old, new = cluster.begin_move(STATUS)
        other = open_store(cluster.url)
        assert other.lease(NAME, time.monotonic() + 5) is None
        cluster.move_keys(STATUS, old, new)
        assert other.lease(NAME, time.monotonic() + 5) is None
        cluster.end_move(STATUS, old, new)
        lease.commit(Update(b"1", snapshot=OLD))
    assert store.value(NAME, "status") == OLD
    assert [node.client.keys("*lock") for node in cluster.masters] == [[], [], []]
    store.close()


def test_every_server_has_its_keys_in_one_slot(cluster: RedisCluster) -> None:
    store = open_store(cluster.url)
    names = [f"owner{index}/repo" for index in range(20)]
    for name in names:
        with take(store, name, ADDRESS) as lease:
            lease.commit(Update(b"1", snapshot=OLD, sync=b"s"))
    assert len({cluster.owner(key(name, "status")).port for name in names}) == 3
    for name in names:
        assert cluster.client.get(f"{name}/status") == OLD
        assert cluster.client.get(f"{{{name}/status}}/sync") == b"s"
    store.close()


def test_a_master_is_lost_in_mid_run(stack: ExitStack, tmp_path: Path) -> None:
    cluster = RedisCluster(stack, tmp_path, replicas=True).start()
    store = open_store(cluster.url)
    store.set_timeout(1)
    write(store, OLD)
    owner = cluster.owner(STATUS)
    owner.client.wait(1, 5000)
    lease = store.lease(NAME, time.monotonic() + 60, ADDRESS) or pytest.fail()
    owner.kill()
    lease.commit(Update(b"2", snapshot=LAST))
    lease.release()
    assert store.value(NAME, "status") == LAST
    write(store, NEW)
    store.close()


@pytest.fixture
def watched(stack: ExitStack, tmp_path: Path) -> tuple[RedisServer, RedisServer, list[RedisServer]]:
    """A master, its replica, and three Sentinels that fail over."""
    master = new_redis(stack, tmp_path)
    replica = new_redis(stack, tmp_path, "--replicaof", f"127.0.0.1 {master.port}")
    sentinels = [new_sentinel(stack, tmp_path, master.port, quorum=2) for _ in range(3)]

    def known() -> bool:
        for sentinel in sentinels:
            found: Any = sentinel.client.execute_command("SENTINEL", "MASTER", "mymaster")
            words = found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))
            texts = {_text(name): _text(value) for name, value in words.items()}
            if (texts["num-slaves"], texts["num-other-sentinels"]) != ("1", "2"):
                return False
        return True

    await_true(known, "the Sentinels did not meet")
    await_true(lambda: replica.client.info("replication")["master_link_status"] == "up", "no replica")
    return master, replica, sentinels


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def test_the_master_of_sentinels_is_lost_in_mid_run(
    watched: tuple[RedisServer, RedisServer, list[RedisServer]],
) -> None:
    master, replica, sentinels = watched
    store = open_store(
        "redis+sentinel://" + ",".join(f"127.0.0.1:{each.port}" for each in sentinels) + "/mymaster"
    )
    store.set_timeout(1)
    write(store, OLD)
    master.client.wait(1, 5000)
    lease = store.lease(NAME, time.monotonic() + 60, ADDRESS) or pytest.fail()
    assert lease.value("status") == OLD
    master.kill()
    lease.commit(Update(b"2", new_time=LATER))
    lease.release()
    # Another Sentinel may have named the new master first.
    await_true(lambda: master_of(sentinels[0]) == replica.port, "there was no failover")
    assert replica.client.get(STATUS) == OLD.replace(b"000001", b"000009")
    store.close()


def test_a_failover_that_nobody_dies_of(
    watched: tuple[RedisServer, RedisServer, list[RedisServer]],
) -> None:
    """The old master becomes a replica, and says that it is read-only: the new one is asked."""
    master, replica, sentinels = watched
    store = open_store(f"redis+sentinel://127.0.0.1:{sentinels[0].port}/mymaster")
    write(store, OLD)
    lease = store.lease(NAME, time.monotonic() + 60) or pytest.fail()
    sentinels[0].client.execute_command("SENTINEL", "FAILOVER", "mymaster")
    await_true(lambda: master_of(sentinels[0]) == replica.port, "there was no failover")
    await_true(lambda: master.client.info("replication")["role"] == "slave", "the master went on")
    lease.commit(Update(b"2", snapshot=NEW))
    assert replica.client.get(STATUS) == NEW
    store.close()
