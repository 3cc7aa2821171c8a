"""A probe that others disturb tries again; it reports a store that loses its values, and leaves nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from watchman_cli.details.stored import StoredDetails
from watchman_cli.errors import StoreError
from watchman_cli.store.base import Lease
from watchman_cli.store.memory import MemoryStore
from watchman_cli.store.probe import probe
from watchman_cli.store.values import Field


class Forgetful(MemoryStore):
    """A store that forgets its locks before the first `times` leases that are tried while there is one."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        if address is None and self.times:
            self.times -= 1
            self.memory.locks.clear()
        return super().lease(name, deadline, address)


class Careless(MemoryStore):
    """A store whose health record is another one."""

    def value(self, name: str, field: Field) -> bytes | None:
        return b"another" if field == "health" else super().value(name, field)


class Halving(MemoryStore):
    """A store that returns no changed details if all of them are asked for."""

    def details(self, name: str, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        found = super().details(name, fields, paths)
        return found._replace(changed={}) if paths is None else found


def run(store: MemoryStore) -> None:
    probe(store, "o/r", time.monotonic() + 60, changes=True, details=True)


def is_empty(store: MemoryStore) -> bool:
    memory = store.memory
    return not (memory.values or memory.locks or memory.batches.get("o/r/.probe") or memory.details)


def test_a_store_that_keeps_all() -> None:
    store = MemoryStore()
    run(store)
    assert is_empty(store)


def test_a_probe_whose_lock_is_removed_for_a_while() -> None:
    store = Forgetful(9)
    run(store)
    assert store.times == 0 and is_empty(store)


def test_two_leases_at_once() -> None:
    store = Forgetful(1000)
    with pytest.raises(StoreError, match=r"^store memory://: two runs can have the lease of o/r/\.probe$"):
        run(store)
    assert store.times == 990 and is_empty(store)


@pytest.mark.parametrize("kind", [Careless, Halving])
def test_a_value_that_is_not_kept(kind: type[MemoryStore]) -> None:
    store = kind()
    with pytest.raises(StoreError, match=r"^store memory://: o/r/\.probe is not kept as it was written$"):
        run(store)
    assert is_empty(store)
