"""A store in a directory: `owner/repo/status` is the file `owner/repo/status.json`, replaced as a whole.

Each file of an Update is replaced by itself, the snapshot first. The directories must belong to the user who
runs watchman or to root, and must not be world-writable: a user who can write there can replace any file by a
link. A file that is world-writable, or that belongs to another user, is ignored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from watchman_cli import snapshot
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.files import temporary_name, write_new
from watchman_cli.store.base import (
    MAX_VALUE,
    Field,
    Lease,
    LeaseLost,
    Store,
    StoredBatch,
    StoredState,
    Update,
    wait_for_address,
)
from watchman_cli.store.commit import (
    Current,
    Owner,
    check_lease,
    decide,
    needed_part,
    needs_health,
    new_value,
)
from watchman_cli.store.directory.files import open_regular, read_regular, translating_os_errors, unlink
from watchman_cli.store.directory.folders import Folders
from watchman_cli.store.directory.lock import DirectoryLock
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.changes.batch import Batch
    from watchman_cli.details.stored import StoredDetails

ADDRESSES = ".addresses"  # no owner's name begins with a dot
_ATTEMPTS = 3  # to lease or publish while the directory or the lock is taken away


class DirectoryStore(Store):
    """A store in a directory, on a local disk or on NFS."""

    def __init__(self, root: Path) -> None:
        super().__init__(f"file://{printable(str(root))}")
        self.root = root
        self._folders = Folders(root, self.url)

    def check(self, deadline: float) -> None:
        with translating_os_errors(self.url):
            os.close(self._folders.open_root())

    def value(self, name: str, field: Field) -> bytes | None:
        with translating_os_errors(self.url):
            trusted = self.trusted_users()
            with suppress(FileNotFoundError, NotADirectoryError):
                return read_regular(self.root / name / file_name(field), MAX_VALUE[field], trusted)
        return None

    def head(self, name: str) -> bytes:
        path = self.root / name / file_name("status")
        with translating_os_errors(self.url), suppress(FileNotFoundError, NotADirectoryError):
            with open_regular(path, self.trusted_users()) as file:
                return file.read(snapshot.HEAD_SIZE)
        return b""

    def close(self) -> None:
        """Nothing is kept open."""

    def details(self, name: str, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        from watchman_cli.store.directory import details

        with translating_os_errors(self.url):
            found = details.read(self.root / name, fields, paths, self.trusted_users())
            return found._replace(raw_head=self.head(name))

    def changes_after(self, name: str, position: str, wait: float = 0) -> Sequence[StoredBatch]:
        from watchman_cli.store.directory import changes

        return changes.await_after(self, name, position, wait)

    def changes_end(self, name: str) -> str:
        from watchman_cli.store.directory import changes

        return changes.end_of(self, name)

    def keeps_changes_from(self, name: str, position: str) -> bool:
        from watchman_cli.store.directory import changes

        return changes.has(self, name, position)

    def silences(self, name: str) -> bytes:
        from watchman_cli.store.directory import silences

        return silences.read(self, name)

    def change_silences(self, name: str, change: Callable[[bytes], bytes]) -> None:
        from watchman_cli.store.directory import silences

        with translating_os_errors(self.url):
            folder = self._folders.open(*name.split("/"), silences.FOLDER)
            silences.change(self, name, folder, change)

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        with translating_os_errors(self.url):
            for _ in range(_ATTEMPTS - 1):
                with suppress(FileNotFoundError):  # a probe has just removed an empty directory that it made
                    return self._lease(name, deadline, address)
            return self._lease(name, deadline, address)

    def _lease(self, name: str, deadline: float, address: str | None) -> Lease | None:
        """Return a lease, or None. Raises OSError and StoreError."""
        lifetime = max(1.0, deadline - time.monotonic())
        locks: list[DirectoryLock] = []
        try:
            locks.append(DirectoryLock(self._folders.open(*name.split("/")), lifetime))
            taken = locks[0].take()
            if taken and address:
                folder = self._folders.open(ADDRESSES, quote(address, safe=""))
                locks.append(DirectoryLock(folder, lifetime))
                taken = wait_for_address(locks[1].take, deadline, self.stopped)
            if taken:
                return DirectoryLease(self, name, locks)
        except BaseException:
            _release(locks)
            raise
        _release(locks)
        return None

    def remove(self, name: str, address: str) -> None:
        with translating_os_errors(self.url):
            for folder in (self.root / name, self.root / ADDRESSES / quote(address, safe="")):
                with suppress(FileNotFoundError):
                    for file in list(folder.iterdir()):
                        with suppress(FileNotFoundError, IsADirectoryError):  # another probe's, or its lock
                            file.unlink()
            self._folders.remove_made()

    def put(self, name: str, field: Field, data: bytes) -> None:
        """Write one value alone, without a lease; delete it if `data` is empty. Raises StoreError."""
        with translating_os_errors(self.url):
            folder = self._folders.open(*name.split("/"))
            try:
                if data:
                    part = temporary_name()
                    write_new(part, data, folder)
                    os.rename(part, file_name(field), src_dir_fd=folder, dst_dir_fd=folder)
                else:
                    unlink(file_name(field), folder)
            finally:
                os.close(folder)

    def check_exists(self) -> None:
        """Raise StoreError if the directory is missing."""
        if not self.root.is_dir():
            raise StoreError(f"store {self.url}: no such directory")

    def trusted_users(self) -> tuple[int, ...]:
        """Return the users whose files are trusted: the caller, root, and the store's owner, for readers.

        Raises OSError, and StoreError if the directory is missing.
        """
        self.check_exists()
        return os.geteuid(), 0, self.root.stat().st_uid


class DirectoryLease(Lease):
    """The right to read and write one server whose values are in a directory."""

    def __init__(self, store: DirectoryStore, name: str, locks: list[DirectoryLock]) -> None:
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

    def has_details(self) -> bool:
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
        _release(self._locks)


def file_name(field: Field) -> str:
    """Return the name of a value's file."""
    return field if field == "sync" else f"{field}.json"


def _release(locks: list[DirectoryLock]) -> None:
    for lock in locks:
        lock.release()
