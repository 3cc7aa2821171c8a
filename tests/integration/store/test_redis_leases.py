"""Leases in Redis: expiry of snapshots, permissions, what Redis loses and what it answers."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.store.test_contract import (
    LAST,
    LATER,
    NAME,
    NEW,
    OLD,
    RECORDS,
    new_snapshot,
    soon,
    take,
    write,
)
from tests.support.faulty_server import Proxy, Reply, losing_answers
from tests.support.permissions import RUN, RUN_CHANGES, RUN_DETAILS
from tests.support.redis_server import RedisServer
from watchman_cli import __version__
from watchman_cli.errors import StoreError
from watchman_cli.store import LeaseLost, Store, Update, holder, open_store
from watchman_cli.store.probe import probe
from watchman_cli.store.redis.keys import KeyField, key

STATUS = key(NAME, "status")


@pytest.fixture
def store(redis: RedisServer) -> Store:
    return open_store(redis.url)


def ttl(redis: RedisServer) -> int:
    found: Any = redis.client.ttl(STATUS)
    return int(found)


@pytest.mark.parametrize(
    "update",
    [Update(b"2", new_time=LATER), Update(b"2", snapshot=NEW), Update(b"2")],
    ids=["unchanged", "changed", "failed"],
)
def test_expire_is_removed_from_the_configuration(redis: RedisServer, store: Store, update: Update) -> None:
    with take(store) as lease:
        lease.commit(Update(b"1", snapshot=OLD, expire=100))
    assert 0 < ttl(redis) <= 100
    with take(store) as lease:
        lease.commit(update)
    assert ttl(redis) == -1


def test_a_connection_says_whose_it_is(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIENT LIST shows it, since Redis 7.2; nothing is looked up for each connection."""
    sent: list[bytes] = []
    looked_up: list[str] = []
    monkeypatch.setattr("importlib.metadata.version", looked_up.append)
    with Proxy(redis.port, on_request=sent.append) as proxy:
        write(open_store(f"redis://{proxy.host}:{proxy.port}/0"), OLD)
    assert b"\r\nredis-py(watchman_v%b)\r\n" % __version__.encode() in b"".join(sent)
    assert looked_up == []


def test_expire_is_set_in_the_configuration(redis: RedisServer, store: Store) -> None:
    """A server that fails from then on: its snapshot expires, and is not given new time."""
    write(store, OLD)
    for _ in range(2):
        with take(store) as lease:
            lease.commit(Update(b"failed", expire=100))
        assert 0 < ttl(redis) <= 100
        redis.client.expire(STATUS, 50)
    assert ttl(redis) <= 50
    with take(store) as lease:
        lease.commit(Update(b"2", new_time=LATER, expire=100))
    assert 50 < ttl(redis) <= 100


