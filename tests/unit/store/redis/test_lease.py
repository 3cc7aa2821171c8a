"""A lease in Redis: what it reads, what it writes in one transaction, and answers that are lost."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.unit.store.redis.fake_redis import FakeRedis, Lost, once
from tests.unit.store.redis.leased import (
    ADDRESS,
    ADDRESS_KEY,
    BATCH,
    KEYS,
    NAME,
    NEW,
    OLD,
    TIMES,
    batches,
    lease_of,
    revision,
    value,
)
from watchman_cli import snapshot
from watchman_cli.details.stored import DetailsUpdate, StoredDetails
from watchman_cli.errors import StoreError
from watchman_cli.store import LeaseLost, SnapshotChanged, StoredState, Update, holder
from watchman_cli.store.redis import lease as redis_lease
from watchman_cli.store.redis.lock import MAX_RACES
from watchman_cli.store.redis.store import RedisStore
from watchman_cli.store.values import MAX_VALUE

# -------------------------------------------------------------------------------- its beginning


def test_what_is_stored_is_read_with_the_lock(stored: FakeRedis, store: RedisStore) -> None:
    lease = lease_of(store, ADDRESS)
    assert lease.stored == StoredState.from_values(OLD, b"h1", b"s1") and lease.warnings == []
    reads = ["GETRANGE", "STRLEN", "GETRANGE", "GETRANGE", "STRLEN"]
    assert stored.names() == ["SET", "SET", "WATCH", *reads, "MGET"]
    assert {KEYS.lock, ADDRESS_KEY} <= set(stored.values)


def test_a_new_server(redis: FakeRedis, store: RedisStore) -> None:
    assert lease_of(store).stored == StoredState.from_values(b"", b"", b"")


@pytest.mark.parametrize("field", ["health", "sync"])
def test_a_value_that_is_too_large_counts_as_missing(
    stored: FakeRedis, store: RedisStore, field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MAX_VALUE, field, 2)
    assert getattr(lease_of(store).stored, field) == stored.values[KEYS.of(field)]
    stored.values.pop(KEYS.lock)
    stored.put(KEYS.of(field), b"xxx")
    lease = lease_of(store)
    assert getattr(lease.stored, field) == b"" and lease.value(field) is None


def test_values_of_another_type_count_as_missing(stored: FakeRedis, store: RedisStore) -> None:
    for key in (KEYS.status, KEYS.health, KEYS.sync):
        stored.put(key, {b"a": b"b"})
    with lease_of(store) as lease:
        assert lease.stored == StoredState.from_values(b"", b"", b"")
        assert [lease.value(field) for field in MAX_VALUE] == [None, None, None]
        lease.commit(Update(b"h2", snapshot=NEW, sync=b"s2"))
    assert stored.values == {KEYS.status: NEW, KEYS.health: b"h2", KEYS.sync: b"s2"}


def test_another_run_has_the_server(stored: FakeRedis, store: RedisStore) -> None:
    stored.put(KEYS.lock, holder.new_token(), 5000)
    assert store.lease(NAME, time.monotonic() + 60, ADDRESS) is None
    assert ADDRESS_KEY not in stored.values


def test_another_run_has_the_address(stored: FakeRedis, store: RedisStore) -> None:
    token = holder.new_token()
    stored.put(ADDRESS_KEY, token, 5000)
    stored.after["PTTL"] = lambda words: store.stopped.set()
    assert store.lease(NAME, time.monotonic() + 60, ADDRESS) is None
    assert KEYS.lock not in stored.values and stored.values[ADDRESS_KEY] == token


def test_an_address_that_is_released_meanwhile_is_taken(stored: FakeRedis, store: RedisStore) -> None:
    stored.put(ADDRESS_KEY, holder.new_token(), 5000)
    stored.after["PTTL"] = lambda words: stored._del(ADDRESS_KEY) and None
    with lease_of(store, ADDRESS):
        assert {KEYS.lock, ADDRESS_KEY} <= set(stored.values)
        assert stored.names().count("PTTL") == 1
    assert not {KEYS.lock, ADDRESS_KEY} & set(stored.values)


def test_a_lease_that_fails_at_its_beginning_leaves_no_lock(stored: FakeRedis, store: RedisStore) -> None:
    stored.before["STRLEN"] = lambda words: Exception("NOPERM no")
    with pytest.raises(StoreError, match="lacks a permission"):
        lease_of(store, ADDRESS)
    assert not {KEYS.lock, ADDRESS_KEY} & set(stored.values)


# -------------------------------------------------------------------------------- a commit


@pytest.mark.parametrize("address", [None, ADDRESS])
def test_a_commit_ends_the_lease(stored: FakeRedis, store: RedisStore, address: str | None) -> None:
    with lease_of(store, address) as lease:
        lease.commit(Update(b"h2", snapshot=NEW, sync=b""))
        assert stored.values == {KEYS.status: NEW, KEYS.health: b"h2"}
        sent = len(stored.sent)
    assert len(stored.sent) == sent and lease.warnings == []


def test_both_locks_are_released_with_the_commit(stored: FakeRedis, store: RedisStore) -> None:
    lease = lease_of(store, ADDRESS)
    lease.commit(Update(b"h2"))
    assert [words[1:] for words in stored.sent if words[0] == b"DEL"] == [
        [KEYS.lock.encode(), ADDRESS_KEY.encode()]
    ]


def test_a_commit_may_keep_the_lease(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store, ADDRESS) as lease:
        lease.commit(Update(b"h2", snapshot=NEW), end=False)
        assert {KEYS.lock, ADDRESS_KEY} <= set(stored.values)
        assert lease.stored == StoredState.from_values(NEW, b"h2", b"s1")
        lease.commit(Update(b"h3", new_time=TIMES[3]))
    assert stored.values == {KEYS.status: value(3, "active"), KEYS.health: b"h3", KEYS.sync: b"s1"}


@pytest.mark.parametrize("read", [True, False])
def test_a_new_time_is_set_in_the_leased_snapshot(stored: FakeRedis, store: RedisStore, read: bool) -> None:
    with lease_of(store) as lease:
        if read:
            assert lease.value("status") == OLD
        lease.commit(Update(b"h2", new_time=TIMES[2]))
    assert stored.values[KEYS.status] == value(2)


@pytest.mark.parametrize("read", [True, False])
def test_a_new_time_is_not_set_in_another_snapshot(stored: FakeRedis, store: RedisStore, read: bool) -> None:
    with lease_of(store) as lease:
        if read:
            assert lease.value("status") == OLD
        stored.put(KEYS.status, NEW)
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(b"h2", new_time=TIMES[2]))
        assert (stored.values[KEYS.status], stored.values[KEYS.health]) == (NEW, b"h1")
        assert KEYS.lock in stored.values


@pytest.fixture
def large(stored: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> FakeRedis:
    """A stored snapshot that does not come with the lease."""
    monkeypatch.setattr(redis_lease, "SMALL", len(OLD) - 1)
    return stored


def test_proof_keeps_no_snapshot(large: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        sent = len(large.sent)
        assert lease.prove(revision(1)) == snapshot.parse_head(OLD[: snapshot.HEAD_SIZE])
        lease.commit(Update(b"h2", new_time=TIMES[2]))
        reads = [words[1:] for words in large.sent[sent:] if words[0] == b"GETRANGE"]
        assert reads == [[KEYS.status.encode(), b"0", b"%d" % len(OLD)]]
    assert large.values[KEYS.status] == value(2)


def test_snapshot_is_still_read_after_its_proof(large: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        lease.prove(revision(1))
        assert lease.value("status") == OLD
        lease.commit(Update(b"h2", new_time=TIMES[2]), end=False)
        lease.commit(Update(b"h3", new_time=TIMES[3]))
    assert large.values[KEYS.status] == value(3)


def test_proof_of_a_small_snapshot_asks_nothing(
    stored: FakeRedis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_lease, "SMALL", len(OLD))
    with lease_of(store) as lease:
        sent = len(stored.sent)
        assert lease.prove(revision(1)).collected_time == TIMES[1] and len(stored.sent) == sent


@pytest.mark.parametrize("size", ["small", "large"])
def test_snapshot_that_is_not_proved(
    stored: FakeRedis, store: RedisStore, size: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if size == "large":
        monkeypatch.setattr(redis_lease, "SMALL", len(OLD) - 1)
    with lease_of(store) as lease:
        with pytest.raises(snapshot.NotWhole):
            lease.prove(revision(2, "active"))
        lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.values[KEYS.status] == NEW


def test_snapshot_that_is_changed_after_its_proof_keeps_its_time(large: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        lease.prove(revision(1))
        large.put(KEYS.status, NEW)
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(b"h2", new_time=TIMES[2]))
    assert (large.values[KEYS.status], large.values[KEYS.health]) == (NEW, b"h1")


def test_snapshot_that_was_replaced_before_the_proof_is_not_the_leased_one(
    large: FakeRedis, store: RedisStore
) -> None:
    with lease_of(store) as lease:
        large.put(KEYS.status, value(2))  # of the same revision
        lease.prove(revision(1))
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(b"h2", new_time=TIMES[3]))
    assert large.values[KEYS.status] == value(2)


def test_connection_that_is_lost_in_a_proof(large: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        large.before["GETRANGE"] = once(Lost())
        assert lease.prove(revision(1)).revision == revision(1)
        lease.commit(Update(b"h2", new_time=TIMES[2]))
    assert large.values[KEYS.status] == value(2)


@pytest.mark.parametrize("lock", [None, b"not a token"])
def test_a_lost_lock_is_reported_and_the_run_still_writes(
    stored: FakeRedis, store: RedisStore, lock: bytes | None
) -> None:
    with lease_of(store) as lease:
        stored._del(KEYS.lock)
        if lock:
            stored.put(KEYS.lock, lock)
        lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.values[KEYS.status] == NEW
    lost = "lost the lock of this run: it was restarted, emptied or failed over during the run"
    assert lease.warnings == [f"store {store.url}: {lost}"]


def test_a_lost_snapshot_is_reported(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        for each in list(stored.values):
            stored._del(each)
        lease.commit(Update(b"h2", snapshot=NEW))
    (warning,) = lease.warnings
    assert f"lost the snapshot of {TIMES[1]}: it was restarted" in warning


def test_a_lock_that_expired_is_not_reported(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        stored._del(KEYS.lock)
        lease._lock.expires = time.monotonic()  # type: ignore[attr-defined]
        lease.commit(Update(b"h2", snapshot=NEW))
    assert lease.warnings == []


def test_a_later_snapshot_of_another_run_stays(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        stored._del(KEYS.lock)
        stored.put(KEYS.status, value(3))
        with pytest.raises(LeaseLost, match="later snapshot"):
            lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.values[KEYS.status] == value(3)


def test_lost_lock_lets_a_later_health_record_stay(stored: FakeRedis, store: RedisStore) -> None:
    earlier, later = (b'{"checked_time":"%s"}' % TIMES[number].encode() for number in (1, 3))
    stored.put(KEYS.health, earlier)
    with lease_of(store) as lease:
        stored._del(KEYS.lock)
        stored.put(KEYS.health, later)
        with pytest.raises(LeaseLost, match="its result"):
            lease.commit(Update(b"h2"))
    assert stored.values[KEYS.health] == later


@pytest.mark.parametrize("field", ["health", "sync", "status"])
def test_value_is_read_whole(stored: FakeRedis, store: RedisStore, field: Any) -> None:
    with lease_of(store) as lease:
        assert lease.value(field) == stored.values[KEYS.of(field)]


@pytest.mark.parametrize(("small", "read"), [(len(OLD), []), (len(OLD) - 1, ["GETRANGE"])])
def test_small_snapshot_is_read_with_the_lease(
    stored: FakeRedis, store: RedisStore, small: int, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_lease, "SMALL", small)
    with lease_of(store) as lease:
        before = len(stored.names())
        assert [lease.value("status"), lease.value("status")] == [OLD, OLD]
        assert lease.stored == StoredState.from_values(OLD, b"h1", b"s1")
        lease.commit(Update(b"h2", new_time=TIMES[2]))
    assert stored.names()[before:] == [*read, "MULTI", "SETRANGE", "PERSIST", "SET", "DEL", "EXEC"]
    assert stored.values[KEYS.status] == value(2)


def test_large_snapshot_that_cannot_be_read_at_once_is_read_again(
    stored: FakeRedis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_lease, "SMALL", len(OLD) - 1)
    with lease_of(store) as lease:
        stored.before["GETRANGE"] = once(Lost())
        assert lease.value("status") == OLD
        lease.commit(Update(b"h2", new_time=TIMES[2]))
    assert stored.values[KEYS.status] == value(2)


def test_later_commit_of_a_lease_watches_anew(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        lease.commit(Update(b"h2"), end=False)
        before = len(stored.names())
        assert lease.value("status") == OLD
        lease.commit(Update(b"h3", new_time=TIMES[2]))
    assert stored.names()[before : before + 3] == ["WATCH", "MGET", "MULTI"]


@pytest.mark.parametrize("refused", ["WATCH", "MGET"])
def test_watch_that_is_refused_is_reported_by_the_commit(
    stored: FakeRedis, store: RedisStore, refused: str
) -> None:
    stored.before[refused] = lambda words: Exception("NOPERM no")
    with lease_of(store) as lease:
        assert lease.stored == StoredState.from_values(OLD, b"h1", b"s1")
        with pytest.raises(StoreError, match="lacks a permission"):
            lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.values[KEYS.status] == OLD


@pytest.mark.parametrize("lost", ["SET", "WATCH", "STRLEN", "MGET"])
def test_lease_whose_answer_is_lost_is_taken_once(stored: FakeRedis, store: RedisStore, lost: str) -> None:
    stored.before[lost] = once(Lost())
    with lease_of(store, ADDRESS) as lease:
        lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.values == {KEYS.status: NEW, KEYS.health: b"h2", KEYS.sync: b"s1"}


def test_lock_that_another_run_takes_at_once_ends_the_watch(stored: FakeRedis, store: RedisStore) -> None:
    """The lock is lost after it was taken, and before the watch began: the commit looks again."""
    token = holder.new_token()

    def take(words: list[bytes]) -> None:
        stored.before.clear()
        stored.put(KEYS.lock, token, 5000)

    stored.before["WATCH"] = take
    with lease_of(store) as lease:
        with pytest.raises(LeaseLost, match=f"^{holder.describe(token)} has it$"):
            lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.values[KEYS.lock] == token


def test_lease_without_a_commit_ends_its_watch(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store):
        before = len(stored.names())
    assert stored.names()[before:] == ["UNWATCH", "WATCH", "GET", "MULTI", "DEL", "EXEC"]


# -------------------------------------------------------------------------------- answers that are lost


def test_a_commit_whose_answer_is_lost_is_written_once(stored: FakeRedis, store: RedisStore) -> None:
    stored.after["EXEC"] = once(Lost())
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH))
    assert stored.values[KEYS.status] == NEW and len(batches(stored)) == 1
    assert len(stored.published) == 1 and KEYS.lock not in stored.values


def test_a_commit_whose_proof_is_lost_too_is_written_once(stored: FakeRedis, store: RedisStore) -> None:
    """The answer is lost, and then the connection on which the commit looks whether it was written."""
    lost = once(Lost())

    def lose_both(words: list[bytes]) -> Any:
        stored.before["WATCH"] = once(Lost())
        return lost(words)

    with lease_of(store) as lease:
        stored.after["EXEC"] = lose_both
        lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH))
    assert stored.values[KEYS.status] == NEW and len(batches(stored)) == 1
    assert len(stored.published) == 1 and stored.names().count("EXEC") == 1


def test_a_commit_that_is_lost_is_tried_again(stored: FakeRedis, store: RedisStore) -> None:
    stored.before["EXEC"] = once(Lost())
    with lease_of(store) as lease:
        lease.commit(Update(b"h2", snapshot=NEW, changes=BATCH))
    assert stored.values[KEYS.status] == NEW and len(batches(stored)) == 1


def test_an_equal_health_record_of_an_earlier_run_is_no_proof(stored: FakeRedis, store: RedisStore) -> None:
    """Only a retry looks whether its values were already written."""
    with lease_of(store) as lease:
        lease.commit(Update(b"h1", snapshot=NEW))
    assert stored.values[KEYS.status] == NEW


def test_an_equal_health_record_is_no_proof_after_a_race(stored: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        stored.put(KEYS.status, OLD)
        lease.commit(Update(b"h1", snapshot=NEW))
    assert stored.values[KEYS.status] == NEW


def test_a_snapshot_that_another_client_replaces_meanwhile_is_seen(
    stored: FakeRedis, store: RedisStore
) -> None:
    def replace(words: list[bytes]) -> None:
        stored.before.pop("MULTI")
        stored.put(KEYS.status, value(1, "aborted"))

    stored.before["MULTI"] = replace
    with lease_of(store) as lease:
        lease.value("status")
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(b"h2", new_time=TIMES[2]))
    assert stored.values[KEYS.status] == value(1, "aborted")


def test_a_client_that_always_replaces_it_is_named(stored: FakeRedis, store: RedisStore) -> None:
    stored.before["EXEC"] = lambda words: stored.touch(KEYS.status)
    lease = lease_of(store)
    message = f"another client keeps changing {re.escape(KEYS.status)}"
    with pytest.raises(StoreError, match=message):
        lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.names().count("EXEC") == MAX_RACES
    assert stored.values[KEYS.health] == b"h1"


def test_lost_connection_is_not_taken_for_another_writer(stored: FakeRedis, store: RedisStore) -> None:
    def lose(words: list[bytes]) -> Lost:
        if stored.names().count("EXEC") == 3:
            store.stopped.set()
        return Lost()

    stored.before["EXEC"] = lose
    lease = lease_of(store)
    with pytest.raises(StoreError) as raised:
        lease.commit(Update(b"h2", snapshot=NEW))
    assert "keeps changing" not in str(raised.value)
    assert stored.names().count("EXEC") < MAX_RACES


def test_after_a_timeout_the_locks_are_not_released(stored: FakeRedis, store: RedisStore) -> None:
    """A release would get no answer either; the locks expire."""
    with lease_of(store, ADDRESS) as lease:
        with pytest.raises(StoreError):
            store._budget.timeout = 0.02
            lease._deadline = time.monotonic() + 0.03  # type: ignore[attr-defined]
            stored.before["MULTI"] = lambda words: time.sleep(0.2)
            lease.commit(Update(b"h2", snapshot=NEW))
        held = [lock.held for lock in (lease._lock, lease._address)]  # type: ignore[attr-defined]
        assert held == [False, False]


# -------------------------------------------------------------------------------- details


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize("expected", [True, False])
def test_details_that_another_client_changes_after_they_were_read_are_seen(
    large: FakeRedis, store: RedisStore, refused: bool, expected: bool
) -> None:
    large.values[KEYS.details] = {b"revision": b"r t"}
    changed = DetailsUpdate("r2 t2", None, {"/s": b"{}"}, "r t")
    with lease_of(store) as lease:
        if refused:
            large.before["WATCH"] = once(Exception("ERR no"))
        if expected:
            lease.expect_details(["/s"])
            assert lease.value("status") == OLD
        assert lease.changed_details(["/s"]).stamp == "r t"
        large.put(KEYS.details, {b"revision": b"another"})
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(b"h2", snapshot=NEW, details=changed))
    assert large.values[KEYS.details] == {b"revision": b"another"}


def test_details_that_are_expected_are_read_with_the_snapshot(large: FakeRedis, store: RedisStore) -> None:
    large.values[KEYS.details] = {b"revision": b"r t", b"base": b"r t"}
    large.values[KEYS.changed_details] = {b"/s": b"{}", b"/t": b"[]"}
    with lease_of(store) as lease:
        lease.expect_details(["/s"])
        before = len(large.names())
        assert lease.value("status") == OLD
        found = lease.changed_details(["/s"])
        assert (found.stamp, found.base_stamp, found.changed) == ("r t", "r t", {"/s": b"{}"})
        assert large.names()[before:] == ["GETRANGE", "WATCH", "HMGET", "HMGET", "GETRANGE"]
        # Others are read when they are asked for.
        assert lease.changed_details(["/t"]).changed == {"/t": b"[]"}


def test_expected_details_are_watched_until_the_commit(large: FakeRedis, store: RedisStore) -> None:
    large.values[KEYS.details] = {b"revision": b"r t", b"base": b"r t"}
    with lease_of(store) as lease:
        lease.expect_details(["/s"])
        assert lease.value("status") == OLD
        before = len(large.names())
        lease.commit(Update(b"h2", snapshot=NEW, details=DetailsUpdate("r2 t2", None, {"/s": b"{}"}, "r t")))
    assert large.names()[before] == "MULTI"
    assert large.values[KEYS.details][b"revision"] == b"r2 t2"


@pytest.mark.parametrize("by", ["a commit", "another expectation"])
def test_expected_details_are_out_of_date_after(large: FakeRedis, store: RedisStore, by: str) -> None:
    large.values[KEYS.changed_details] = {b"/s": b"1"}
    with lease_of(store) as lease:
        lease.expect_details(["/s"])
        assert lease.value("status") == OLD
        large.values[KEYS.changed_details] = {b"/s": b"2"}
        if by == "a commit":
            lease.commit(Update(b"h2", new_time=TIMES[2]), end=False)
        else:
            lease.expect_details(["/s"])
        assert lease.changed_details(["/s"]).changed == {"/s": b"2"}


def test_details_that_are_expected_with_a_small_snapshot(stored: FakeRedis, store: RedisStore) -> None:
    stored.values[KEYS.details] = {b"revision": b"r t"}
    with lease_of(store) as lease:
        lease.expect_details(["/s"])
        before = stored.names()
        assert lease.value("status") == OLD and stored.names() == before
        assert lease.changed_details(["/s"]).stamp == "r t"


@pytest.mark.parametrize("lost", ["GETRANGE", "WATCH", "HMGET"])
def test_expected_details_whose_answer_is_lost_are_read_again(
    large: FakeRedis, store: RedisStore, lost: str
) -> None:
    large.values[KEYS.details] = {b"revision": b"r t"}
    with lease_of(store) as lease:
        lease.expect_details(["/s"])
        large.before[lost] = once(Lost())
        assert lease.value("status") == OLD and lease.changed_details(["/s"]).stamp == "r t"
        lease.commit(Update(b"h2", snapshot=NEW))
    assert large.values[KEYS.status] == NEW


def test_error_of_expected_details_is_not_the_snapshots(large: FakeRedis, store: RedisStore) -> None:
    with lease_of(store) as lease:
        lease.expect_details(["/s"])
        large.before["HMGET"] = lambda words: Exception("NOPERM no")
        assert lease.value("status") == OLD
        with pytest.raises(StoreError, match="lacks a permission"):
            lease.changed_details(["/s"])


def test_in_a_cluster_details_are_not_read_with_the_snapshot(large: FakeRedis, store: RedisStore) -> None:
    store._topology.has_slots = True
    large.values[KEYS.details] = {b"revision": b"r t"}
    with lease_of(store) as lease:
        lease.expect_details(["/s"])
        assert lease.value("status") == OLD and "HMGET" not in large.names()
        assert lease.changed_details(["/s"]).stamp == "r t"


@pytest.mark.parametrize("lost", ["WATCH", "HMGET"])
def test_details_whose_answer_is_lost_are_read_again(stored: FakeRedis, store: RedisStore, lost: str) -> None:
    stored.values[KEYS.details] = {b"revision": b"r t"}
    with lease_of(store) as lease:
        stored.before[lost] = once(Lost())
        assert lease.details((), ["/s"]).stamp == "r t"
        lease.commit(Update(b"h2", snapshot=NEW))
    assert stored.values[KEYS.status] == NEW


def test_details_are_read_with_the_lease(stored: FakeRedis, store: RedisStore) -> None:
    stored.values[KEYS.details] = {b"revision": b"r2 t2", b"base": b"r t", b"/": b"x", b"/s/": b"y"}
    stored.values[KEYS.changed_details] = {b"revision": b"r2 t2", b"/s": b"{}", b"/t": b"{}"}
    with lease_of(store) as lease:
        found = lease.details(["/"], ["/s"])
    head = OLD[: snapshot.HEAD_SIZE]
    assert found == StoredDetails("r2 t2", "r t", "r2 t2", {"/": b"x"}, {"/s": b"{}"}, head)


@pytest.mark.parametrize("key", [KEYS.details, KEYS.changed_details])
def test_in_a_cluster_details_of_either_kind_are_noticed(
    stored: FakeRedis, store: RedisStore, key: str
) -> None:
    store._topology.has_slots = True
    with lease_of(store) as lease:
        assert not lease.may_have_details()
        stored.put(key, {b"revision": b"r t"})
        assert lease.may_have_details()


def test_without_a_cluster_redis_is_not_asked_whether_there_are_details(
    stored: FakeRedis, store: RedisStore
) -> None:
    with lease_of(store) as lease:
        before = stored.names()
        assert lease.may_have_details() and stored.names() == before


def test_in_a_cluster_the_connection_that_watches_answers_nothing_more(
    stored: FakeRedis, store: RedisStore
) -> None:
    """A key may have moved to another node since: `commands` asks that one."""
    store._topology.has_slots = True
    stored.put(KEYS.details, {b"revision": b"r t"})
    with lease_of(store, ADDRESS) as lease:
        assert lease.value("status") == OLD
        before = len(stored.names())
        assert lease.details((), ["/s"]).stamp == "r t"
        assert stored.names()[before] == "HMGET"
