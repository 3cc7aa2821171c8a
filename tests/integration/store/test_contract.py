"""What every kind of store promises: one run has a server, and nothing old overwrites what is newer."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.integration.store.conftest import Kind
from tests.support.loopback import await_true
from tests.support.memory_kind import MemoryKind
from watchman_cli import snapshot
from watchman_cli.errors import BadSnapshot
from watchman_cli.store import Field, Lease, LeaseLost, SnapshotChanged, Store, Update
from watchman_cli.store.probe import probe
from watchman_cli.store.values import MAX_VALUE

NAME, ADDRESS = "o/r", "login01:3141"
RECORDS = b",".join(
    b'{"path":"%s","status":"queued"}' % path for path in (b"/", b"/s", b"/s/t", b"/s/u", b"/s/v")
)
LATER_RECORD = b'{"checked_time":"2026-01-01T00:00:00.000009+00:00"}'
LATER = "2026-01-01T00:00:00.000009+00:00"


def new_snapshot(number: int, records: bytes = RECORDS) -> bytes:
    return snapshot.encode(f"2026-01-01T00:00:00.00000{number}+00:00", "RUNNING", [records])


OLD, NEW, LAST = new_snapshot(1), new_snapshot(2, RECORDS.replace(b"queued", b"active")), new_snapshot(3)


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds


def take(store: Store, name: str = NAME, address: str | None = None) -> Lease:
    return store.lease(name, soon(), address) or pytest.fail("the lease is not free")


def write(store: Store, value: bytes, health: bytes = b"1", sync: bytes | None = None) -> None:
    with take(store) as lease:
        lease.commit(Update(health=health, snapshot=value, sync=sync))


def test_one_run_at_a_time(kind: Kind, store: Store) -> None:
    with take(store) as first:
        assert store.lease(NAME, soon()) is None
        with take(store, "o/other"):
            pass
        first.commit(Update(health=b"{}", snapshot=OLD, sync=b"kept"))
    with take(store) as second:
        assert second.stored.head and second.stored.head.collected_time.endswith("000001+00:00")
        assert (second.stored.health, second.stored.sync) == (b"{}", b"kept")
        assert (second.stored.size, second.warnings) == (len(OLD), [])
    take(store).release()
    assert kind.locks() == []


def test_given_back_by_an_interrupted_run_while_its_thread_reads(kind: Kind, store: Store) -> None:
    large = new_snapshot(1, b",".join([RECORDS] * 10_000))  # which takes some time to come
    write(store, large)
    found: set[bytes | None] = set()
    errors: list[Exception] = []

    def read(lease: Lease, reading: threading.Event) -> None:
        try:
            with lease:
                reading.set()
                for _ in range(3):
                    found.add(lease.value("status"))
        except Exception as error:
            errors.append(error)

    for _ in range(20):
        lease, reading = take(store, address=ADDRESS), threading.Event()
        thread = threading.Thread(target=read, args=(lease, reading))
        thread.start()
        reading.wait()
        lease.release()
        thread.join()
    assert (found == {large}, errors, kind.locks()) == (True, [], [])


def test_nothing_is_stored_at_first(store: Store) -> None:
    with take(store) as lease:
        stored = lease.stored
        assert (stored.head, stored.raw_head, stored.size, stored.health, stored.sync) == (
            None,
            b"",
            0,
            b"",
            b"",
        )
        assert lease.value("status") is None
    assert store.value(NAME, "status") is None


def test_what_is_written_together(store: Store) -> None:
    write(store, OLD, b"1", b"sync")
    with take(store) as lease:
        lease.commit(Update(health=b"2", new_time=LATER))
    touched = store.value(NAME, "status")
    assert touched and touched == OLD.replace(b"000001", b"000009")
    assert (store.value(NAME, "health"), store.value(NAME, "sync")) == (b"2", b"sync")
    with take(store) as lease:
        lease.commit(Update(health=b"3", sync=b""))
    assert (store.value(NAME, "status"), store.value(NAME, "sync")) == (touched, None)


def test_failure_without_its_lock_keeps_a_later_failure(kind: Kind, store: Store) -> None:
    """So one of two runs that saw the same beginning reports it."""
    write(store, OLD, b"1")
    first = take(store)
    kind.delete(NAME, "lock")
    with take(store) as second:
        second.commit(Update(health=LATER_RECORD))
    with pytest.raises(LeaseLost):
        first.commit(Update(health=b"3"))
    assert store.value(NAME, "health") == LATER_RECORD
    assert kind.locks() == []
    third = take(store)
    kind.delete(NAME, "lock")
    third.commit(Update(health=b"4"))
    assert store.value(NAME, "health") == b"4"


def test_a_lease_that_does_not_end_with_its_commit(kind: Kind, store: Store) -> None:
    with take(store, address=ADDRESS) as lease:
        lease.commit(Update(health=b"1", snapshot=OLD, sync=b"s"), end=False)
        assert (lease.stored.raw_head, lease.stored.size) == (OLD[: snapshot.HEAD_SIZE], len(OLD))
        assert store.lease(NAME, soon()) is None
        lease.commit(Update(health=b"2", new_time=LATER), end=False)
        assert lease.stored.head and lease.stored.head.collected_time == LATER
        lease.commit(Update(health=b"3"))
    assert (store.value(NAME, "health"), store.value(NAME, "sync")) == (b"3", b"s")
    assert kind.locks() == []


@pytest.mark.parametrize("read", [True, False])
def test_a_time_is_not_set_in_another_snapshot(kind: Kind, store: Store, read: bool) -> None:
    write(store, OLD)
    with take(store) as lease:
        if read:
            assert lease.value("status") == OLD
        kind.put(NAME, "status", NEW)
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(health=b"2", new_time=LATER))
        assert (store.value(NAME, "status"), store.value(NAME, "health")) == (NEW, b"1")
        assert store.lease(NAME, soon()) is None  # it is still held, and another attempt may write
        lease.commit(Update(health=b"2", snapshot=LAST))
    assert store.value(NAME, "status") == LAST


@pytest.mark.parametrize("read", [True, False])
def test_a_time_is_not_set_in_a_snapshot_of_the_same_head_and_size(
    kind: Kind, store: Store, read: bool
) -> None:
    """It was damaged after its head, between the look at it and the write."""
    damaged = OLD[:-20] + b"x" + OLD[-19:]
    assert len(OLD) > snapshot.HEAD_SIZE + 20 and damaged[: snapshot.HEAD_SIZE] == OLD[: snapshot.HEAD_SIZE]
    write(store, OLD)
    with take(store) as lease:
        if read:
            assert lease.value("status") == OLD
        kind.put(NAME, "status", damaged)
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(health=b"2", new_time=LATER))
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (damaged, b"1")


@pytest.mark.parametrize("size", [1, 10_000])
def test_a_time_is_set_in_a_snapshot_that_was_proved(kind: Kind, store: Store, size: int) -> None:
    value = new_snapshot(1, b",".join([RECORDS] * size))
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert head
    write(store, value)
    with take(store) as lease:
        with pytest.raises(snapshot.NotWhole):
            lease.prove("0" * 32)
        assert lease.prove(head.revision) == head
        lease.commit(Update(health=b"2", new_time=LATER))
    assert store.value(NAME, "status") == value.replace(head.collected_time.encode(), LATER.encode())
    with take(store) as lease:
        assert lease.prove(head.revision).collected_time == LATER
        kind.put(NAME, "status", value.replace(b"queued", b"active"))
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(health=b"3", new_time=LATER))
    assert store.value(NAME, "health") == b"2"


def test_a_time_is_not_set_where_the_snapshot_is_gone(kind: Kind, store: Store) -> None:
    write(store, OLD)
    with take(store) as lease:
        kind.delete(NAME, "status")
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(health=b"2", new_time=LATER))
    assert store.value(NAME, "status") is None


def test_an_earlier_run_does_not_overwrite_a_later_one(kind: Kind, store: Store) -> None:
    """The earlier one was stopped for so long that its lease had expired."""
    earlier = take(store)
    kind.delete(NAME, "lock")
    write(store, NEW, b"later")
    for update in (Update(health=b"earlier", snapshot=OLD), Update(health=b"failed")):
        with pytest.raises(LeaseLost):
            earlier.commit(update)
    earlier.release()
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (NEW, b"later")


def test_a_run_does_not_write_while_a_later_one_has_the_lease(kind: Kind, store: Store) -> None:
    write(store, OLD)
    earlier = take(store)
    kind.delete(NAME, "lock")
    with take(store):
        with pytest.raises(LeaseLost):
            earlier.commit(Update(health=b"earlier", snapshot=LAST))
        earlier.release()
        assert store.lease(NAME, soon()) is None  # its release did not end the later one's lease
    assert store.value(NAME, "status") == OLD


def test_a_store_that_went_back_to_an_older_copy_takes_the_snapshot(kind: Kind, store: Store) -> None:
    """Redis was restarted in mid-run from an older RDB, or failed over to a replica that lags."""
    write(store, NEW)
    for old in (OLD, None):
        lease = take(store)
        kind.delete(NAME, "lock")
        if old:
            kind.put(NAME, "status", old)
        else:
            kind.delete(NAME, "status")
        lease.commit(Update(health=b"2", snapshot=LAST))
        assert store.value(NAME, "status") == LAST
        if kind.client is not None:
            assert len(lease.warnings) == 1 and "lost the snapshot of 2026-01-01" in lease.warnings[0]


def test_the_lease_of_a_killed_run_is_taken_over_at_once(kind: Kind, store: Store) -> None:
    if isinstance(kind, MemoryKind):
        pytest.skip("a killed run leaves nothing in memory")
    script = f"""
