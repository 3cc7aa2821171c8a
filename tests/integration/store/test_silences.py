"""Every kind of store keeps the silences of each server, and loses none that are changed at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.integration.store.conftest import Kind
from tests.integration.store.test_contract import NAME, OLD, take, write
from watchman_cli.store import Store
from watchman_cli.store.values import MAX_SILENCES


@pytest.fixture(autouse=True)
def _keeps_silences(kind: Kind) -> None:
    if not kind.keeps_changes:  # one that keeps a snapshot only
        pytest.skip("this store keeps no silences")


def appending(text: bytes) -> Callable[[bytes], bytes]:
    return lambda value: value + text


def test_silences_are_kept_and_deleted(store: Store, kind: Kind) -> None:
    store.change_silences(NAME, appending(b"a"))
    store.change_silences(NAME, appending(b"b"))
    assert (store.silences(NAME), kind.open().silences(NAME)) == (b"ab", b"ab")
    assert store.silences("o/other") == b""
    store.change_silences(NAME, lambda _: b"")
    store.change_silences(NAME, lambda _: b"")
    assert store.silences(NAME) == b""
    assert kind.locks() == []


def test_silences_need_no_lease(store: Store) -> None:
    write(store, OLD)
    with take(store):
        store.change_silences(NAME, appending(b"a"))
    write(store, OLD, b"2")
    assert (store.silences(NAME), store.value(NAME, "status")) == (b"a", OLD)


def test_no_change_is_lost(kind: Kind) -> None:
    def change(store: Store) -> None:
        for _ in range(5):
            store.change_silences(NAME, appending(b"x"))

    stores = [kind.open() for _ in range(4)]
    threads = [threading.Thread(target=change, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].silences(NAME) == b"x" * 20


def test_too_large_silences_are_ignored(store: Store) -> None:
    store.change_silences(NAME, lambda _: b"x" * (MAX_SILENCES + 1))
    assert store.silences(NAME) == b""
