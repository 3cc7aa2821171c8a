"""The values that stores share: what is stored after an update, and which snapshot is later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from watchman_cli import snapshot
from watchman_cli.errors import StoreError
from watchman_cli.snapshot import HEAD_SIZE, Head
from watchman_cli.store import Store, StoredState, Update
from watchman_cli.store.base import (
    ADDRESS_WAIT,
    FIRST_POLL,
    LAST_POLL,
    Lease,
    is_whole,
    wait_for_address,
    with_time,
)
from watchman_cli.store.memory import MemoryStore


def time_of(number: int) -> str:
    return f"2026-01-01T00:00:00.00000{number}+00:00"


def value(number: int, status: str = "queued") -> bytes:
    records = ",".join(f'{{"path":"{path}","status":"{status}"}}' for path in ("/", "/s", "/s/t", "/s/t/u"))
    return snapshot.encode(time_of(number), "RUNNING", [records.encode()])


def head(number: int) -> Head:
    found = snapshot.parse_head(value(number)[:HEAD_SIZE])
    assert found
    return found


def stored(number: int | None) -> StoredState:
    return StoredState.from_values(b"" if number is None else value(number), b"h", b"s")


def test_the_state_of_stored_values() -> None:
    assert len(value(1)) > HEAD_SIZE
    assert stored(1) == StoredState(head(1), value(1)[:HEAD_SIZE], len(value(1)), b"h", b"s")
    assert stored(None) == StoredState(None, b"", 0, b"h", b"s")
    assert StoredState.from_values(b"[]", b"", b"") == StoredState(None, b"[]", 2, b"", b"")


@pytest.mark.parametrize(
    ("update", "status", "sync"),
    [
        (Update(b"n"), value(1), b"s"),
        (Update(b"n", snapshot=value(2, "active")), value(2, "active"), b"s"),
        (Update(b"n", new_time=time_of(2)), value(2), b"s"),
        (Update(b"n", sync=b"t"), value(1), b"t"),
        (Update(b"n", sync=b""), value(1), b""),
    ],
)
def test_the_state_after_an_update(update: Update, status: bytes, sync: bytes) -> None:
    assert stored(1).after(update) == StoredState.from_values(status, b"n", sync)


def test_a_new_time_replaces_the_old_one_alone() -> None:
    assert with_time(value(1), time_of(2)) == value(2)
    assert with_time(value(1)[:HEAD_SIZE], time_of(2)) == value(2)[:HEAD_SIZE]


@pytest.mark.parametrize(
    ("leased", "now", "written", "superseded"),
    [
        (2, None, None, False),  # the store lost its snapshot
        (2, 1, None, False),  # it has an older copy
        (2, 2, None, False),  # nothing was written since
        (2, 3, None, True),
        (2, 3, 2, True),
        (2, 3, 3, False),  # an equal time is not later
        (2, 3, 4, False),
        (2, 2, 1, False),
        (None, 1, None, True),
        (None, 1, 1, False),
        (None, 2, 1, True),
        (None, None, 1, False),
    ],
)
def test_superseded(leased: int | None, now: int | None, written: int | None, superseded: bool) -> None:
    update = Update(b"n", snapshot=None if written is None else value(written))
    found = stored(leased).superseded_by(None if now is None else head(now), update)
    assert found is superseded


def test_whole() -> None:
    good = value(1)
    assert is_whole(good, head(1)) and is_whole(good, head(2))  # the time is not a part of the revision
    other = snapshot.parse_head(value(1, "active")[:HEAD_SIZE])
    assert not is_whole(good, other) and not is_whole(good, None)
    assert not is_whole(good[:-20] + b"x" + good[-19:], head(1)) and not is_whole(b"", head(1))


class Clock(threading.Event):
    """An event that is not waited for: each pause moves the clock on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.now, self.pauses = 1000.0, list[float]()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        self.pauses.append(timeout)
        self.now += timeout
        return self.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def answers(*given: bool) -> Callable[[], bool]:
    left = iter(given)
    return lambda: next(left, False)


def test_a_free_address_is_not_waited_for(clock: Clock) -> None:
    assert wait_for_address(answers(True), 0.0, clock) and clock.pauses == []


def test_an_address_is_tried_again_after_growing_pauses(clock: Clock) -> None:
    assert wait_for_address(answers(*[False] * 6, True), 2000.0, clock)
    assert clock.pauses == [FIRST_POLL, 0.04, 0.08, 0.16, LAST_POLL, LAST_POLL]


def test_an_address_is_given_up_for_a_part_of_the_time(clock: Clock) -> None:
    assert not wait_for_address(answers(), 1004.0, clock)
    left = 4.0 * ADDRESS_WAIT - sum(clock.pauses)
    assert 0 <= left < LAST_POLL
    clock.pauses.clear()
    assert not wait_for_address(answers(), clock.now - 1, clock) and clock.pauses == []


def test_the_last_pause_may_end_with_the_time(clock: Clock) -> None:
    clock.now = 0.0
    assert not wait_for_address(answers(), FIRST_POLL / ADDRESS_WAIT, clock)
    assert clock.pauses == [FIRST_POLL]


def test_an_address_is_not_waited_for_after_a_stop(clock: Clock) -> None:
    clock.set()
    assert not wait_for_address(answers(False, True), 2000.0, clock) and clock.pauses == [FIRST_POLL]


def test_what_a_store_need_not_have() -> None:
    store = MemoryStore()
    store.memory.values["o/r", "status"] = b"x" * 1000
    assert Store.head(store, "o/r") == b"x" * HEAD_SIZE and Store.head(store, "o/none") == b""
    assert Store.keeps_changes_from(store, "o/r", "7") is True
    assert Store.changes_at(store, 7.0) == ""
    Store.set_timeout(store, 7.0)
    message = "^store memory://: a store of this kind keeps no changes$"
    with pytest.raises(StoreError, match=message):
        Store.changes_after(store, "o/r", "")
    with pytest.raises(StoreError, match=message):
        Store.changes_end(store, "o/r")
    assert (store.url, store.stopped.is_set(), store.why_gone) == (
        "memory://",
        False,
        "it was deleted from the store",
    )


def test_a_lease_ends_with_its_context() -> None:
    store = MemoryStore()
    deadline = time.monotonic() + 60
    with store.lease("o/r", deadline) or pytest.fail() as lease:
        assert lease.warnings == [] and store.lease("o/r", deadline) is None
    assert store.memory.locks == {}


def test_store_without_details() -> None:
    store = MemoryStore()
    with pytest.raises(StoreError, match=r"^store memory://: a store of this kind keeps no details$"):
        Store.details(store, "o/r", None, None)
    with store.lease("o/r", time.monotonic() + 60) or pytest.fail() as lease:
        with pytest.raises(StoreError, match=r"^a store of this kind keeps no details$"):
            Lease.details(lease, (), ())


def test_no_head_proves_nothing() -> None:
    assert not is_whole(b"XXXX", None) and not is_whole(value(1), None)
