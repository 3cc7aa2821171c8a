"""Changes in every kind of store: appended with their snapshot, once, and followed without a gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.integration.store.conftest import Kind
from tests.integration.store.test_contract import NAME, take
from tests.support.faulty_server import Proxy, Reply, losing_answers
from tests.support.memory_kind import MemoryKind
from tests.support.permissions import READER, RUN, RUN_CHANGES, documented
from tests.support.redis_server import RedisServer
from watchman_cli import follow_all as follow_all_module
from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch, decode, make_batch
from watchman_cli.errors import NoSnapshot, StoreError
from watchman_cli.follow import Cursor, Resynchronised, follow
from watchman_cli.follow_all import cursors_at_end, follow_all
from watchman_cli.snapshot import StatusRecord
from watchman_cli.store import LeaseLost, Store, Update, open_store
from watchman_cli.store.directory import changes as directory_changes
from watchman_cli.store.redis import stream as redis_stream
from watchman_cli.store.redis.keys import key
from watchman_cli.store.values import MAX_BATCHES

STATUSES = ("queued", "submitted", "active", "complete")
PATHS = ("/", "/s", "/s/t", "/s/u", "/s/v")


@pytest.fixture
def kind(kind: Kind) -> Kind:
    """Return a store that keeps changes; the others have nothing to test here."""
    if not kind.keeps_changes:
        pytest.skip("this store keeps no changes")
    return kind


def new_snapshot(number: int) -> bytes:
    """Return the snapshot after so many changes."""
    status = STATUSES[number % len(STATUSES)]
    found = [StatusRecord(path, status if path == "/s/t" else "queued") for path in PATHS]
    time = f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000000+00:00"
    return snapshot.encode(time, "RUNNING", [snapshot.join_records(found)])


def revision(value: bytes) -> str:
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert head
    return head.revision


def batch_of(old: int | None, new: int) -> Batch:
    before = None if old is None else revision(new_snapshot(old))
    statuses = [STATUSES[number % len(STATUSES)] for number in (old or 0, new)]
    pairs = [(StatusRecord("/s/t", statuses[0]), StatusRecord("/s/t", statuses[1]))]
    time = f"2026-01-01T00:00:{new % 60:02}.000000+00:00"
    states = ("RUNNING", "RUNNING")
    return make_batch(NAME, time, states, (before, revision(new_snapshot(new))), pairs, "the first one")


def update_of(old: int | None, new: int, **more: Any) -> Update:
    return Update(f"h{new}".encode(), snapshot=new_snapshot(new), changes=batch_of(old, new), **more)


def write(store: Store, old: int | None, new: int, **more: Any) -> None:
    with take(store) as lease:
        lease.commit(update_of(old, new, **more))


def batches(store: Store) -> list[Batch]:
    found: list[Batch] = []
    position = ""
    while some := store.changes_after(NAME, position):
        position = some[-1].position
        found += [decode(each.value) for each in some]
    return found


def chain(store: Store) -> list[tuple[str | None, str]]:
    return [(batch.before, batch.after) for batch in batches(store)]


def revisions(*numbers: int | None) -> list[tuple[str | None, str]]:
    """Return the chain through the snapshots of these numbers; None where it is broken before the next."""
    known = [None if number is None else revision(new_snapshot(number)) for number in numbers]
    return [(old, new) for old, new in pairwise(known) if new]


def followed(store: Store) -> Iterator[Batch | Resynchronised | None]:
    return follow(store, NAME, None, pytest.fail)


def test_a_batch_is_appended_with_its_snapshot(store: Store) -> None:
    take(store).release()
    assert (store.changes_end(NAME), batches(store)) == ("", [])
    write(store, None, 0)
    write(store, 0, 1)
    with take(store) as lease:  # nothing changed, and then it failed
        lease.commit(Update(b"3", new_time="2026-01-01T00:10:00.000000+00:00"))
    with take(store) as lease:
        lease.commit(Update(b"4"))
    with take(store) as lease:  # as when the referee corrects what was written
        lease.commit(update_of(1, 2), end=False)
        lease.commit(update_of(2, 3))
    assert chain(store) == revisions(None, 0, 1, 2, 3)
    assert store.value(NAME, "status") == new_snapshot(3)
    assert store.changes_after(NAME, store.changes_end(NAME)) == []


def test_a_batch_that_does_not_fit_becomes_a_reset(kind: Kind, store: Store) -> None:
    """Somebody replaced the snapshot after it was read: what is appended never lies."""
    write(store, None, 0)
    with take(store) as lease:
        kind.put(NAME, "status", new_snapshot(3))
        lease.commit(update_of(0, 1))
    with take(store) as lease:
        kind.delete(NAME, "status")
        lease.commit(update_of(1, 2))
    assert chain(store) == revisions(None, 0, None, 1, None, 2)
    assert batches(store)[-1].reason == "another writer replaced the snapshot in between"


def test_nothing_is_appended_where_the_lease_is_lost(kind: Kind, store: Store) -> None:
    write(store, None, 0)
    with take(store) as lease:
        kind.delete(NAME, "lock")
        with take(kind.open()):
            with pytest.raises(LeaseLost):
                lease.commit(update_of(0, 1))
    assert chain(store) == revisions(None, 0)


def test_following(kind: Kind, store: Store) -> None:
    write(store, None, 0)
    reader = followed(kind.open())
    first = next(reader)
    assert isinstance(first, Resynchronised) and first.snapshot.status("/s/t") == "queued"
    write(store, 0, 1)
    write(store, 1, 2)
    found = [next(reader), next(reader)]
    assert [(each.before, each.after) for each in found if isinstance(each, Batch)] == revisions(0, 1, 2)
    threading.Timer(0.3, lambda: write(store, 2, 3)).start()  # while it is waited for
    last = next(reader)
    assert isinstance(last, Batch) and last.after == revision(new_snapshot(3))


def test_a_snapshot_without_a_batch_is_noticed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older watchman, or one whose configuration has no changes, wrote it."""
    monkeypatch.setattr("watchman_cli.follow.WAIT", 0.05)
    write(store, None, 0)
    reader = followed(store)
    next(reader)
    assert next(reader) is None
    with take(store) as lease:
        lease.commit(Update(b"2", snapshot=new_snapshot(1)))
    found = [each for each in (next(reader), next(reader)) if each]
    assert [type(each) for each in found] == [Resynchronised]
    assert isinstance(found[0], Resynchronised) and "without a batch" in found[0].reason
    assert found[0].snapshot.status("/s/t") == "submitted"
    write(store, 1, 2)
    assert isinstance(next(reader), Batch)


