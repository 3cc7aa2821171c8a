"""The silences of a server in Redis: a key that is watched while it is changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from redis import exceptions

from watchman_cli.store.base import CHANGE_TIMEOUT
from watchman_cli.store.redis.calls import Calls
from watchman_cli.store.redis.connection import MAX_TIMEOUT
from watchman_cli.store.redis.errors import KeepsChanging, get_or_none, is_race
from watchman_cli.store.redis.keys import server_keys
from watchman_cli.store.values import MAX_SILENCES

if TYPE_CHECKING:
    import redis

RACES = 100  # with other processes that change the same silences


def read(calls: Calls, name: str) -> bytes:
    """Return a server's silences, or empty bytes. Raises StoreError."""
    full_key = server_keys(name).silences

    def get() -> bytes:
        try:
            return (
                get_or_none(
                    lambda: calls.command(full_key, lambda client: client.getrange(full_key, 0, MAX_SILENCES))
                )
                or b""
            )
        except exceptions.NoPermissionError:
            return b""

    value = calls.call(get, time.monotonic() + CHANGE_TIMEOUT, retry_until=MAX_TIMEOUT)
    return value if len(value) <= MAX_SILENCES else b""


def change(calls: Calls, name: str, make: Callable[[bytes], bytes]) -> None:
    """Replace a server's silences. Raises StoreError."""
    full_key = server_keys(name).silences

    def write(client: redis.Redis) -> None:
        with client.pipeline() as pipe:
            pipe.watch(full_key)
            value = make(get_or_none(lambda: pipe.get(full_key)) or b"")
            pipe.multi()
            if value:
                pipe.set(full_key, value)
            else:
                pipe.delete(full_key)
            pipe.execute()

    def attempt() -> None:
        for _ in range(RACES):
            try:
                return calls.command(full_key, write)
            except exceptions.WatchError as error:
                if not is_race(error):
                    raise
        raise KeepsChanging(full_key)

    calls.call(attempt, time.monotonic() + CHANGE_TIMEOUT)
