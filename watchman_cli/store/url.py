"""Opening the store that a URL names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from watchman_cli.errors import ConfigError
from watchman_cli.store.base import Store
from watchman_cli.store.redact import redact


def open_store(url: str, source: str = "store") -> Store:
    """Return the store at `url`. Raises ConfigError, which names `source`, if the address is invalid."""
    if url.startswith("file://"):
        from watchman_cli.store.directory.store import DirectoryStore

        parts = urlsplit(url)
        path = unquote(parts.path)
        if parts.netloc or not path or "\0" in path:
            raise ConfigError([f"{source}: a directory is named as file:///path"])
        return DirectoryStore(Path(path))
    from watchman_cli.store.redis.store import RedisStore

    try:
        return RedisStore(url)
    except ValueError as error:
        raise ConfigError([f"{source}: {redact(url)}: {error}"]) from error