@pytest.mark.parametrize("broken", ["missing", "reset", "damaged"])
def test_a_broken_chain_is_repaired(kind: Kind, store: Store, broken: str) -> None:
    write(store, None, 0)
    reader = followed(kind.open())
    next(reader)
    write(store, 0, 1)
    if broken == "missing":
        kind.put(NAME, "status", new_snapshot(2))
        write(store, 2, 3)
    elif broken == "reset":
        write(store, None, 3)
    else:
        append(kind, b"{")
        write(store, 1, 3)
    found = [next(reader), next(reader)]
    assert [type(each) for each in found] == [Batch, Resynchronised]
    assert isinstance(found[1], Resynchronised) and found[1].snapshot.status("/s/t") == "complete"
    assert found[1].reason.startswith(("a batch is missing", "the first one", "a batch is not valid"))
    write(store, 3, 4)
    assert isinstance(next(reader), Batch)


def append(kind: Kind, value: bytes) -> None:
    """Append what is no batch."""
    if isinstance(kind, MemoryKind):
        kind.memory.append(NAME, value)
    elif kind.client is not None:
        kind.client.xadd(key(NAME, "changes"), {"batch": value})
    else:
        with (changes_folder(kind) / directory_changes.FILE).open("ab") as file:
            file.write(value + b"\n")


def changes_folder(kind: Kind) -> Path:
    return Path(urlsplit(kind.url).path, NAME)