import os, time
from watchman_cli.store import open_store
lease = open_store({kind.url!r}).lease({NAME!r}, time.monotonic() + 60, {ADDRESS!r})
print("held", flush=True)
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
    assert killed.stdout == b"held\n"
    with take(store, address=ADDRESS) as lease:
        assert lease.warnings == []
    assert kind.locks() == []


def test_one_address_is_leased_once(kind: Kind, store: Store) -> None:
    """Two entries of one address, in two runs, are read one after the other."""
    first, other = take(store, "o/one", ADDRESS), kind.open()
    got: list[Lease | None] = []
    waiting = threading.Thread(target=lambda: got.append(other.lease("o/two", soon(30), ADDRESS)))
    waiting.start()
    await_true(lambda: kind.is_locked("o/two"), "the second run did not begin")
    with take(store, "o/three", "login02:3141"):
        assert got == []
    first.release()
    waiting.join()
    assert got[0]
    got[0].release()
    assert kind.locks() == []


def test_an_address_is_not_waited_for_until_the_deadline(kind: Kind, store: Store) -> None:
    with take(store, "o/one", ADDRESS):
        assert store.lease("o/two", soon(1), ADDRESS) is None
        take(store, "o/two").release()  # its name's lock was given back
    assert kind.locks() == []


def test_a_run_that_is_interrupted_waits_for_no_address(kind: Kind, store: Store) -> None:
    with take(store, "o/one", ADDRESS):
        other = kind.open()
        other.stopped.set()
        assert other.lease("o/two", soon(600), ADDRESS) is None


