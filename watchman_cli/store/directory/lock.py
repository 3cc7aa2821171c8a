"""The lock of a directory store: a directory `lock`, in which its owner also prepares new files.

A directory can be renamed to a name only if the name is unused or an empty directory, on NFS too; so only one
run has the lock. It contains the owner's token, and the lifetime of the lock in seconds, from its time of
writing by the file server's clock. If a run is stopped, it does not release its lock, and another run renames
the lock away. If the stopped run then continues, it publishes a file by renaming it out of the lock. The
lock's path is gone by then, or is another run's: the rename fails, and overwrites nothing.
"""

from __future__ import annotations

import errno
import math
import os
import stat
import threading
from contextlib import suppress

from watchman_cli.files import DIRECTORY_MODE, TEMPORARY, temporary_name, write_new
from watchman_cli.store import holder
from watchman_cli.store.base import LOCK_GRACE

NAME, _OWNER = "lock", "owner"
_ATTEMPTS = 5  # to take a lock that is just being released
_MAX_OWNER = 4096  # bytes
_LEFT_BEHIND = 60.0  # seconds after which no run uses a temporary name


class DirectoryLock:
    """The lock in one folder, whose descriptor it owns and closes."""

    def __init__(self, folder: int, lifetime: float) -> None:
        self.folder = folder
        self._releasing = threading.Lock()
        self.taken_over: str | None = None  # the process that did not release it in time
        self._content = f"{holder.new_token().decode()}\n{lifetime:.3f}\n".encode()

    def take(self) -> bool:
        """Take the lock; return False if another run has it, which is proved. Raises OSError."""
        prepared = temporary_name()
        os.mkdir(prepared, DIRECTORY_MODE, dir_fd=self.folder)
        try:
            write_new(f"{prepared}/{_OWNER}", self._content, self.folder, durably=False)
            now = self._modified(f"{prepared}/{_OWNER}")
            for _ in range(_ATTEMPTS):
                if self._rename(prepared, NAME):
                    self._sweep(now)
                    return True
                if not self._clear(now):
                    return False
            raise OSError(None, "its lock is damaged, or another process keeps changing it")
        finally:
            self._delete(prepared)

    def is_held(self) -> bool:
        """Return whether the lock is still this run's."""
        return self._owner(NAME) == self._content

    def publish(self, data: bytes, name: str) -> bool:
        """Write `data` to the file `name` of the folder, whole; return False if the lock is another's.

        Raises OSError, and then the old file stays.
        """
        part = f"{NAME}/{os.urandom(8).hex()}"
        try:
            write_new(part, data, self.folder)
        except FileNotFoundError:
            return False
        if not self.is_held():  # the part is in the lock of a later run
            with suppress(OSError):
                os.unlink(part, dir_fd=self.folder)
            return False
        try:
            os.rename(part, name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        except FileNotFoundError:
            return False
        except OSError:
            with suppress(OSError):
                os.unlink(part, dir_fd=self.folder)
            raise
        return True

    def give_back(self) -> None:
        """Release the lock if it is still this run's."""
        with suppress(OSError):
            if self.is_held():
                self._move_away(self._content)

    def release(self) -> None:
        """Release the lock and close the folder; if another thread does so, wait for it."""
        with self._releasing:
            if self.folder >= 0:
                self.give_back()
                os.close(self.folder)
                self.folder = -1

    def _clear(self, now: float) -> bool:
        """Rename away a lock whose owner is dead or too late; return False while its owner has it."""
        content = self._owner(NAME)
        if content is None:  # it was just released, or it is damaged
            return abs(now - self._modified(NAME)) <= LOCK_GRACE or self._move_away(None)
        token, _, rest = content.partition(b"\n")
        try:
            lifetime = float(rest)
        except ValueError:
            lifetime = -math.inf
        if not holder.is_token(token):
            lifetime = -math.inf  # not a lock of watchman
        if not holder.is_dead(token):
            # A lock from the future was written before the clock was set back.
            if abs(now - self._modified(f"{NAME}/{_OWNER}")) <= lifetime + LOCK_GRACE:
                return False
            self.taken_over = holder.describe(token)
        return self._move_away(content)

    def _move_away(self, content: bytes | None) -> bool:
        """Delete the lock with this content; return False if another run has it now."""
        aside = temporary_name()
        if not self._rename(NAME, aside):
            return True
        if self._owner(aside) != content:
            self._rename(aside, NAME)
            return False
        self._delete(aside)
        return True

    def _rename(self, old: str, new: str) -> bool:
        """Rename a directory; return False if `new` is a lock, or `old` is gone."""
        try:
            os.rename(old, new, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ENOENT):
                raise
            return False
        return True

    def _owner(self, directory: str) -> bytes | None:
        """Return the content of a lock's owner file, or None; empty bytes if the lock is not a directory."""
        try:
            if not stat.S_ISDIR(os.stat(directory, dir_fd=self.folder, follow_symlinks=False).st_mode):
                return b""
            path = f"{directory}/{_OWNER}"
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.folder)
        except FileNotFoundError:
            return None
        except OSError:
            return b""
        try:
            return os.read(descriptor, _MAX_OWNER)
        finally:
            os.close(descriptor)

    def _modified(self, path: str) -> float:
        """Return a file's time of modification by the file system's clock, or 0."""
        try:
            return os.stat(path, dir_fd=self.folder, follow_symlinks=False).st_mtime
        except OSError:
            return 0.0

    def _sweep(self, now: float) -> None:
        """Delete leftovers of killed runs."""
        with os.scandir(self.folder) as entries:
            left = [entry.name for entry in entries if entry.name.startswith(TEMPORARY)]
        for name in left:
            if abs(now - self._modified(name)) > _LEFT_BEHIND:
                self._delete(name)

    def _delete(self, entry: str) -> None:
        """Delete a lock that was renamed away, or a file."""
        with suppress(OSError):
            os.unlink(entry, dir_fd=self.folder)
            return
        with suppress(OSError):
            descriptor = os.open(
                entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.folder
            )
            try:
                with os.scandir(descriptor) as files:
                    for file in list(files):
                        os.unlink(file.name, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            os.rmdir(entry, dir_fd=self.folder)
