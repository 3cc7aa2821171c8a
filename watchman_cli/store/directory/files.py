"""The files of a directory store: only regular files are read; a failure becomes a StoreError."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.files import why_distrusted
from watchman_cli.store.values import Field
from watchman_cli.text import printable


class Files(Protocol):
    """A directory store, as the modules below it use it."""

    root: Path
    url: str
    stopped: threading.Event

    def trusted_users(self) -> tuple[int, ...]:
        """Return the users whose files are trusted. Raises OSError and StoreError."""


def read_regular(path: Path, limit: int, trusted: Collection[int]) -> bytes:
    """Return the content of a file. Raises OSError, and BadSnapshot if watchman cannot have written it."""
    with open_regular(path, trusted) as file:
        value = file.read(limit + 1)
    if len(value) > limit:
        raise BadSnapshot(f"it is larger than {limit >> 20} MB")
    return value


def open_regular(path: Path, trusted: Collection[int]) -> BinaryIO:
    """Open a file to be read.

    Raises OSError, and BadSnapshot if it is not a regular file, or an untrusted user may have written it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise BadSnapshot("it is not a regular file") from error
        raise
    try:
        check_regular(descriptor)
        reason = why_distrusted(os.fstat(descriptor), trusted)
        if reason:
            raise BadSnapshot(f"{reason}, so it is ignored until a run replaces it: {printable(str(path))}")
    except BadSnapshot:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def check_regular(descriptor: int) -> None:
    """Raise BadSnapshot if a descriptor is not of a regular file."""
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise BadSnapshot("it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file")


def unlink(name: str, folder: int) -> None:
    """Delete a file of an open directory, if it exists. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


@contextmanager
def translating_os_errors(url: str) -> Iterator[None]:
    """Raise an OSError of a file as a StoreError."""
    try:
        yield
    except OSError as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        place = f": {error.filename}" if missing else ""
        raise StoreError(f"store {url}: {error.strerror}{place}") from error


def file_name(field: Field) -> str:
    """Return the name of a value's file."""
    return field if field == "sync" else f"{field}.json"
