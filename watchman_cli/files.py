"""Files that are replaced as a whole: a reader finds the old one or the new one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TEMPORARY = ".watchman."  # begins the names of what is left behind only by a run that was killed
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
