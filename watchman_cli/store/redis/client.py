"""Clients of one Redis server, which never wait longer than their time budget."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from watchman_cli import __version__
from watchman_cli.store.redis.connection import BoundedConnection, TimeBudget
from watchman_cli.store.redis.url import Endpoint

if TYPE_CHECKING:
    import ssl

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
        protocol=2,  # what every Redis and Valkey speaks, without a HELLO that an ACL may forbid
        **_identity(),
        retry=Retry(NoBackoff(), 0),  # retried by RedisStore, which knows the deadline
    )
    return redis.Redis(connection_pool=pool)


@cache
def _identity() -> dict[str, Any]:
    """Return as what a connection names itself to Redis, which CLIENT LIST shows.

    redis-py would else look its own version up for each connection, in milliseconds. A connection without a
    name would have sent nothing yet, and redis-py gives up one on which there is something to read: TLS has
    its session tickets there, a full Redis its refusal.
    """
    try:
        from redis.driver_info import DriverInfo
    except ImportError:  # of redis-py up to 7.0
        return {"lib_name": f"redis-py(watchman_v{__version__})", "lib_version": redis.__version__}
    return {
        "driver_info": DriverInfo(lib_version=redis.__version__).add_upstream_driver("watchman", __version__)
    }
