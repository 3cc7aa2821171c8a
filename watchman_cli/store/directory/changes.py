"""A server's changes in a directory: the file `changes.jsonl`, a line of JSON for each batch.

A position is the file's inode number and an offset in the file. If a position is of another file by chance,
a consumer notices it by the revisions in the batches.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.files import FILE_MODE, why_distrusted
from watchman_cli.store.directory.files import Files, check_regular, open_regular, translating_os_errors
from watchman_cli.store.values import StoredBatch

FILE, OLDER = "changes.jsonl", "changes.jsonl.1"
MAX_SIZE = 16 << 20  # bytes of a file; then a new file begins
POLL = 0.5  # seconds between two looks at the file
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def append(folder: int, batch: bytes) -> None:
    """Append a batch in one write, in a new file if the last one is full. Raises OSError, BadSnapshot.

    If a killed run has left a part of a line, it stays a line by itself.
    """
    with suppress(FileNotFoundError):
        status = os.stat(FILE, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode) and why_distrusted(status, (os.geteuid(), 0)):
            os.unlink(FILE, dir_fd=folder)  # every reader ignores it
        elif status.st_size >= MAX_SIZE:
            os.rename(FILE, OLDER, src_dir_fd=folder, dst_dir_fd=folder)
    descriptor = os.open(FILE, _APPEND, FILE_MODE, dir_fd=folder)
    try:
        check_regular(descriptor)
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        line = (b"\n" if torn else b"") + batch + b"\n"
        if os.write(descriptor, line) < len(line):
            raise OSError(None, f"{FILE} could not be written whole")
    finally:
        os.close(descriptor)


def await_after(files: Files, name: str, position: str, wait: float) -> list[StoredBatch]:
    """Return the batches after a position; wait for them for `wait` seconds. Raises StoreError."""
    folder, end = files.root / name, time.monotonic() + wait
    with translating(files, name):
        while True:
            before = _state_of(folder / FILE)
            found = _read_after(folder, position, files.trusted_users())
            if found:
                return found
            while _state_of(folder / FILE) == before:
                left = end - time.monotonic()
                if left <= 0 or files.stopped.wait(min(POLL, left)):
                    return []


def _read_after(folder: Path, position: str, trusted: Collection[int]) -> list[StoredBatch]:
    """Return the batches after a position, from the older file too if the position is not in the newer.

    Raises OSError and BadSnapshot.
    """
    number, _, offset = position.partition(":")
    found: list[StoredBatch] = []
    for name in (FILE, OLDER):
        with suppress(FileNotFoundError, NotADirectoryError):
            with open_regular(folder / name, trusted) as file:
                known = os.fstat(file.fileno())
                here = str(known.st_ino) == number and int(offset) <= known.st_size
                start = int(offset) if here else 0
                file.seek(start)
                found[:0] = _lines(file.read(), known.st_ino, start)
                if here:
                    break
    return found


def _lines(data: bytes, number: int, start: int) -> list[StoredBatch]:
    """Return the whole lines. A line without an end is still being written, or its run was killed."""
    found = []
    for line in data.splitlines(keepends=True):
        start += len(line)
        if line.endswith(b"\n") and len(line) > 1:
            found.append(StoredBatch(f"{number}:{start}", line[:-1]))
    return found


def end_of(files: Files, name: str) -> str:
    """Return the position after the last batch, or an empty string. Raises StoreError."""
    with translating(files, name):
        trusted = files.trusted_users()
        with suppress(FileNotFoundError, NotADirectoryError):
            with open_regular(files.root / name / FILE, trusted) as file:
                number = os.fstat(file.fileno()).st_ino
                lines = _lines(file.read(), number, 0)
                return lines[-1].position if lines else f"{number}:0"
    return ""


def has(files: Files, name: str, position: str) -> bool:
    """Return whether a position is in one of the two files. Raises StoreError."""
    with translating(files, name):
        states = [_state_of(files.root / name / file) for file in (FILE, OLDER)]
    number, _, offset = position.partition(":")
    return any(known > 0 and str(known) == number and int(offset) <= size for known, size in states)


@contextmanager
def translating(files: Files, name: str) -> Iterator[None]:
    """Raise a failure of the files of a server's changes as a StoreError."""
    try:
        with translating_os_errors(files.url):
            yield
    except BadSnapshot as error:
        raise StoreError(f"store {files.url}: the changes of {name}: {error}") from error


def _state_of(file: Path) -> tuple[int, int]:
    """Return the inode number and the size of a file; an append changes them."""
    try:
        known = file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return 0, 0
    return known.st_ino, known.st_size
