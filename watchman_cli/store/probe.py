"""A test of everything that a run does to a store, under its own name: no server's values change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone

from watchman_cli import snapshot
from watchman_cli.changes.batch import make_batch
from watchman_cli.details.stored import DetailsUpdate
from watchman_cli.errors import StoreError
from watchman_cli.store.base import Lease, LeaseLost, SnapshotChanged, Store
from watchman_cli.store.values import Update

LIFETIME = 60  # seconds after which a store drops the values of a killed probe
_ATTEMPTS = 10  # while other probes of the same server remove what they wrote
_PAUSE = 0.1  # seconds between two attempts at a lease that another probe has
_RECORD = b'{"path":"/","status":"%s"}'


class _Disturbed(StoreError):
    """A value or the lock was not kept: another probe of the same server may have removed it."""


def probe(store: Store, server: str, deadline: float, *, changes: bool, details: bool = False) -> None:
    """Write and read the values of `SERVER/.probe` as runs do, and delete them.

    If a store's permissions depend on the names of a server's keys, they include this name. With `changes`,
    changes are appended and published, too; with `details`, details are written, read and deleted. Nothing
    begins after `deadline`, a time.monotonic(). Raises StoreError.
    """
    name = f"{server}/.probe"
    address = f".probe/{name}"
    try:
        for _ in range(_ATTEMPTS - 1):
            with suppress(_Disturbed):
                _try(store, name, address, deadline, changes, details)
                break
        else:
            _try(store, name, address, deadline, changes, details)
    except BaseException:
        with suppress(StoreError):
            store.remove(name, address)
        raise
    store.remove(name, address)


def _try(store: Store, name: str, address: str, deadline: float, changes: bool, details: bool) -> None:
    """Take a lease, and write. Raises StoreError."""
    try:
        with _lease(store, name, deadline, address) as lease:
            second = store.lease(name, deadline)
            if second is not None:
                second.release()
                raise _Disturbed(f"store {store.url}: two runs can have the lease of {name}")
            _write(lease, name, [_now(), _now(), _now()], changes, details)
        if store.value(name, "health") != b"4":
            raise SnapshotChanged
    except LeaseLost as error:
        raise _Disturbed(f"store {store.url}: the lock of {name} is not kept: {error}") from error
    except SnapshotChanged as error:
        raise _Disturbed(f"store {store.url}: {name} is not kept as it was written") from error


def _lease(store: Store, name: str, deadline: float, address: str) -> Lease:
    """Return the lease of a name, once no other probe has it. Raises StoreError."""
    while True:
        lease = store.lease(name, deadline, address)
        if lease is not None:
            return lease
        if time.monotonic() + _PAUSE > deadline:
            raise StoreError(f"store {store.url}: another run has the lease of {name}")
        store.stopped.wait(_PAUSE)


def _write(lease: Lease, name: str, times: Sequence[str], changes: bool, details: bool) -> None:
    """Write as each kind of run does. Raises StoreError, LeaseLost and SnapshotChanged."""
    first, _, last = times
    snapshots = [
        snapshot.encode(time, "RUNNING", [_RECORD % status])
        for time, status in ((first, b"queued"), (last, b"active"))
    ]
    heads = [snapshot.parse_head(each[: snapshot.HEAD_SIZE]) for each in snapshots]
    old, new = (head.revision if head else "" for head in heads)
    batches = [
        make_batch(name, time, ("RUNNING", "RUNNING"), revisions, ()) if changes else None
        for time, revisions in ((first, (None, old)), (last, (old, new)))
    ]
    updates = [
        Update(b"1", snapshot=snapshots[0], sync=b"s", changes=batches[0]),
        Update(b"2", new_time=times[1], sync=b"", expire=LIFETIME),
        Update(b"3", snapshot=snapshots[1], sync=b"s", changes=batches[1], expire=LIFETIME),
        Update(b"4", expire=LIFETIME),
    ]
    if details:
        whole = DetailsUpdate("1 1", {"/": b"1"}, {})
        changed = DetailsUpdate("1 2", None, {"/": b"2"}, "1 1")
        updates[0] = updates[0]._replace(details=whole)
        updates[1] = updates[1]._replace(details=changed, details_life="set")
        updates[3] = updates[3]._replace(details="delete")
    for update in updates:
        if update.changed_details and lease.changed_details(["/"]).stamp != update.changed_details.before:
            raise SnapshotChanged
        lease.commit(update._replace(lifetime=LIFETIME), end=update is updates[-1])
        if update.snapshot is not None and lease.value("status") != update.snapshot:
            raise SnapshotChanged
        if update.changed_details:  # a verification reads all of them
            found = lease.details(None, None)
            if (found.stamp, found.changed) != (update.changed_details.stamp, update.changed_details.changed):
                raise SnapshotChanged


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")
