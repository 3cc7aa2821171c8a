"""The folders of a store: opened without following a link, and only if no other user can write there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from watchman_cli.errors import StoreError
from watchman_cli.files import DIRECTORY_MODE, make_directories, why_distrusted
from watchman_cli.text import printable

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Folders:
    """The folders below `root`, of the store with this URL."""

    def __init__(self, root: Path, url: str) -> None:
        self._root, self._url = root, url
        self._made: set[Path] = set()  # by this process

    def open_root(self) -> int:
        """Return a descriptor of the root; make it if it is missing. Raises OSError or StoreError."""
        self._made.update(make_directories(self._root))
        return self._checked(os.open(self._root, _FLAGS), self._root)

    def open(self, *names: str) -> int:
        """Return a descriptor of a folder below the root; make the folder if it is missing.

        Raises OSError, and StoreError if other users can write there.
        """
        folder, path = self.open_root(), self._root
        for name in names:
            path = path / name
            try:
                with suppress(FileExistsError):
                    os.mkdir(name, DIRECTORY_MODE, dir_fd=folder)
                    self._made.add(path)
                below = os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=folder)
            finally:
                os.close(folder)
            folder = self._checked(below, path)
        return folder

    def remove_made(self) -> None:
        """Remove the folders that this process made, deepest first, except those that are in use."""
        for folder in sorted(self._made, key=lambda path: len(path.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()

    def _checked(self, folder: int, path: Path) -> int:
        """Return the descriptor of a directory to which only trusted users can write. Raises StoreError."""
        reason = why_distrusted(os.fstat(folder), (os.geteuid(), 0))
        if reason is None:
            return folder
        os.close(folder)
        raise StoreError(f"store {self._url}: {printable(str(path))}: {reason}; refusing to write")
