"""Files that are replaced as a whole: a reader finds the old one or the new one.

With any umask, other users can neither write these files nor add to their directories: watchman does not
trust a file that others can write.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".watchman."  # begins the names of files that only a killed run leaves
FILE_MODE, DIRECTORY_MODE = 0o644, 0o755  # less the umask
_LOCK_POLL = 0.01  # seconds
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def temporary_name() -> str:
    """Return an unused name."""
    return f"{TEMPORARY}{os.urandom(8).hex()}"


def write_new(path: str, data: bytes, folder: int, *, durably: bool = True, mode: int = FILE_MODE) -> None:
    """Write a new file whole, below the open directory `folder`; if that fails, no file is left.

    Raises OSError.
    """
    descriptor = os.open(path, _NEW_FILE, mode, dir_fd=folder)
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


def replace_file(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Write a file in place of an older one, or of a link, which is not followed. Raises OSError.

    A link to an open file of a process, such as /dev/stdout, is refused.
    """
    with suppress(FileNotFoundError):
        if path.is_symlink() and os.readlink(path).startswith("/proc/"):  # noqa: PTH115 (as it is written)
            raise OSError(errno.EINVAL, "a link to an open file of a process")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        part = temporary_name()
        write_new(part, data, folder, durably=False, mode=mode)
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
    """Hold the lock of a directory; the kernel releases it with any end of this process.

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


def why_distrusted(status: os.stat_result, trusted: Collection[int]) -> str | None:
    """Return why others than the trusted users may have written a file or directory, or None.

    In a directory with the sticky bit, such as /tmp, users can replace only their own files.
    """
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & stat.S_IWOTH and not sticky:
        return "it is world-writable"
    return None if status.st_uid in trusted else f"it belongs to user {status.st_uid}"


def make_directories(path: Path) -> list[Path]:
    """Make a directory and those above it, if they are missing; return those made. Raises OSError."""
    made = []
    missing = [each for each in (path, *path.parents) if not each.is_dir()]
    for each in reversed(missing):
        try:
            each.mkdir(DIRECTORY_MODE)
            made.append(each)
        except FileExistsError:  # another run was faster, or it is a file
            if not each.is_dir():
                raise
    return made
