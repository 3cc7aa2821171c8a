"""A configuration's file: its bytes, and who may read them."""

import stat
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from watchman_cli.errors import ConfigError

SIZE_LIMIT = 4 << 20  # bytes: 10,000 servers take 1 MB


class Lines(Protocol):
    """The lines of a document's places."""

    def line_of(self, place: list[Any]) -> int:
        """Return the line of a place, or of the innermost part of it that exists."""

    def written(self, place: list[Any]) -> str | None:
        """Return a scalar as it is written, if it is written without quotes; else None."""


class Document(NamedTuple):
    """A file's content."""

    path: Path
    value: Any  # of JSON's types
    lines: Lines
    readable_by_others: bool  # by others than the file's owner


def read_bytes(path: Path) -> tuple[bytes, bool]:
    """Return a file's bytes, and whether others than its owner may read it. Raises ConfigError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError([f"{path}: not a regular file"])
        if status.st_size > SIZE_LIMIT:
            raise ConfigError([f"{path}: {status.st_size} bytes; a configuration has at most {SIZE_LIMIT}"])
        return path.read_bytes(), bool(status.st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
