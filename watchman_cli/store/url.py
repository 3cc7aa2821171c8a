"""A store's address: opening what it names, and showing it without its password."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from watchman_cli.errors import ConfigError
from watchman_cli.store.base import Store
from watchman_cli.text import printable


def open_store(url: str, source: str = "store") -> Store:
    """Return the store at `url`. Raises ConfigError, which names `source`, where it is no address."""
    if url.startswith("file://"):
        from watchman_cli.store.directory import DirectoryStore

        parts = urlsplit(url)
        path = unquote(parts.path)
        if parts.netloc or not path or "\0" in path:
            raise ConfigError([f"{source}: a directory is named as file:///path"])
        return DirectoryStore(Path(path))
    from watchman_cli.store.redis import RedisStore

    try:
        return RedisStore(url)
    except ValueError as error:
        raise ConfigError([f"{source}: {redact(url)}: {error}"]) from error


def redact(url: str) -> str:
    """Return a store's URL without its user, password and query, fit to be shown.

    Of one in which something may be a password in the wrong place, only the scheme is shown.
    """
    scheme, _, rest = url.partition("://")
    shown, _, query = rest.partition("?")
    shown = shown.rpartition("@")[2]
    hosts = shown.partition("/")[0].split(",")
    sane = all(re.fullmatch(r"([\w.-]*|\[[\da-fA-F:.]+\])(:\d+)?", host) for host in hosts)
    return f"{scheme}://{printable(shown) if sane and '@' not in query else '...'}"