COMMANDS = (
    "set",
    "getrange",
    "strlen",
    "mget",
    "watch",
    "multi",
    "exec",
    "del",
    "persist",
    "setrange",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_permission_that_is_missing(redis: RedisServer, command: str) -> None:
    """Whatever the run cannot do, the lock does not stay for it, and the reason is named."""
    write(open_store(redis.url), OLD)
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", "~*", "&*", "+@all", f"-{command}")
    store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    # Redis itself says of an EXEC only that MULTI was not permitted.
    reason = "EXEC without MULTI" if command == "multi" else f"lacks a permission.*'{command}'"
    with pytest.raises(StoreError, match=reason):
        with store.lease(NAME, soon(), "h:1") or pytest.fail() as lease:
            lease.value("status")
            lease.commit(Update(b"2", new_time=LATER))
    time.sleep(0.002)  # by which a lock that could only be made to expire has done so
    assert redis.client.keys("*lock") == []


@pytest.mark.parametrize("command", ["get", "pttl"])
def test_a_permission_that_is_missing_where_the_lock_is_held(redis: RedisServer, command: str) -> None:
    with take(open_store(redis.url), address="h:1"):
        redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", "~*", "&*", "+@all", f"-{command}")
        store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
        with pytest.raises(StoreError, match=f"lacks a permission.*'{command}'"):
            store.lease(NAME, soon(), "h:1")
        assert len(redis.client.keys("*lock")) == 2
    with store.lease(NAME, soon(), "h:1") or pytest.fail():
        pass
    time.sleep(0.002)  # by which a lock that could only be made to expire has done so
    assert redis.client.keys("*lock") == []


def test_what_failed_leaves_no_connection_behind(redis: RedisServer) -> None:
    write(open_store(redis.url), OLD)
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", "~*", "&*", "+@all", "-mget")
    store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    with store.lease(NAME, soon(), "h:1") or pytest.fail() as lease:
        with pytest.raises(StoreError) as caught:
            lease.value("status")
        lease.release()
        found: Any = redis.client.client_list()
        assert caught.value.__traceback__  # which keeps what failed
        assert [each["user"] for each in found].count("w") == 1


def test_the_documented_permissions_are_enough(redis: RedisServer) -> None:
    redis.client.execute_command("ACL", "SETUSER", "watchman", "on", ">secret", *RUN)
    store = open_store(f"redis://watchman:secret@127.0.0.1:{redis.port}/0")
    store.check(soon())
    assert store.value(NAME, "status") is None
    write(store, OLD, b"1", b"s")
    for update in (
        Update(b"2", new_time=LATER),
        Update(b"3", new_time=LATER, expire=100),
        Update(b"4", sync=b""),
        Update(b"5", expire=100),
        Update(b"6", snapshot=NEW, expire=100),
    ):
        with take(store, address="h:1") as lease:
            lease.value("status")
            lease.commit(update)
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (NEW, b"6")
    redis.client.rpush(key("o/other", "lock"), "not watchman's")
    take(store, "o/other").release()
    assert redis.client.keys("*lock") == []


def test_locks_that_were_taken_though_the_answer_was_lost(redis: RedisServer) -> None:
    write(open_store(redis.url), OLD)
    lost: list[bytes] = []

    def on_reply(reply: Reply) -> None:
        if b"\r\n:" in reply.data and not lost:  # the snapshot's size, which is asked for with the locks
            lost.append(reply.data)
            raise ConnectionResetError  # which ends the connection
        reply.connection.forward(reply.data)

    with Proxy(redis.port, on_reply) as proxy:
        store = open_store(f"redis://{proxy.host}:{proxy.port}/0")
        with store.lease(NAME, soon(), "h:1") or pytest.fail() as lease:
            assert lost
            assert lease.stored.size == len(OLD)
            assert len(redis.client.keys("*lock")) == 2
    assert redis.client.keys("*lock") == []


def test_keys_that_are_forbidden(redis: RedisServer) -> None:
    user = ("ACL", "SETUSER", "w", "on", ">p", f"~{STATUS}", f"~{key(NAME, 'lock')}", "&*", "+@all")
    redis.client.execute_command(*user)
    store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    with pytest.raises(StoreError, match="lacks a permission"):
        store.lease(NAME, soon(), "h:1")
    assert redis.client.keys("*lock") == []


def test_an_error_between_taking_a_lease_and_using_it(
    redis: RedisServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(value: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("watchman_cli.snapshot.parse_head", fails)
    with pytest.raises(MemoryError):
        store.lease(NAME, soon(), "h:1")
    assert redis.client.keys("*lock") == []


def test_an_older_copy_is_loaded_in_mid_run(redis_server: Callable[..., RedisServer]) -> None:
    """Redis dies, and starts from what it had saved before the snapshot that the run found."""
    redis = redis_server("--dbfilename", "saved.rdb")
    store = open_store(redis.url)
    write(store, OLD)
    redis.client.save()
    write(store, NEW)
    for update in (Update(b"3", snapshot=LAST), Update(b"failed")):
        lease = take(store, address="h:1")
        redis.kill()
        redis.start()
        lease.commit(update)
        lease.release()
        assert lease.warnings == [
            f"store {store.url}: lost the snapshot of {lease.stored.head.collected_time}:"  # type: ignore[union-attr]
            " it was restarted, emptied or failed over during the run"
        ]
        assert store.value(NAME, "status") == (update.snapshot or OLD)
        assert redis.client.keys("*lock") == []


def test_a_copy_with_the_lock_of_a_run_that_is_over(redis_server: Callable[..., RedisServer]) -> None:
    redis = redis_server("--dbfilename", "saved.rdb")
    store = open_store(redis.url)
    script = f"from watchman_cli.store import open_store; open_store({redis.url!r}).lease({NAME!r}, 1e9)"
    subprocess.run([sys.executable, "-c", script], check=True)
    redis.client.save()
    lease = take(store)
    redis.kill()
    redis.start()
    assert redis.client.exists(key(NAME, "lock"))
    lease.commit(Update(b"1", snapshot=OLD))
    assert store.value(NAME, "status") == OLD


def test_a_failover_to_a_replica_that_lags(redis_server: Callable[..., RedisServer]) -> None:
    """The new master never had the lock, and has an older snapshot."""
    redis = redis_server()
    store = open_store(redis.url)
    write(store, NEW)
    lease = take(store)
    lagging = redis_server()
    write(open_store(lagging.url), OLD)
    port, lagging_port = redis.port, lagging.port
    redis.kill()
    lagging.kill()
    successor = redis_server(port=port)
    write(open_store(successor.url), OLD)
    assert lagging_port != port
    lease.commit(Update(b"2", snapshot=LAST))
    assert "lost the snapshot" in lease.warnings[0]
    assert store.value(NAME, "status") == LAST


def test_a_later_snapshot_is_not_overwritten_after_a_restart(redis: RedisServer, store: Store) -> None:
    write(store, OLD)
    lease = take(store)
    redis.client.flushall()
    write(store, LAST, b"later")
    with pytest.raises(LeaseLost):
        lease.commit(Update(b"2", snapshot=NEW))
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (LAST, b"later")


@pytest.mark.parametrize("end", [True, False])
def test_only_the_answer_of_a_commit_is_lost(redis: RedisServer, store: Store, end: bool) -> None:
    """It is made once more, and finds that it was done."""
    armed = threading.Event()
    write(store, OLD)
    with Proxy(redis.port, losing_answers(armed)) as proxy:
        through = open_store(f"redis://127.0.0.1:{proxy.port}/0")
        with take(through) as lease:
            armed.set()
            lease.commit(Update(b"2", new_time=LATER), end=end)
            assert not armed.is_set()
            assert store.value(NAME, "status") == OLD.replace(b"000001", b"000009")
    assert store.value(NAME, "health") == b"2"
    assert redis.client.keys("*lock") == []


@pytest.mark.parametrize("field", ["status", "health", "sync", "lock"])
def test_a_key_of_another_type(redis: RedisServer, store: Store, field: KeyField) -> None:
    write(store, OLD, b"1", b"s")
    redis.client.delete(key(NAME, field))
    redis.client.rpush(key(NAME, field), "a")
    with take(store) as lease:
        if field != "lock" and field != "changes":
            assert lease.value(field) is None
        lease.commit(Update(b"2", snapshot=NEW, sync=b"t"))
    found = (store.value(NAME, "status"), store.value(NAME, "health"), store.value(NAME, "sync"))
    assert found == (NEW, b"2", b"t")


def test_a_script_that_keeps_redis_busy_passes(redis: RedisServer, store: Store) -> None:
    redis.client.config_set("busy-reply-threshold", 1)
    script = threading.Thread(target=lambda: _run_script(redis))
    script.start()
    killer = redis.client
    _await_busy(killer)
    threading.Timer(0.5, lambda: killer.execute_command("SCRIPT KILL")).start()
    take(store).release()
    script.join()


def test_a_script_that_does_not_end_is_named(redis: RedisServer, store: Store) -> None:
    redis.client.config_set("busy-reply-threshold", 1)
    script = threading.Thread(target=lambda: _run_script(redis))
    script.start()
    killer = redis.client
    _await_busy(killer)
    store.set_timeout(0.3)
    with pytest.raises(StoreError, match=r"BUSY .* is busy running a script"):
        store.lease(NAME, soon(1))
    killer.execute_command("SCRIPT KILL")
    script.join()
    assert redis.client.keys("*lock") == []


def _run_script(redis: RedisServer) -> None:
    from redis.exceptions import ResponseError

    with pytest.raises(ResponseError):
        redis.client.eval("while true do end", 0)


def _await_busy(client: Any) -> None:
    from redis.exceptions import ResponseError

    from tests.support.loopback import await_true

    def busy() -> bool:
        try:
            client.ping()
        except ResponseError as error:
            return "BUSY" in str(error)
        return False

    await_true(busy, "the script did not begin")


def test_redis_has_no_room_for_another_client(redis: RedisServer, store: Store) -> None:
    redis.client.config_set("maxclients", 1)
    store.set_timeout(0.3)
    holding = redis.client
    holding.ping()
    with pytest.raises(StoreError, match="max number of clients reached"):
        store.check(soon(1))


class Cut:
    """A way to Redis that cuts one connection in place of the answer to a command."""

    def __init__(self, *words: bytes) -> None:
        self._words, self.times = words, 1
        self._asked = False

    def on_request(self, data: bytes) -> None:
        if self.times and all(word in data for word in self._words):
            self._asked = True

    def on_reply(self, reply: Reply) -> None:
        if self._asked:
            self._asked, self.times = False, 0
            raise ConnectionResetError  # which ends the connection
        reply.connection.forward(reply.data)


@pytest.mark.parametrize("words", [(b"WATCH",), (b"MGET",), (b"MULTI",)])
def test_a_connection_is_lost_while_keys_are_watched(redis: RedisServer, words: tuple[bytes, ...]) -> None:
    """redis-py raises for it what it raises for a race."""
    write(open_store(redis.url), OLD)
    cut = Cut(*words)
    with Proxy(redis.port, cut.on_reply, cut.on_request) as proxy:
        with take(open_store(f"redis://127.0.0.1:{proxy.port}/0"), address="h:1") as lease:
            assert lease.value("status") == OLD
            lease.commit(Update(b"2", new_time=LATER))
    assert (cut.times, redis.client.keys("*lock")) == (0, [])
    assert redis.client.get(STATUS) == OLD.replace(b"000001", b"000009")


@pytest.mark.parametrize("word", [b"WATCH", b"\r\nGET\r\n", b"DEL"])
def test_a_connection_is_lost_as_a_lease_ends(redis: RedisServer, word: bytes) -> None:
    cut = Cut(word)
    with Proxy(redis.port, cut.on_reply, cut.on_request) as proxy:
        take(open_store(f"redis://127.0.0.1:{proxy.port}/0")).release()
    assert (cut.times, redis.client.keys("*lock")) == (0, [])


def test_a_connection_is_lost_as_a_lock_is_taken_over(redis: RedisServer) -> None:
    redis.client.set(key(NAME, "lock"), "which stays for ever")
    cut = Cut(b"MULTI")
    with Proxy(redis.port, cut.on_reply, cut.on_request) as proxy:
        take(open_store(f"redis://127.0.0.1:{proxy.port}/0")).release()
    assert cut.times == 0


def test_redis_that_closes_each_large_write_has_no_other_run(redis: RedisServer, store: Store) -> None:
    write(store, OLD)
    redis.client.config_set("proto-max-bulk-len", "1mb")
    large = new_snapshot(2, b",".join([RECORDS] * 10_000))
    assert len(large) > 1 << 20
    with store.lease(NAME, soon(2)) or pytest.fail() as lease:
        with pytest.raises(StoreError, match="cannot be reached: ") as caught:
            lease.commit(Update(b"2", snapshot=large))
    assert caught.value.transient
    assert (store.value(NAME, "status"), redis.client.keys("*lock")) == (OLD, [])


def test_a_snapshot_that_changes_all_the_time_has_no_other_run(redis: RedisServer, store: Store) -> None:
    """It is not known to be another run: no lock says so."""
    write(store, OLD)
    races = []

    def race(data: bytes) -> None:
        if b"EXEC" in data:
            races.append(redis.client.set(STATUS, OLD))

    with Proxy(redis.port, on_request=race) as proxy:
        with take(open_store(f"redis://127.0.0.1:{proxy.port}/0")) as lease:
            with pytest.raises(StoreError, match=f"another client keeps changing {STATUS}"):
                lease.commit(Update(b"2", snapshot=NEW))
    assert len(races) > 5
    assert store.value(NAME, "health") == b"1"


def test_a_lock_that_names_no_process_is_not_another_run(redis: RedisServer, store: Store) -> None:
    redis.client.set(key(NAME, "lock"), "something", px=60_000)
    with take(store) as lease:
        redis.client.set(key(NAME, "lock"), "something", px=60_000)
        lease.commit(Update(b"1", snapshot=OLD))
    assert (store.value(NAME, "status"), redis.client.keys("*lock")) == (OLD, [])


def test_another_run_that_has_the_lease_is_named(redis: RedisServer, store: Store) -> None:
    lease = take(store)
    redis.client.set(key(NAME, "lock"), "login01 machine 7 1 x", px=60_000)
    with pytest.raises(LeaseLost, match="PID 7 on login01 has it"):
        lease.commit(Update(b"1", snapshot=OLD))


@pytest.mark.parametrize("update", [Update(b"2", new_time=LATER), Update(b"2", snapshot=NEW), Update(b"2")])
def test_changes_expire_with_the_snapshot(redis: RedisServer, store: Store, update: Update) -> None:
    stream = key(NAME, "changes")
    write(store, OLD)
    redis.client.xadd(stream, {"batch": b""})
    for expire in (100, None, 200):
        with take(store) as lease:
            lease.commit(update._replace(expire=expire))
        life: Any = redis.client.ttl(stream)
        assert life == -1 if expire is None else 0 < expire - life < 50 or life == expire
        assert ttl(redis) == life


NEEDED = re.findall(r"\+(\w+)", " ".join(RUN))


@pytest.mark.parametrize("command", [each for each in NEEDED if each not in ("ping", "select", "unwatch")])
def test_a_probe_finds_a_permission_that_is_missing(redis: RedisServer, command: str) -> None:
    """Of those that are documented; unwatch only spares a connection."""
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", *RUN, *RUN_CHANGES, f"-{command}")
    store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    if command in ("cluster", "asking"):  # of a cluster only
        probe(store, NAME, soon(), changes=True)
    else:
        with pytest.raises(StoreError, match=r"lacks a permission|EXEC without MULTI"):
            probe(store, NAME, soon(), changes=True)
    left: Any = [redis.client.ttl(each) for each in redis.client.keys("*")]
    assert -1 not in left, "what could not be deleted expires"


@pytest.mark.parametrize("denied", ["-xadd", "-xtrim", "-type", "-publish", "resetchannels"])
def test_a_probe_of_changes(redis: RedisServer, denied: str) -> None:
    rights = [*RUN, *RUN_CHANGES, denied]
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", *rights)
    store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    probe(store, NAME, soon(), changes=False)
    with pytest.raises(StoreError, match="lacks a permission"):
        probe(store, NAME, soon(), changes=True)
    assert redis.client.keys("*") == []


def test_a_probe_of_keys_that_are_forbidden(redis: RedisServer) -> None:
    user = ("ACL", "SETUSER", "w", "on", ">p", "~o/r/*", "~{o/r/*", "~{address/*", "&*", "+@all")
    redis.client.execute_command(*user)
    store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    probe(store, NAME, soon(), changes=True)
    with pytest.raises(StoreError, match="lacks a permission"):
        probe(store, "o/other", soon(), changes=True)


def test_what_a_killed_probe_leaves_expires(redis: RedisServer) -> None:
    """It is killed before it deletes anything."""
    lives: list[int] = []

    def on_request(data: bytes) -> None:
        if b"SETRANGE" in data or b"WATCH" in data:
            found: Any = [redis.client.ttl(each) for each in redis.client.keys("*")]
            lives.extend(found)

    with Proxy(redis.port, on_request=on_request) as proxy:
        probe(open_store(f"redis://127.0.0.1:{proxy.port}/0"), NAME, soon(), changes=True)
    assert len(lives) > 10 and all(0 < life <= 60 for life in lives), lives


def test_a_lock_that_never_expires_is_not_a_run_s(redis: RedisServer, store: Store) -> None:
    """A person or another tool wrote it, even if it names a live process: every lock of a run expires."""
    lock, token = key(NAME, "lock"), holder.new_token()
    redis.client.set(lock, token, px=60_000)
    assert store.lease(NAME, soon()) is None
    redis.client.persist(lock)
    with take(store):
        assert redis.client.get(lock) != token
        assert 0 < redis.client.pttl(lock) <= 16_000


@pytest.mark.parametrize("denied", ["-hset", "-hmget", "-hgetall", "-unlink"])
def test_a_probe_of_details(redis: RedisServer, denied: str) -> None:
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", *RUN, *RUN_DETAILS)
    store = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    probe(store, NAME, soon(), changes=False, details=True)
    redis.client.execute_command("ACL", "SETUSER", "w", denied)
    probe(store, NAME, soon(), changes=False)
    with pytest.raises(StoreError, match="lacks a permission"):
        probe(store, NAME, soon(), changes=False, details=True)
    assert redis.client.keys("*") == []
