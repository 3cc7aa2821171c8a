"""The contract of every store, in words.

A store keeps three values of each server: `status` (the snapshot), `health` and `sync`. It lends a server
to one run at a time: a lease.

A lease is taken with `Store.lease`, which also reads what a run needs to decide how to ask the server:
`Lease.stored`. It ends with `commit`, with `release`, or with its context, and whatever ends it gives the
lock back. A run that was killed leaves a lock behind: it is taken over as soon as its holder is proved dead
(holder.py), or some seconds after its deadline.

`commit` writes all of an `Update` or nothing of it, and is idempotent: after a lost answer it is made once
more, and finds that it was done. A lock that is gone does not forbid the write by itself: a store that was
restarted has lost it together with other values, and what the run read of its server is good. So `commit`
raises LeaseLost only where another live holder has the server, or where the snapshot in the store is later
than the one that was there when the lease was taken. A new time is set only in the snapshot that was there
then, byte for byte, and proved to be whole by its digest or by the caller who has read it with `value`; else
SnapshotChanged is raised, nothing is written and the lease stays. A directory replaces each file by itself,
the snapshot first: what is lost in between is at most the sync cache, which names its snapshot's revision,
and the changes.

`probe` (probe.py) does all of this under a name of its own, so that `config check --connect` finds what a run
would fail of. It leaves nothing: see `Store.remove`.

A batch of changes is appended where the update has one, once, and with the snapshot that it leads to. If it
names another revision than that of the snapshot which is replaced, a reset is appended in its place. To keep
changes is optional for a store.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from watchman_cli import snapshot
from watchman_cli.errors import StoreError
from watchman_cli.snapshot import Head

if TYPE_CHECKING:
    from watchman_cli.changes.batch import Batch

LOCK_GRACE = 5.0  # seconds after its deadline for which a lease of a run that was killed stays at most
ADDRESS_WAIT = 0.5  # part of a lease's time for which it waits for an address that another run reads
FIRST_POLL, LAST_POLL = 0.02, 0.25  # seconds between two looks at such an address
MAX_BATCHES = 1440  # that are kept of a server in Redis: of a day, with a run each minute
MAX_BATCH = 64 << 20  # bytes that are read of one
Field = Literal["status", "health", "sync"]  # a value of a server
MAX_VALUE: dict[Field, int] = {"status": 512 << 20, "health": 1 << 20, "sync": 64 << 20}  # bytes to read


@dataclass(frozen=True)
class StoredState:
    """What earlier runs left of one server.

    `raw_head` is the first snapshot.HEAD_SIZE bytes of the snapshot, `size` its length in bytes, 0 where
    there is none; `head` is None where it is not a snapshot of watchman's. `health` and `sync` are whole,
    and empty where there is none, or something that cannot be one.
    """

    head: Head | None
    raw_head: bytes
    size: int
    health: bytes
    sync: bytes

    @classmethod
    def from_values(cls, status: bytes, health: bytes, sync: bytes) -> StoredState:
        """Return the state of a server with these values; a missing one is empty."""
        raw_head = status[: snapshot.HEAD_SIZE]
        return cls(snapshot.parse_head(raw_head), raw_head, len(status), health, sync)

    def after(self, update: Update) -> StoredState:
        """Return what is stored once `update` is written."""
        raw_head, size = self.raw_head, self.size
        if update.snapshot is not None:
            raw_head, size = update.snapshot[: snapshot.HEAD_SIZE], len(update.snapshot)
        elif update.new_time is not None:
            raw_head = with_time(raw_head, update.new_time)
        return StoredState(
            head=snapshot.parse_head(raw_head),
            raw_head=raw_head,
            size=size,
            health=update.health,
            sync=self.sync if update.sync is None else update.sync,
        )

    def superseded_by(self, head: Head | None, update: Update) -> bool:
        """Return whether the snapshot of `head` is later than this one and than that of `update`."""
        if head is None or (self.head and head.collected_time <= self.head.collected_time):
            return False
        own = snapshot.parse_head(update.snapshot[: snapshot.HEAD_SIZE]) if update.snapshot else None
        return own is None or head.collected_time > own.collected_time


@dataclass(frozen=True)
class Update:
    """What a run writes of one server, all of it or nothing.

    Either `snapshot` is a new one, or `new_time` is the time to set in the stored one, or the snapshot stays
    as it is. `sync` is None where it stays, and empty where it is to be deleted. `expire` is the number of
    seconds after which the store drops the snapshot; None where it stays for ever. It is given when a server
    could not be read, too: what was configured since the snapshot was written counts from then on.
    `changes` is appended with the snapshot, and with `publish_snapshot` the snapshot itself is published.
    `lifetime` is the number of seconds after which the store drops everything of the server, if it can: it
    is given by a probe, which may be killed before it has removed what it wrote.
    """

    health: bytes
    snapshot: bytes | None = None
    new_time: str | None = None
    sync: bytes | None = None
    expire: int | None = None
    changes: Batch | None = None
    publish_snapshot: bool = False
    lifetime: int | None = None


class StoredBatch(NamedTuple):
    """The bytes of a batch of changes, and the position in the store after which the next one is."""

    position: str
    value: bytes


def with_time(value: bytes, new_time: str) -> bytes:
    """Return a snapshot, or the beginning of one, with another time."""
    end = snapshot.TIME_OFFSET + snapshot.TIME_SIZE
    return value[: snapshot.TIME_OFFSET] + new_time.encode() + value[end:]


def is_whole(value: bytes, head: Head | None) -> bool:
    """Return whether `value` is the whole snapshot of `head`, byte for byte as it was written."""
    try:
        snapshot.records_of(value, head.revision if head else "")
    except snapshot.NotWhole:
        return False
    return True


class LeaseLost(Exception):
    """Another run has taken over this server, and what it writes is newer; says how that is known.

    It is proved: the lock names another run that may be alive, or a later snapshot is there.
    """


class SnapshotChanged(Exception):
    """The snapshot whose time was to be set is no longer the one that was read."""


class Lease(ABC):
    """The right to read and write one server, for one run; released when its context ends."""

    stored: StoredState
    warnings: list[str]  # what an operator should know: a lock that was taken over, what the store lost

    def __init__(self) -> None:
        self.warnings = []

    @abstractmethod
    def value(self, field: Field) -> bytes | None:
        """Return the whole value `status`, `health` or `sync`; None where there is none.

        Raises StoreError.
        """

    @abstractmethod
    def commit(self, update: Update, *, end: bool = True) -> None:
        """Write `update`, and end the lease unless `end` is False.

        Raises LeaseLost, SnapshotChanged or StoreError.
        """

    @abstractmethod
    def release(self) -> None:
        """End the lease."""

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Store(ABC):
    """Where snapshots are kept. `url` names it without its password."""

    url: str
    why_gone: ClassVar[str] = "it was deleted from the store"  # a value that a run had written
    stopped: threading.Event  # once it is set, nothing is waited for any more: the run is interrupted

    def __init__(self, url: str) -> None:
        self.url = url
        self.stopped = threading.Event()

    @abstractmethod
    def check(self, deadline: float) -> None:
        """Raise StoreError if the store cannot be reached by `deadline`, a time.monotonic()."""

    @abstractmethod
    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        """Return the right to read and write the server `name` until `deadline`; None if another run has it.

        With `address`, no other lease of that address exists at the same time. Raises StoreError.
        """

    @abstractmethod
    def value(self, name: str, field: Field) -> bytes | None:
        """Return the value `status`, `health` or `sync` of the server `name`; None where there is none.

        Raises StoreError, and BadSnapshot where something else than a value is in its place.
        """

    @abstractmethod
    def remove(self, name: str, address: str) -> None:
        """Delete everything of the server `name` and of the lock of `address`. Raises StoreError.

        It is for a probe (probe.py), which has no lease any more: nothing else removes a server.
        """

    def head(self, name: str) -> bytes:
        """Return the first snapshot.HEAD_SIZE bytes of a server's snapshot; empty where there is none.

        Raises what `value` does. A store that can read a part of a value overrides it.
        """
        return (self.value(name, "status") or b"")[: snapshot.HEAD_SIZE]

    def changes_after(self, name: str, position: str, wait: float = 0) -> Sequence[StoredBatch]:
        """Return some batches of a server's changes after a position: the empty one is before all of them.

        Where there is none, `wait` for that many seconds at most. Raises StoreError.
        """
        raise self._without_changes

    def changes_end(self, name: str) -> str:
        """Return the position after the last batch; empty where there is none. Raises StoreError."""
        raise self._without_changes

    def keeps_changes_from(self, name: str, position: str) -> bool:
        """Return whether none was dropped of the batches after the one at a position. Raises StoreError."""
        return True

    def changes_at(self, seconds: float) -> str:
        """Return a position after which all batches are that were appended from a time.time() on."""
        return ""

    @property
    def _without_changes(self) -> StoreError:
        return StoreError(f"store {self.url}: a store of this kind keeps no changes")

    def set_timeout(self, seconds: float) -> None:  # noqa: B027 (a store that does not wait has none)
        """Bound the wait for one answer of the store, so that a deadline can be kept."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""


def wait_for_address(take: Callable[[], bool], deadline: float, stopped: threading.Event) -> bool:
    """Return whether `take` succeeds, retried for a part of the time until `deadline` or until `stopped`."""
    now, pause = time.monotonic(), FIRST_POLL
    give_up = now + (deadline - now) * ADDRESS_WAIT
    while not take():
        if time.monotonic() + pause > give_up or stopped.wait(pause):
            return False
        pause = min(2 * pause, LAST_POLL)
    return True