def test_a_run_that_goes_on_after_its_deadline_can_write(kind: Kind, store: Store) -> None:
    lease = store.lease(NAME, time.monotonic() - 1) or pytest.fail()
    lease.commit(Update(health=b"1", snapshot=OLD))
    assert store.value(NAME, "status") == OLD


@pytest.mark.parametrize("field", ["status", "health", "sync"])
def test_a_value_of_absurd_size(
    kind: Kind, store: Store, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, OLD, b"1", b"s")
    kind.put(NAME, field, b"x" * 5000)
    monkeypatch.setitem(MAX_VALUE, field, 4999)
    with take(store) as lease:
        assert lease.value(field) is None
        if field != "status":
            assert getattr(lease.stored, field) == b""
        lease.commit(Update(health=b"2", snapshot=NEW, sync=b"t"))
    found = [kind.get(NAME, name) for name in MAX_VALUE]
    assert found == [NEW, b"2", b"t"]
    kind.put(NAME, field, b"x" * 5000)
    with pytest.raises(BadSnapshot, match="larger"):
        store.value(NAME, field)


@pytest.mark.parametrize("changes", [False, True])
def test_a_probe_does_all_of_this_and_leaves_nothing(kind: Kind, store: Store, changes: bool) -> None:
    write(store, OLD, b"1", b"s")
    probe(store, NAME, soon(), changes=changes)
    probe(store, "o/never-read", soon(), changes=changes)
    assert kind.locks() == []
    for name in (f"{NAME}/.probe", "o/never-read/.probe", "o/never-read"):
        assert [store.value(name, field) for field in MAX_VALUE] == [None, None, None]
    assert [store.value(NAME, field) for field in MAX_VALUE] == [OLD, b"1", b"s"]
    assert kind.leftovers() == []


def test_two_probes_at_once(kind: Kind, store: Store) -> None:
    """The second waits for the first."""
    failures: list[Exception] = []

    def try_it() -> None:
        try:
            probe(kind.open(), NAME, soon(60), changes=True)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=try_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    # A probe cannot remove the folder that it made while another one uses it: an empty one may stay.
    assert [each for each in kind.leftovers() if not Path(each).is_dir()] == []
