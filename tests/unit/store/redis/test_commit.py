"""A commit in Redis: what it reads under the watch, and its one transaction."""

from __future__ import annotations

import pytest

from tests.unit.store.redis.fake_redis import FakeRedis
from tests.unit.store.redis.leased import (
    ADDRESS,
    BATCH,
    KEYS,
    NAME,
    NEW,
    OLD,
    TIMES,
    batches,
    lease_of,
    revision,
)
from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch
from watchman_cli.details.stored import DetailsUpdate
from watchman_cli.store import LeaseLost, SnapshotChanged, Update, holder
from watchman_cli.store.redis.lock import NO_EXPIRY
from watchman_cli.store.redis.store import RedisStore


def test_reading_is_written_in_one_round_trip(stored: FakeRedis, store: RedisStore) -> None:
    """No question about lives that are set anyway, and no release of a lock that is gone."""
    with lease_of(store, ADDRESS) as lease:
        before = len(stored.names())
        lease.commit(Update(b"h2", snapshot=NEW, sync=b"s2"))
    assert stored.names()[before:] == ["MULTI", "SET", "SET", "SET", "DEL", "EXEC"]


def test_another_run_that_has_the_lock_now_is_named(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        token = holder.new_token()
        stored.put(KEYS.lock, token, 5000)
        before = len(stored.names())
        with pytest.raises(LeaseLost, match=f"^{holder.describe(token)} has it$"):
            lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH))
        assert "GETRANGE" not in stored.names()[before:]  # whatever the snapshot is
    assert (stored.values[KEYS.status], stored.values[KEYS.lock]) == (OLD, token)


@pytest.mark.parametrize("marked", [True, False])
def test_changes_need_only_the_head_of_the_snapshot(
    stored: FakeRedis, store: RedisStore, marked: bool
) -> None:
    with lease_of(store) as lease:
        if marked:
            lease.commit(Update(b"h2"), end=False)
        before = len(stored.sent)
        lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH))
    read = [words for words in stored.sent[before:] if words[0] == b"GETRANGE"]
    head = [b"GETRANGE", KEYS.status.encode(), b"0", b"%d" % (snapshot.HEAD_SIZE - 1)]
    assert read == ([head] if marked else [])  # the lease has read it, and watches it
    assert batches(stored) == [b"batch"]


def test_changes_replace_a_key_of_another_type(stored: FakeRedis, store: RedisStore) -> None:
    stored.put(KEYS.changes, b"of another tool")
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH))
    assert batches(stored) == [b"batch"]


@pytest.mark.parametrize("life", [NO_EXPIRY, 5000])
@pytest.mark.parametrize(
    "update", [Update(b"h2", snapshot=NEW), Update(b"h2", new_time=TIMES[2]), Update(b"h2")]
)
def test_without_expire_the_snapshot_stays(
    stored: FakeRedis, store: RedisStore, update: Update, life: int
) -> None:
    stored.lives[KEYS.status] = life
    with lease_of(store) as lease:
        lease.commit(update)
    assert stored.life_of(KEYS.status) == -1


@pytest.mark.parametrize(
    "update", [Update(b"h2", snapshot=NEW, expire=60), Update(b"h2", new_time=TIMES[2], expire=60)]
)
def test_with_expire_each_reading_begins_it_again(
    stored: FakeRedis, store: RedisStore, update: Update
) -> None:
    stored.lives[KEYS.status] = 5000
    with lease_of(store) as lease:
        lease.commit(update)
    assert stored.life_of(KEYS.status) == 60_000 and stored.life_of(KEYS.health) == -1


@pytest.mark.parametrize(("life", "wanted"), [(5000, 5000), (NO_EXPIRY, 60_000)])
def test_a_failed_run_does_not_prolong_it(
    stored: FakeRedis, store: RedisStore, life: int, wanted: int
) -> None:
    stored.lives[KEYS.status] = life
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", expire=60))
    assert stored.life_of(KEYS.status) == wanted


@pytest.mark.parametrize(("expire", "life"), [(60, 60_000), (None, -1)])
def test_changes_expire_with_the_snapshot(
    stored: FakeRedis, store: RedisStore, expire: int | None, life: int
) -> None:
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH, expire=expire))
    assert stored.life_of(KEYS.changes) == life
    stored.lives[KEYS.changes] = 7
    with lease_of(store) as lease:
        lease.commit(Update(b"h3", new_time=TIMES[3], expire=expire))
    assert stored.life_of(KEYS.changes) == life


def test_a_batch_that_does_not_follow_becomes_a_reset(stored: FakeRedis, store: RedisStore) -> None:
    other = Batch(NAME, TIMES[2], "0" * 32, revision(2, "active"), "RUNNING")
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", snapshot=NEW, changes=other))
    ((name, event),) = stored.published
    assert name == KEYS.channel and b"watchman.reset" in event


def test_changes_after_a_commit_that_keeps_the_lease(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH), end=False)
        lease.commit(Update(b"h3", new_time=TIMES[3], expire=60))
    assert stored.life_of(KEYS.changes) == 60_000


def test_changed_details_are_added_only_to_their_own(stored: FakeRedis, store: RedisStore) -> None:
    stored.values[KEYS.details] = {b"revision": b"r t"}
    changed = DetailsUpdate("r2 t2", None, {}, "another")
    with lease_of(store) as lease, pytest.raises(SnapshotChanged):
        lease.commit(Update(b"h2", snapshot=NEW, details=changed))
    assert stored.values[KEYS.health] == b"h1"


@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize("update", [Update(b"h2", snapshot=NEW), Update(b"h2", new_time=TIMES[2])])
def test_changed_details_are_added(stored: FakeRedis, store: RedisStore, update: Update, read: bool) -> None:
    stored.values[KEYS.details] = {b"revision": b"r t", b"/": b"x"}
    changed = DetailsUpdate("r2 t2", None, {"/s": b"{}"}, "r t")
    with lease_of(store) as lease:
        lease.value("status")
        if read:
            assert lease.details((), ["/s"]).stamp == "r t"
        before = len(stored.names())
        lease.commit(update._replace(details=changed))
    assert stored.values[KEYS.details] == {b"revision": b"r2 t2", b"/": b"x"}
    assert stored.values[KEYS.changed_details] == {b"revision": b"r2 t2", b"/s": b"{}"}
    assert stored.names()[before] == ("MULTI" if read else "WATCH")  # or they are read again


def test_details_are_deleted(stored: FakeRedis, store: RedisStore) -> None:
    stored.put(KEYS.details, {b"revision": b"r t"})
    stored.put(KEYS.changed_details, {b"revision": b"r t"})
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", details="delete"))
    assert KEYS.details not in stored.values and KEYS.changed_details not in stored.values