def test_what_came_between_the_look_at_the_end_and_the_snapshot(
    kind: Kind, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the snapshot already, and is not reported a second time."""
    write(store, None, 0)
    late = kind.open()
    end = late.changes_end(NAME)
    write(store, 0, 1)
    write(store, 1, 2)
    monkeypatch.setattr(late, "changes_end", lambda name: end)
    reader = followed(late)
    first = next(reader)
    assert isinstance(first, Resynchronised) and first.snapshot.status("/s/t") == "active"
    write(store, 2, 3)
    found = next(reader)
    assert isinstance(found, Batch) and (found.before, found.after) == revisions(2, 3)[0]


def test_the_store_is_away_for_a_while(kind: Kind, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchman_cli.follow.PAUSE", 0.01)
    with pytest.raises((NoSnapshot, StoreError)):  # of a directory that is not there either
        next(followed(store))
    write(store, None, 0)
    opened = kind.open()
    problems: list[str] = []
    reader = follow(opened, NAME, None, problems.append)
    next(reader)
    answers = iter([StoreError("away"), StoreError("away")])
    original = opened.changes_after

    def fails(name: str, position: str, wait: float = 0) -> Any:
        for error in answers:
            raise error
        return original(name, position, wait)

    monkeypatch.setattr(opened, "changes_after", fails)
    write(store, 0, 1)
    assert isinstance(next(reader), Batch)
    assert problems == ["away", "away"]


def test_a_store_that_keeps_none_says_so(store: Store) -> None:
    """One of somebody's own, which need not have these methods."""
    for ask in (lambda: Store.changes_after(store, NAME, ""), lambda: Store.changes_end(store, NAME)):
        with pytest.raises(StoreError, match="keeps no changes"):
            ask()


# ------------------------------------------------------------------------------------- Redis


def test_several_servers_are_followed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has no stream is passed over until it has one; nothing is lost or repeated."""
    monkeypatch.setattr(follow_all_module, "WAIT", 0.2)

    def write_of(name: str, old: int | None, new: int) -> None:
        with take(store, name) as lease:
            batch = replace(batch_of(old, new), source=name)
            lease.commit(Update(b"h", snapshot=new_snapshot(new), changes=batch))

    names = (NAME, "o/other", "o/none")
    for name in names[:2]:
        write_of(name, None, 0)
    cursors = {
        name: found for name, found in cursors_at_end(store, names).items() if isinstance(found, Cursor)
    }
    assert [bool(cursors[name].position) for name in names] == [True, True, False]
    rounds = follow_all(store, cursors)

    def next_items(count: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        while len(found) < count:
            for each in next(rounds):
                assert each.error is None
                found += [(each.server, type(item).__name__) for item in each.items]
        return sorted(found)

    write_of(NAME, 0, 1)
    write_of("o/other", 0, 1)
    write_of("o/other", 1, 2)
    assert next_items(3) == [("o/other", "Batch"), ("o/other", "Batch"), (NAME, "Batch")]
    write_of("o/none", None, 0)
    write_of(NAME, 1, 2)
    assert next_items(2) == [("o/none", "Gap"), (NAME, "Batch")]
    write_of("o/none", 0, 1)
    assert next_items(1) == [("o/none", "Batch")]


@pytest.fixture
def in_redis(redis: RedisServer) -> Iterator[Store]:
    opened = open_store(redis.url)
    yield opened
    opened.close()


@pytest.mark.parametrize("end", [True, False])
def test_a_batch_is_not_doubled_where_the_answer_is_lost(
    redis: RedisServer, in_redis: Store, end: bool
) -> None:
    armed = threading.Event()
    write(in_redis, None, 0)
    with Proxy(redis.port, losing_answers(armed)) as proxy:
        through = open_store(f"redis://127.0.0.1:{proxy.port}/0")
        with take(through) as lease:
            armed.set()
            lease.commit(update_of(0, 1), end=end)
            assert not armed.is_set()
    assert chain(in_redis) == revisions(None, 0, 1)
    assert in_redis.value(NAME, "status") == new_snapshot(1)


def test_another_writer_in_the_middle_of_a_commit(
    redis: RedisServer, in_redis: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the look at the revision and before the transaction, which is then begun again."""
    write(in_redis, None, 0)
    others = iter([3])
    original = redis_stream.append

    def interrupted(*arguments: Any, **more: Any) -> None:
        for number in others:
            redis.client.set(key(NAME, "status"), new_snapshot(number))
        original(*arguments, **more)

    monkeypatch.setattr(redis_stream, "append", interrupted)
    write(in_redis, 0, 1)
    assert chain(in_redis) == revisions(None, 0, None, 1)


def test_ten_thousand_changes_are_small_and_one_transaction(redis: RedisServer, in_redis: Store) -> None:
    paths = [
        f"/nwpc_op/grapes_meso_{n % 24:02}/products_{n % 700:03}/post_{n * 7919 % 9973:04}/plot_task_{n:05}"
        for n in range(10_000)
    ]
    assert 55 < len(paths[0]) < 70
    since = [f"2026-11-24T{n % 24:02}:{n * 13 % 60:02}:{n * 17 % 60:02}+00:00" for n in range(10_000)]
    pairs = [
        (StatusRecord(path, STATUSES[n % 4]), StatusRecord(path, "active", since[n], ("late",)))
        for n, path in enumerate(paths)
    ]
    revisions = revision(new_snapshot(0)), revision(new_snapshot(1))
    batch = make_batch(NAME, "2026-11-24T00:00:00+00:00", ("RUNNING", "RUNNING"), revisions, pairs)
    write(in_redis, None, 0)
    before: Any = redis.client.info("commandstats")
    with take(in_redis) as lease:
        lease.commit(Update(b"1", snapshot=new_snapshot(1), changes=batch))
    after: Any = redis.client.info("commandstats")
    assert after["cmdstat_exec"]["calls"] == before["cmdstat_exec"]["calls"] + 1
    newest: Any = redis.client.xrevrange(key(NAME, "changes"), count=1)
    size = sum(len(value) for value in newest[0][1].values())
    assert size < 1_000_000
    assert len(batches(in_redis)[-1].changes) == 10_000
    assert batches(in_redis)[-1].changes[7][1] == pairs[7][1]


def test_it_is_trimmed_by_length_and_by_age(redis: RedisServer, in_redis: Store) -> None:
    stream = key(NAME, "changes")
    old = int((time.time() - redis_stream.MAX_AGE - 60) * 1000)
    redis.client.xadd(stream, {"batch": batch_of(None, 0).encode()}, id=f"{old}-0")
    write(in_redis, None, 0)
    assert redis.client.xlen(stream) == 1
    with redis.client.pipeline() as pipe:
        for _ in range(MAX_BATCHES + 10):
            pipe.xadd(stream, {"batch": b"x"})
        pipe.execute()
    write(in_redis, 0, 1)
    assert redis.client.xlen(stream) == MAX_BATCHES


@pytest.mark.parametrize("runs", [1, 2])
def test_a_run_with_its_clock_ahead_drops_nothing(
    redis: RedisServer, in_redis: Store, monkeypatch: pytest.MonkeyPatch, runs: int
) -> None:
    for old, new in ((None, 0), (0, 1), (1, 2)):
        write(in_redis, old, new)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * redis_stream.MAX_AGE)
    for new in range(3, 3 + runs):
        write(in_redis, new - 1, new)
    assert redis.client.xlen(key(NAME, "changes")) == 3 + runs


