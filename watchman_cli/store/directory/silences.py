"""The silences of a server in a directory: the file `OWNER/REPO/silences/silences.json`.

It has a directory of its own, and so a lock of its own: a server can be silenced while a run reads it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store.base import CHANGE_TIMEOUT, wait_for_address
from watchman_cli.store.directory.files import Files, read_regular, translating_os_errors, unlink
from watchman_cli.store.directory.lock import DirectoryLock
from watchman_cli.store.values import MAX_SILENCES

FOLDER, FILE = "silences", "silences.json"


def read(store: Files, name: str) -> bytes:
    """Return a server's silences, or empty bytes. Raises StoreError."""
    with translating_os_errors(store.url):
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError, BadSnapshot):
            return read_regular(store.root / name / FOLDER / FILE, MAX_SILENCES, store.trusted_users())
    return b""


def change(store: Files, name: str, folder: int, make: Callable[[bytes], bytes]) -> None:
    """Replace a server's silences, in an open folder, which is closed. Raises OSError and StoreError."""
    lock = DirectoryLock(folder, CHANGE_TIMEOUT)
    try:
        if not wait_for_address(lock.take, time.monotonic() + 2 * CHANGE_TIMEOUT, store.stopped):
            raise StoreError(f"store {store.url}: another process is changing the silences of {name}")
        value = make(read(store, name))
        if not value:
            unlink(FILE, folder)
        elif not lock.publish(value, FILE):
            raise StoreError(f"store {store.url}: the lock of the silences of {name} was taken away")
    finally:
        lock.release()
