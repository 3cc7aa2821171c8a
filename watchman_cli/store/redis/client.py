"""Clients of one Redis server, which never wait longer than their time budget."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, ConnectionPool
from redis.retry import Retry

from watchman_cli import __version__
from watchman_cli.store.redis.connection import BoundedConnection, TimeBudget
from watchman_cli.store.redis.url import Endpoint

if TYPE_CHECKING:
    import ssl

READ_SIZE = 100 << 10  # bytes that are received together; a larger block of memory is not kept for the next
MAX_CONNECTIONS = 1 << 20  # each thread has one or two: the run's jobs bound their number


def new_client(
    endpoint: Endpoint,
    budget: TimeBudget,
    context: ssl.SSLContext | None,
    username: str | None = None,
    password: str | None = None,
    db: int = 0,
    *,
    asking: bool = False,
) -> redis.Redis:
    """Return a client of one Redis, which connects when it is first used.

    With `asking`, it says ASKING with each command (asking.py).
    """
    connection: Callable[..., BoundedConnection] = BoundedConnection
    if asking:
        from watchman_cli.store.redis.asking import AskingConnection

        connection = AskingConnection
    pool = ConnectionPool(
        connection_class=connection,
        max_connections=MAX_CONNECTIONS,
        endpoint=endpoint,
        budget=budget,
        context=context,
        username=username,
        password=password,
        db=db,
        socket_read_size=READ_SIZE,
        protocol=2,  # every Redis and Valkey has it; it needs no HELLO, which an ACL may forbid
        **_identity(),
        retry=Retry(NoBackoff(), 0),  # RedisStore retries: it knows the deadline
    )
    return redis.Redis(connection_pool=pool)


def connection_of(client: redis.Redis) -> AbstractConnection:
    """Return a connection of a client, which nobody else uses until it is released. Raises RedisError."""
    pool = client.connection_pool
    try:
        return pool.get_connection()
    except TypeError:  # redis-py up to 5.2 wants the name of a command
        return pool.get_connection("WATCH")


@cache
def _identity() -> dict[str, Any]:
    """Return the name and version that CLIENT LIST of Redis shows for a connection.

    Otherwise redis-py looks up its own version for each connection, which takes milliseconds. Without a name,
    a connection has sent nothing when it is first used. redis-py then drops it if there is something to read,
    such as session tickets of TLS, or the refusal of a Redis that is full.
    """
    try:
        from redis.driver_info import DriverInfo
    except ImportError:  # redis-py up to 7.0
        return {"lib_name": f"redis-py(watchman_v{__version__})", "lib_version": redis.__version__}
    return {
        "driver_info": DriverInfo(lib_version=redis.__version__).add_upstream_driver("watchman", __version__)
    }
