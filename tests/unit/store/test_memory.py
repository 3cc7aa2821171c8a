"""A store in memory keeps the contract of every store, and its changes are followed as in any other."""

from __future__ import annotations

import threading
import time

import pytest

from tests.integration.store.conftest import Kind
from tests.integration.store.test_changes import (  # noqa: F401
    test_a_batch_is_appended_with_its_snapshot,
    test_a_batch_that_does_not_fit_becomes_a_reset,
    test_a_broken_chain_is_repaired,
    test_a_miss_behind_a_reset_comes_once,
    test_a_snapshot_without_a_batch_is_noticed,
    test_a_store_that_keeps_none_says_so,
    test_following,
    test_nothing_is_appended_where_the_lease_is_lost,
    test_the_store_is_away_for_a_while,
    test_what_came_between_the_look_at_the_end_and_the_snapshot,
)
from tests.integration.store.test_contract import *  # noqa: F403
from tests.integration.store.test_silences import *  # noqa: F403
from tests.support.memory_kind import MemoryKind
from watchman_cli.store import Store
from watchman_cli.store.base import LOCK_GRACE
from watchman_cli.store.memory import MemoryStore
from watchman_cli.store.values import MAX_BATCHES


@pytest.fixture
def kind() -> Kind:
    return MemoryKind("memory://")


@pytest.fixture
def store(kind: Kind) -> Store:
    return kind.open()


def test_the_oldest_batches_are_dropped() -> None:
    store = MemoryStore()
    for number in range(MAX_BATCHES + 2):
        store.memory.append("o/r", b"%d" % number)
    kept = store.changes_after("o/r", "")
    assert [each.value for each in (kept[0], kept[-1])] == [b"2", b"%d" % (MAX_BATCHES + 1)]
    assert len(kept) == MAX_BATCHES and store.changes_end("o/r") == kept[-1].position
    assert store.keeps_changes_from("o/r", kept[0].position)
    assert not store.keeps_changes_from("o/r", "2") and not store.keeps_changes_from("o/other", "3")


def test_a_consumer_waits_for_a_batch() -> None:
    store = MemoryStore()
    timer = threading.Timer(0.02, lambda: store.memory.append("o/r", b"x"))
    timer.start()
    (batch,) = store.changes_after("o/r", "", wait=60)
    assert (batch.value, store.changes_after("o/r", batch.position)) == (b"x", [])


def test_a_consumer_that_is_stopped_does_not_wait() -> None:
    store = MemoryStore()
    threading.Timer(0.02, store.stopped.set).start()
    assert store.changes_after("o/r", "", wait=600) == []


@pytest.mark.parametrize(("left", "lifetime"), [(-60, 1), (60, 60)])
def test_a_lock_expires_after_its_deadline(left: float, lifetime: float) -> None:
    store, began = MemoryStore(), time.monotonic()
    with store.lease("o/r", began + left) or pytest.fail():
        token, expires = store.memory.locks["o/r"]
        assert 0 <= expires - (began + lifetime + LOCK_GRACE) <= time.monotonic() - began
        assert store.lease("o/r", began + left) is None
        store.memory.locks["o/r"] = token, time.monotonic()
        with store.lease("o/r", began + left) or pytest.fail():
            assert store.memory.locks["o/r"][0] != token