def test_the_slowest_clock_says_what_is_too_old() -> None:
    head = snapshot.parse_head(new_snapshot(0)[: snapshot.HEAD_SIZE])
    assert head
    then = datetime.fromisoformat(head.collected_time).timestamp()
    day = redis_stream.MAX_AGE
    for host, redis_clock in ((then + 9 * day, then + 5 * day), (then + day, then + day)):
        appended = f"{int(redis_clock * 1000)}-7".encode()
        assert redis_stream.oldest_kept(host, appended, head) == (then - day) * 1000
        slower = min(host, redis_clock)
        assert redis_stream.oldest_kept(host, appended, None) == (slower - day) * 1000


def test_a_miss_behind_a_reset_comes_once(kind: Kind, store: Store) -> None:
    """A consumer was away: a reset, and then batches with misses, are passed over for the snapshot."""
    write(store, None, 0)
    consumer = followed(store)
    assert isinstance(next(consumer), Resynchronised)
    write(store, 5, 1)  # another writer was in between
    for number, missed in ((2, ("a",)), (3, ()), (4, ("b", "c"))):
        batch = replace(batch_of(number - 1, number), missed=missed)
        with take(store) as lease:
            lease.commit(Update(f"h{number}".encode(), snapshot=new_snapshot(number), changes=batch))
    events = [next(consumer) for _ in range(3)]
    assert [each.missed for each in events if isinstance(each, Batch)] == [("a",), ("b", "c")]
    last = events[-1]
    assert isinstance(last, Resynchronised) and last.snapshot.status("/s/t") == STATUSES[0]
    write(store, 4, 5)
    following = next(consumer)
    assert isinstance(following, Batch) and (following.after, following.missed) == (
        revision(new_snapshot(5)),
        (),
    )


def test_a_reader_that_was_away_for_too_long_reads_the_snapshot(redis: RedisServer, in_redis: Store) -> None:
    write(in_redis, None, 0)
    reader = followed(in_redis)
    next(reader)
    write(in_redis, 0, 1)
    write(in_redis, 1, 2)
    redis.client.xtrim(key(NAME, "changes"), maxlen=1, approximate=False)
    found = next(reader)
    assert isinstance(found, Resynchronised) and found.snapshot.status("/s/t") == "active"


