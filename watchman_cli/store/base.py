"""The contract of every store, in words.

A store keeps three values of each server: `status` (the snapshot), `health` and `sync`. It lends a server
to one run at a time: a lease.

`Store.lease` takes a lease, and reads `Lease.stored`: the values with which a run decides how to ask the
server. A lease ends with `commit`, with `release`, or with its context; each of them releases the lock. If
a run is killed, its lock stays. Another run takes the lock over as soon as its holder is proved dead
(holder.py), or some seconds after its deadline.

`commit` writes all of an `Update` or nothing, and is idempotent: if its answer is lost, the retry finds that
the update was written. The rules are in commit.py. A lost lock alone does not forbid the write: a store that
was restarted may have lost it with other values, and the run has read its server well. If LeaseLost or
SnapshotChanged is raised, nothing is written; after SnapshotChanged, the lease stays. A directory replaces
each file by itself, the snapshot first. If a run is killed in between, the sync cache and the changes may be
missing; the sync cache names its snapshot's revision.

`probe` (probe.py) does all of this under its own name, so that `config check --connect` finds a store on
which a run would fail. It removes its values: see `Store.remove`.

If an update has a batch of changes, the batch is appended once, with the snapshot. If the batch does not
follow the stored snapshot, a reset is appended instead. Keeping changes is optional for a store, and so is
keeping details (details/stored.py).

A store can also keep the silences of each server (silences/stored.py), for every run and reader that shares
it. `silences` reads them, and `change_silences` replaces them. They need no lease, and no lease waits for
them: a server can be silenced while a run reads it. Changes at the same time are made one after the other,
and none is lost.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from watchman_cli.errors import StoreError
from watchman_cli.snapshot import HEAD_SIZE, Head, prove
from watchman_cli.store.values import Field, StoredBatch, StoredState, Update

if TYPE_CHECKING:
    from watchman_cli.details.stored import StoredDetails

LOCK_GRACE = 5.0  # seconds that the lease of a killed run stays after its deadline, at most
ADDRESS_WAIT = 0.5  # part of a lease's time to wait for an address that another run reads
FIRST_POLL, LAST_POLL = 0.02, 0.25  # seconds between two looks at such an address
CHANGE_TIMEOUT = 10.0  # seconds in which a change of silences is made


class LeaseLost(Exception):
    """Another run has taken over this server and writes newer values; the message says how that is known.

    It is proved: the lock names another run that may be alive, or the store has a later snapshot.
    """


class SnapshotChanged(Exception):
    """The stored snapshot, in which a new time should be set, is not the leased one."""


class Lease(ABC):
    """The right to read and write one server, for one run; released when its context ends."""

    stored: StoredState
    warnings: list[str]  # for an operator: a lock that was taken over, data that the store lost

    def __init__(self) -> None:
        self.warnings = []

    @abstractmethod
    def value(self, field: Field) -> bytes | None:
        """Return a whole value, or None.

        Raises StoreError.
        """

    def prove(self, revision: str) -> Head:
        """Return the head of the stored snapshot, which has this revision: see snapshot.prove.

        A store that can read a part of a value overrides it, and keeps none. Raises NotWhole or StoreError.
        """
        return prove((self.value("status") or b"",), revision)

    def expect_details(self, paths: Sequence[str]) -> None:  # noqa: B027 (few stores can)
        """Note that `changed_details` of these nodes follows: a store may read them with the snapshot."""

    def changed_details(self, paths: Sequence[str]) -> StoredDetails:
        """Return the stamps of the stored details, and what is stored of these nodes' changes.

        Raises StoreError.
        """
        return self.details((), paths)

    def details(self, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        """Return what Store.details returns. Raises StoreError."""
        raise StoreError("a store of this kind keeps no details")

    def may_have_details(self) -> bool:
        """Return False if no details of the server are stored, not even a part. Raises StoreError.

        A store returns True without a look if it costs less to delete them.
        """
        return False

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
    why_gone: ClassVar[str] = "it was deleted from the store"  # why a written value is missing
    stopped: threading.Event  # set if the run is interrupted: every wait ends

    def __init__(self, url: str) -> None:
        self.url = url
        self.stopped = threading.Event()

    @abstractmethod
    def check(self, deadline: float) -> None:
        """Raise StoreError if the store is unreachable until `deadline`, a time.monotonic()."""

    @abstractmethod
    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        """Return the right to read and write the server `name` until `deadline`; None if another run has it.

        With `address`, no other lease of that address exists at the same time. Raises StoreError.
        """

    @abstractmethod
    def value(self, name: str, field: Field) -> bytes | None:
        """Return a value of the server `name`, or None.

        Raises StoreError, and BadSnapshot if the stored value is of another type or too large.
        """

    @abstractmethod
    def remove(self, name: str, address: str) -> None:
        """Delete everything of the server `name` and of the lock of `address`. Raises StoreError.

        Only a probe (probe.py) calls it, after the end of its lease.
        """

    def head(self, name: str) -> bytes:
        """Return the first snapshot.HEAD_SIZE bytes of a server's snapshot, or empty bytes.

        Raises the exceptions of `value`. A store that can read a part of a value overrides it.
        """
        return (self.value(name, "status") or b"")[:HEAD_SIZE]

    def changes_after(self, name: str, position: str, wait: float = 0) -> Sequence[StoredBatch]:
        """Return some batches of a server's changes after a position; "" is before all of them.

        If the store has no such batch yet, wait for `wait` seconds at most. Raises StoreError.
        """
        raise self._without_changes

    def await_changes(self, positions: Mapping[str, str], wait: float) -> Collection[str]:
        """Return the servers that may have a batch after their position; wait for one for `wait` seconds.

        A store that cannot wait for several servers returns all of them after that time. Raises StoreError.
        """
        self.stopped.wait(wait)
        return positions

    def changes_end(self, name: str) -> str:
        """Return the position after the last batch, or an empty string. Raises StoreError."""
        raise self._without_changes

    def keeps_changes_from(self, name: str, position: str) -> bool:
        """Return whether the store still has every batch after a position. Raises StoreError."""
        return True

    def changes_at(self, seconds: float) -> str:
        """Return a position before all batches that were appended since a time.time()."""
        return ""

    @property
    def _without_changes(self) -> StoreError:
        return StoreError(f"store {self.url}: a store of this kind keeps no changes")

    def details(self, name: str, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        """Return some fields of a server's details and what changed of some nodes; without a list, all.

        They are read at one moment, with the beginning of the snapshot. Raises StoreError.
        """
        raise StoreError(f"store {self.url}: a store of this kind keeps no details")

    def silences(self, name: str) -> bytes:
        """Return a server's silences as they are stored, or empty bytes. Raises StoreError.

        They are empty as well if the value is unusable, or the user may not read it: then alarms go on.
        """
        return b""

    def change_silences(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Replace a server's silences by what `change` makes of them; empty bytes delete them.

        `change` is called again if another process has changed them meanwhile. Raises StoreError.
        """
        raise StoreError(f"store {self.url}: a store of this kind keeps no silences")

    def set_timeout(self, seconds: float) -> None:  # noqa: B027 (a store that does not wait has none)
        """Limit the wait for one answer of the store, so that a deadline can be kept."""

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
