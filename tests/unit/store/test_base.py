"""What every store does alike: waiting for an address, the end of a lease, parts that it may lack."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from watchman_cli.errors import StoreError
from watchman_cli.snapshot import HEAD_SIZE
from watchman_cli.store import Store
from watchman_cli.store.base import ADDRESS_WAIT, FIRST_POLL, LAST_POLL, Lease, wait_for_address
from watchman_cli.store.memory import MemoryStore


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
