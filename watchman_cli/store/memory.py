"""A store in the memory of one process: for tests, and as the shortest example of a store."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from watchman_cli.details.stored import NO_DETAILS, StoredDetails
from watchman_cli.errors import BadSnapshot
from watchman_cli.store import holder
from watchman_cli.store.base import LOCK_GRACE, Lease, Store, wait_for_address
from watchman_cli.store.commit import Current, Owner, decide, needs_health, new_value
from watchman_cli.store.values import (
    MAX_BATCHES,
    MAX_SILENCES,
    MAX_VALUE,
    Field,
    StoredBatch,
    StoredState,
    Update,
)

POLL = 0.05  # seconds between two looks at whether this store was stopped


class Memory:
    """The values, locks and changes of all servers; several stores may share it."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.values: dict[tuple[str, Field], bytes] = {}
        self.locks: dict[str, tuple[bytes, float]] = {}  # a token, and the time.monotonic() of its expiry
        self.batches: dict[str, list[StoredBatch]] = defaultdict(list)
        self.details: dict[str, StoredDetails] = {}
        self.silences: dict[str, bytes] = {}
        self._appended = 0

    def append(self, name: str, batch: bytes) -> None:
        """Append a batch to a server's changes, drop the oldest if there are too many, and wake consumers."""
        with self.changed:
            self._appended += 1
            self.batches[name].append(StoredBatch(str(self._appended), batch))
            del self.batches[name][:-MAX_BATCHES]
            self.changed.notify_all()


class MemoryStore(Store):
    """A store in a Memory."""

    def __init__(self, memory: Memory | None = None) -> None:
        super().__init__("memory://")
        self.memory = memory or Memory()

    def check(self, deadline: float) -> None:
        """Memory can always be reached."""

    def close(self) -> None:
        """Nothing is open."""

    def value(self, name: str, field: Field) -> bytes | None:
        value = self.memory.values.get((name, field))
        if value is not None and len(value) > MAX_VALUE[field]:
            raise BadSnapshot(f"it is larger than {MAX_VALUE[field] >> 20} MB")
        return value

    def details(self, name: str, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        with self.memory.changed:
            found = self.memory.details.get(name, NO_DETAILS)
            return found._replace(
                fields={key: value for key, value in found.fields.items() if fields is None or key in fields},
                changed={key: value for key, value in found.changed.items() if paths is None or key in paths},
                raw_head=self.head(name),
            )

    def silences(self, name: str) -> bytes:
        value = self.memory.silences.get(name, b"")
        return value if len(value) <= MAX_SILENCES else b""

    def change_silences(self, name: str, change: Callable[[bytes], bytes]) -> None:
        with self.memory.changed:
            self.memory.silences[name] = change(self.silences(name))

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        lease = MemoryLease(self, name, max(1.0, deadline - time.monotonic()) + LOCK_GRACE)
        if not lease.lock(name):
            return None
        lock_address = (lambda: lease.lock(f"address {address}")) if address else lambda: True
        if not wait_for_address(lock_address, deadline, self.stopped):
            lease.release()
            return None
        lease.read()
        return lease

    def remove(self, name: str, address: str) -> None:
        with self.memory.changed:
            for field in MAX_VALUE:
                self.memory.values.pop((name, field), None)
            self.memory.batches.pop(name, None)
            self.memory.details.pop(name, None)
            for key in (name, f"address {address}"):
                self.memory.locks.pop(key, None)

    def changes_after(self, name: str, position: str, wait: float = 0) -> Sequence[StoredBatch]:
        end = time.monotonic() + wait
        with self.memory.changed:
            while True:
                first = int(position or 0)
                batches = [each for each in self.memory.batches[name] if int(each.position) > first]
                left = end - time.monotonic()
                if batches or left <= 0 or self.stopped.is_set():
                    return batches
                self.memory.changed.wait(min(POLL, left))

    def changes_end(self, name: str) -> str:
        batches = self.memory.batches[name]
        return batches[-1].position if batches else ""

    def keeps_changes_from(self, name: str, position: str) -> bool:
        return any(each.position == position for each in self.memory.batches[name])


class MemoryLease(Lease):
    """The right to read and write one server in memory."""

    def __init__(self, store: MemoryStore, name: str, lifetime: float) -> None:
        super().__init__()
        self._store, self._memory, self._name = store, store.memory, name
        self._token, self._expires = holder.new_token(), time.monotonic() + lifetime
        self._read: bytes | None = None  # the whole snapshot, as `value` returned it

    def lock(self, key: str) -> bool:
        """Take the lock `key`; return False if another run has it."""
        with self._memory.changed:
            if self._owner(key) == "another run":
                return False
            self._memory.locks[key] = self._token, self._expires
            return True

    def _owner(self, key: str) -> Owner:
        token, expires = self._memory.locks.get(key, (b"", 0.0))
        if token == self._token:
            return "this run"
        return "another run" if expires > time.monotonic() else "no run"

    def read(self) -> None:
        """Read the values that earlier runs left."""
        with self._memory.changed:
            status, health, sync = (self._value(field) for field in MAX_VALUE)
        self.stored = StoredState.from_values(status, health, sync)

    def value(self, field: Field) -> bytes | None:
        value = self._value(field) or None
        if field == "status":
            self._read = value
        return value

    def _value(self, field: Field) -> bytes:
        try:
            return self._store.value(self._name, field) or b""
        except BadSnapshot:
            return b""  # the next commit replaces it

    def details(self, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        return self._store.details(self._name, fields, paths)

    def may_have_details(self) -> bool:
        return self._name in self._memory.details

    def commit(self, update: Update, *, end: bool = True) -> None:
        memory, name = self._memory, self._name
        with memory.changed:
            details = memory.details.get(name, NO_DETAILS)
            owner = self._owner(name)
            health = self._value("health") if needs_health(update, owner) else b""
            current = Current(owner, self._value("status"), details=details.stamp, health=health)
            batch, _ = decide(self.stored, update, current, self._read)
            self.lock(name)
            status = new_value(update, current.value)
            written: dict[Field, bytes | None] = {
                "status": status,
                "health": update.health,
                "sync": update.sync,
            }
            for field, value in written.items():
                if value:
                    memory.values[name, field] = value
                elif value is not None:
                    memory.values.pop((name, field), None)
            if update.details == "delete":
                memory.details.pop(name, None)
            elif update.details is not None:
                memory.details[name] = details.after(update.details)
            if batch is not None:
                memory.append(name, batch.encode())
        if end:
            self.release()
        else:
            self.stored, self._read = self.stored.after(update), None

    def release(self) -> None:
        with self._memory.changed:
            for key in [key for key, (token, _) in self._memory.locks.items() if token == self._token]:
                del self._memory.locks[key]
