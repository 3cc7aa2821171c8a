"""A configuration that was checked before, kept so that it need not be parsed and checked in each run.

It stands in the user's own cache directory, under the SHA-256 of the file's bytes, of the schema and of
watchman's version: another content is another name. If it includes files, those are kept too, under the
SHA-256 of all of their bytes: together they are valid. One that holds a password is never kept. What is
damaged, or could be another user's, is ignored.
"""

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from watchman_cli import __version__, schema
from watchman_cli.files import make_directories, replace_file

MOST = 8  # that are kept; the oldest go
SIZE_LIMIT = 64 << 20
# Whose lines a valid configuration still needs, by the first key.
_PLACES = {"store": ["store"], "ecflow_python": ["ecflow_python"], "notify": ["notify", "command"]}


class KeptLines(NamedTuple):
    """The lines of some keys of a valid configuration."""

    lines: Mapping[str, int]

    def line_of(self, place: list[Any]) -> int:
        """Return the line of a key, or the first one."""
        return self.lines.get(str(place[0]), 1) if place else 1

    def written(self, place: list[Any]) -> str | None:
        """Return None: how a scalar is written is not kept."""
        return None


class Kept(NamedTuple):
    """A valid configuration as it is written, without what its variables stand for."""

    value: Any
    lines: KeptLines


def digest_of(content: bytes) -> str:
    """Return the name of a configuration with this content."""
    parts = (__version__.encode(), schema.read("config"), content)
    return hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in parts)).hexdigest()


def combined(main: bytes, included: Sequence[bytes]) -> bytes:
    """Return a content that stands for a file and those that it includes, in their order."""
    return b"".join(hashlib.sha256(each).digest() for each in (main, *included))


def folder(environment: Mapping[str, str]) -> Path | None:
    """Return the directory of kept configurations, or None if the user has none."""
    base = environment.get("XDG_CACHE_HOME")
    home = environment.get("HOME")
    if base and base.startswith("/"):
        return Path(base, "watchman")
    return Path(home, ".cache", "watchman") if home and home.startswith("/") else None


def find(content: bytes, environment: Mapping[str, str]) -> Kept | None:
    """Return the kept configuration with this content, or None."""
    place = folder(environment)
    if place is None:
        return None
    try:
        descriptor = os.open(place / digest_of(content), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            own = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if not (own and stat.S_ISREG(status.st_mode) and status.st_size <= SIZE_LIMIT):
                return None
            checksum, _, value = file.read().partition(b"\n")
        if hashlib.sha256(value).hexdigest().encode() != checksum:
            return None
        document = orjson.loads(value)
        return Kept(document["value"], KeptLines(document["lines"]))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None


def keep(content: bytes, value: Any, line_of: Mapping[str, int], environment: Mapping[str, str]) -> None:
    """Keep a valid configuration that holds no password; one that cannot be kept is parsed again."""
    place = folder(environment)
    if place is None:
        return
    if not place.parent.parent.is_dir():  # a home that does not exist is not made
        return
    with suppress(OSError, orjson.JSONEncodeError):
        make_directories(place.parent)
        place.mkdir(0o700, exist_ok=True)
        data = orjson.dumps({"value": value, "lines": line_of})
        path = place / digest_of(content)
        replace_file(path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data, 0o600)
        others = sorted(place.iterdir(), key=lambda each: each.stat().st_mtime)
        for each in others[:-MOST]:
            each.unlink(missing_ok=True)


def lines_of(line_of: Any, value: Mapping[str, Any]) -> dict[str, int]:
    """Return the lines that a valid configuration still needs."""
    return {name: line_of(place) for name, place in _PLACES.items() if name in value}