def test_what_was_dropped_is_missed_though_the_revisions_fit(redis: RedisServer, in_redis: Store) -> None:
    """The records came back to what they were, in batches that the reader has not seen."""
    write(in_redis, None, 0)
    reader = followed(in_redis)
    next(reader)
    for old, new in pairwise((0, 1, 2, 3, 4, 5)):
        write(in_redis, old, new)
    assert revision(new_snapshot(4)) == revision(new_snapshot(0))
    redis.client.xtrim(key(NAME, "changes"), maxlen=1, approximate=False)
    found = next(reader)
    assert isinstance(found, Resynchronised) and "dropped" in found.reason


def test_it_expires_with_the_snapshot(redis: RedisServer, in_redis: Store) -> None:
    keys = key(NAME, "status"), key(NAME, "changes")
    write(in_redis, None, 0, expire=100)
    assert [redis.client.ttl(each) for each in keys] == [100, 100]
    redis.client.expire(keys[1], 5)
    with take(in_redis) as lease:
        lease.commit(Update(b"1", new_time="2026-01-01T00:10:00.000000+00:00", expire=100))
    assert [redis.client.ttl(each) for each in keys] == [100, 100]
    write(in_redis, 0, 1)
    assert [redis.client.ttl(each) for each in keys] == [-1, -1]


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_published(redis: RedisServer, in_redis: Store, whole: bool) -> None:
    write(in_redis, None, 0)
    subscriber = redis.client.pubsub(ignore_subscribe_messages=True)
    subscriber.subscribe("o/r/status/channel")
    subscriber.get_message(timeout=5)
    write(in_redis, 0, 1, publish_snapshot=whole)
    (message,) = [each for each in (subscriber.get_message(timeout=5),) if each]
    if whole:
        assert message["data"] == new_snapshot(1)
    else:
        notice = orjson.loads(message["data"])
        assert (notice["source"], notice["data"]["count"]) == (NAME, 1)
        assert notice["data"]["after"] == revision(new_snapshot(1))
    subscriber.close()


def test_something_else_in_its_place_is_replaced(redis: RedisServer, in_redis: Store) -> None:
    redis.client.set(key(NAME, "changes"), b"a string")
    write(in_redis, None, 0)
    assert chain(in_redis) == revisions(None, 0)


@pytest.mark.parametrize("denied", ["-xadd", "-xtrim", "-publish", "resetchannels"])
def test_a_permission_that_is_missing_is_named(redis: RedisServer, in_redis: Store, denied: str) -> None:
    """And nothing is written by halves."""
    write(in_redis, None, 0)
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", "~*", "&*", "+@all", denied)
    limited = open_store(f"redis://w:p@127.0.0.1:{redis.port}/0")
    named = "channel" if denied == "resetchannels" else denied[1:]
    with pytest.raises(StoreError, match=f"lacks a permission.*{named}"):
        write(limited, 0, 1)
    assert chain(in_redis) == revisions(None, 0)
    assert in_redis.value(NAME, "status") == new_snapshot(0)


class OldRedis:
    """What Redis 6.0 answers to XTRIM with MINID, in place of a newer one's answer."""

    def __init__(self) -> None:
        self.asked = False

    def on_request(self, data: bytes) -> None:
        self.asked = b"XTRIM" in data and b"MINID" in data

    def on_reply(self, reply: Reply) -> None:
        reply.connection.forward(b"-ERR syntax error\r\n" if self.asked else reply.data)


def test_a_redis_that_is_too_old_is_named(redis: RedisServer, in_redis: Store) -> None:
    """And nothing is written by halves."""
    write(in_redis, None, 0)
    old = OldRedis()
    with Proxy(redis.port, old.on_reply, old.on_request) as proxy:
        store = open_store(f"redis://{proxy.host}:{proxy.port}/0")
        with pytest.raises(StoreError, match=r"older than Redis 6\.2, which `changes: true` needs"):
            write(store, 0, 1)
    assert chain(in_redis) == revisions(None, 0)
    assert in_redis.value(NAME, "status") == new_snapshot(0)


