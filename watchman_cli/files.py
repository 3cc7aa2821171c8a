"""Files that are replaced as a whole: a reader finds the old one or the new one."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".watchman."  # begins the names of what is left behind only by a run that was killed
_LOCK_POLL = 0.01  # seconds
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def temporary_name() -> str:
    """Return a name that nothing has."""
    return f"{TEMPORARY}{os.urandom(8).hex()}"


def write_new(path: str, data: bytes, folder: int, *, durably: bool = True) -> None:
    """Write a new file whole, below the open directory `folder`; when that fails, there is none.

    Raises OSError.
    """
    descriptor = os.open(path, _NEW_FILE, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if durably:
                os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            os.unlink(path, dir_fd=folder)
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in place of an older one, or of a link, which is not followed. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        part = temporary_name()
        write_new(part, data, folder, durably=False)
        try:
            os.rename(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise
    finally:
        os.close(folder)


@contextmanager
def locked(folder: Path, patience: float) -> Iterator[None]:
    """Hold the lock of a directory, which the kernel releases as this process ends, however it ends.

    Raises OSError, also if another process has the lock for all of `patience` seconds.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + patience
        while not _lock(descriptor):
            if time.monotonic() > end:
                raise OSError(errno.EWOULDBLOCK, f"another process holds the lock of {folder}")
            time.sleep(_LOCK_POLL)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open directory; return False while another process has the lock. Raises OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        reason = f"its directory cannot be locked ({error.strerror}), as on NFS: use one on a local disk"
        raise OSError(error.errno, reason) from error
    return True
