"""A store in a directory: `owner/repo/status` is the file `owner/repo/status.json`, replaced as a whole.

Each file of an Update is replaced by itself, the snapshot first. The directories must belong to the user who
runs watchman or to root, and must not be world-writable: a user who can write there can replace any file by a
link. A file that is world-writable, or that belongs to another user, is ignored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from watchman_cli import snapshot
from watchman_cli.errors import StoreError
from watchman_cli.files import temporary_name, write_new
from watchman_cli.store.base import Lease, Store, wait_for_address
from watchman_cli.store.directory.files import (
    file_name,
    open_regular,
    read_regular,
    translating_os_errors,
    unlink,
)
from watchman_cli.store.directory.folders import Folders
from watchman_cli.store.directory.lease import DirectoryLease, release_all
from watchman_cli.store.directory.lock import DirectoryLock
from watchman_cli.store.values import MAX_VALUE, Field, StoredBatch
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.details.stored import StoredDetails

ADDRESSES = ".addresses"  # no owner's name begins with a dot
_ATTEMPTS = 3  # to lease while the directory is taken away


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
            release_all(locks)
            raise
        release_all(locks)
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