def test_the_documented_permissions_are_enough(redis: RedisServer, in_redis: Store) -> None:
    reader = [*READER, *documented(r"`(~\*/changes .*?)` for a reader", "changes.md")]
    for user, rights in (("watchman", [*RUN, *RUN_CHANGES]), ("dashboard", reader)):
        redis.client.execute_command("ACL", "SETUSER", user, "on", ">secret", *rights)
    stores = [
        open_store(f"redis://{user}:secret@127.0.0.1:{redis.port}/0") for user in ("watchman", "dashboard")
    ]
    write(stores[0], None, 0)
    reader_ = followed(stores[1])
    next(reader_)
    write(stores[0], 0, 1, expire=100)
    assert isinstance(next(reader_), Batch)
    redis.client.delete(key(NAME, "changes"))
    redis.client.set(key(NAME, "changes"), b"a string")
    write(stores[0], 1, 2)
    assert chain(in_redis) == revisions(1, 2)
    for each in stores:
        each.close()


# -------------------------------------------------------------------------------- a directory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def in_directory(folder: Path) -> Store:
    return open_store(f"file://{folder}")


def test_a_directory_is_waited_for_no_longer_than_asked(in_directory: Store) -> None:
    """Less than the pause between two looks, too."""
    waits: list[float | None] = []

    class Noted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return super().wait(timeout)

    in_directory.stopped = Noted()
    write(in_directory, None, 0)
    waits.clear()
    assert in_directory.changes_after(NAME, in_directory.changes_end(NAME), 0.01) == []
    assert waits and all(wait is not None and wait <= 0.01 for wait in waits), waits


def test_a_torn_line_stays_a_line_by_itself(folder: Path, in_directory: Store) -> None:
    """A run was killed while it wrote."""
    file = folder / NAME / directory_changes.FILE
    write(in_directory, None, 0)
    reader = followed(in_directory)
    next(reader)
    with file.open("ab") as torn:
        torn.write(batch_of(0, 1).encode()[:50])
    assert [decode(each.value).after for each in in_directory.changes_after(NAME, "")] == [
        revision(new_snapshot(0))
    ]
    fresh = followed(in_directory)
    assert isinstance(next(fresh), Resynchronised)
    write(in_directory, 0, 2)
    for each in (reader, fresh):
        assert isinstance(next(each), Resynchronised)
    write(in_directory, 2, 3)
    for each in (reader, fresh):
        found = next(each)
        assert isinstance(found, Batch) and (found.before, found.after) == revisions(2, 3)[0]
    lines = file.read_bytes().splitlines()
    assert [line[-1:] == b"}" for line in lines] == [True, False, True, True]


def test_a_run_is_killed_between_the_snapshot_and_the_batch(
    in_directory: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(in_directory, None, 0)
    reader = followed(in_directory)
    next(reader)

    def killed(folder: int, batch: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(directory_changes, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            write(in_directory, 0, 1)
    write(in_directory, 1, 2)
    found = next(reader)
    assert isinstance(found, Resynchronised) and found.snapshot.status("/s/t") == "active"


def test_a_full_file_is_rotated_and_followed(
    folder: Path, in_directory: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_changes, "MAX_SIZE", 1500)
    write(in_directory, None, 0)
    reader = followed(in_directory)
    next(reader)
    for number in range(12):
        write(in_directory, number, number + 1)
        found = next(reader)
        assert isinstance(found, Batch) and found.after == revision(new_snapshot(number + 1))
    sizes = [(folder / NAME / each).stat().st_size for each in ("changes.jsonl", "changes.jsonl.1")]
    assert all(0 < size < 2500 for size in sizes)
    whole = chain(in_directory)
    assert whole == revisions(*range(13))[-len(whole) :] and len(whole) < 12


def test_what_was_rotated_away_is_missed(
    folder: Path, in_directory: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_changes, "MAX_SIZE", 1)
    write(in_directory, None, 0)
    reader = followed(in_directory)
    next(reader)
    for old, new in pairwise((0, 1, 2, 3)):
        write(in_directory, old, new)
    found = next(reader)
    assert isinstance(found, Resynchronised) and found.snapshot.status("/s/t") == "complete"


def test_a_link_in_its_place_is_not_followed(folder: Path, in_directory: Store, tmp_path: Path) -> None:
    write(in_directory, None, 0)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    file = folder / NAME / directory_changes.FILE
    file.unlink()
    file.symlink_to(victim)
    with pytest.raises(StoreError):
        write(in_directory, 0, 1)
    with pytest.raises(StoreError):
        in_directory.changes_after(NAME, "")
    assert victim.read_bytes() == b"precious"
