"""A lease of one server in a directory: its lock is held while its files are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store.base import Lease, LeaseLost
from watchman_cli.store.commit import (
    Current,
    Owner,
    check_lease,
    decide,
    needed_part,
    needs_health,
    new_value,
)
from watchman_cli.store.directory.files import Files, file_name, translating_os_errors, unlink
from watchman_cli.store.directory.lock import DirectoryLock
from watchman_cli.store.values import MAX_VALUE, Field, StoredState, Update
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.changes.batch import Batch
    from watchman_cli.details.stored import StoredDetails

_ATTEMPTS = 3  # to publish while the lock is taken away


class Values(Files, Protocol):
    """A directory store, as a lease reads it."""

    def value(self, name: str, field: Field) -> bytes | None:
        """Return a value, or None. Raises BadSnapshot and StoreError."""

    def details(self, name: str, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        """Return details of a server. Raises StoreError."""


class DirectoryLease(Lease):
    """The right to read and write one server whose values are in a directory."""

    def __init__(self, store: Values, name: str, locks: list[DirectoryLock]) -> None:
        """Begin a lease with `locks`: the name's, and optionally the address's."""
        super().__init__()
        self._store, self._name, self._locks = store, name, locks
        self._read: bytes | None = None  # the whole snapshot, as `value` returned it
        for lock in locks:
            if lock.taken_over:
                self.warnings.append(
                    f"store {store.url}: took over the lock of {name} from {printable(lock.taken_over)}, "
                    "which is past its deadline: it was stopped or hangs"
                )
        status, health, sync = (self._get(field) or b"" for field in MAX_VALUE)
        self.stored = StoredState.from_values(status, health, sync)

    def value(self, field: Field) -> bytes | None:
        value = self._get(field) or None
        if field == "status":
            self._read = value
        return value

    def _get(self, field: Field) -> bytes | None:
        """Return a value, or None if it is missing or invalid: the next commit replaces it."""
        try:
            return self._store.value(self._name, field)
        except BadSnapshot as error:
            if (self._store.root / self._name / file_name(field)).is_dir():
                raise StoreError(f"store {self._store.url}: {self._name}/{field}: {error}") from error
            return None

    def details(self, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        return self._store.details(self._name, fields, paths)

    def may_have_details(self) -> bool:
        from watchman_cli.store.directory import details

        folder = self._store.root / self._name
        return any((folder / name).is_file() for name in (details.BASE, details.CHANGED))

    def commit(self, update: Update, *, end: bool = True) -> None:
        with translating_os_errors(self._store.url):
            current = self._current(update)
            with self._giving_back():
                batch, _ = decide(self.stored, update, current, self._read)
            value = new_value(update, current.value)
            if update.details is not None:
                self._write_details(update)
            if value is not None:
                self._publish("status", value, update)
                # If the lock is lost from here on, this snapshot is not another run's.
                self.stored = self.stored.after(Update(self.stored.health, snapshot=value))
            if update.sync is not None:
                self._publish("sync", update.sync, update)
            if batch is not None:  # before the health record, which records that changes are kept
                self._append(batch, update)
            self._publish("health", update.health, update)
        if end:
            self.release()
        else:
            self.stored = self.stored.after(update)
            self._read = None

    def _current(self, update: Update) -> Current:
        """Return the server's current state in the store; take the lock anew if it is gone."""
        lock = self._locks[0]
        owner: Owner = "this run"
        if not lock.is_held():
            owner = "no run" if lock.take() else "another run"
        needed = needed_part(update, owner)
        value = b"" if needed == "nothing" else self._get("status") or b""
        stamp = self.changed_details(()).stamp if update.changed_details else ""
        health = (self._get("health") or b"") if needs_health(update, owner) else b""
        return Current(owner, value, details=stamp, health=health)

    def _write_details(self, update: Update) -> None:
        """Write the details before the snapshot: if a run ends in between, they are another snapshot's."""
        from watchman_cli.store.directory import details

        if update.changed_details:
            folder, trusted = self._store.root / self._name, self._store.trusted_users()
            changes = details.encode_changes(folder, update.changed_details, trusted)
            self._publish_file(details.CHANGED, changes, update)
            return
        self._publish_file(details.CHANGED, b"", update)
        whole = update.details
        base = b"" if whole is None or whole == "delete" else details.encode_base(whole)
        self._publish_file(details.BASE, base, update)

    @contextmanager
    def _giving_back(self) -> Iterator[None]:
        """Release the lock, which may be taken anew, if the lease is lost."""
        try:
            yield
        except LeaseLost:
            self._locks[0].give_back()
            raise

    def _check_lock(self, update: Update) -> None:
        """Raise LeaseLost if another run has the server now, or wrote it since the lease was taken."""
        with self._giving_back():
            check_lease(self.stored, update, self._current(update))

    def _publish(self, field: Field, data: bytes, update: Update) -> None:
        self._publish_file(file_name(field), data, update)

    def _publish_file(self, name: str, data: bytes, update: Update) -> None:
        """Replace a file of the server, or delete it if `data` is empty."""
        lock = self._locks[0]
        if not data:
            unlink(name, lock.folder)
            return
        for _ in range(_ATTEMPTS):
            if lock.publish(data, name):
                return
            self._check_lock(update)  # the lock was taken away meanwhile, by another run or a user
        raise OSError(None, "its lock vanishes again and again, and no run has it")

    def _append(self, batch: Batch, update: Update) -> None:
        from watchman_cli.store.directory import changes

        self._check_lock(update)
        with changes.translating(self._store, self._name):
            changes.append(self._locks[0].folder, batch.encode())

    def release(self) -> None:
        release_all(self._locks)


def release_all(locks: Iterable[DirectoryLock]) -> None:
    """Release the locks."""
    for lock in locks:
        lock.release()
