"""A client of one Redis: its options, its name, and its connections, which are made when they are used."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import redis

from tests.unit.store.redis.fake_redis import FakeRedis
from watchman_cli import __version__
from watchman_cli.store.redis.asking import AskingConnection
from watchman_cli.store.redis.client import MAX_CONNECTIONS, _identity, connection_of, new_client
from watchman_cli.store.redis.connection import BoundedConnection, TimeBudget
from watchman_cli.store.redis.url import Endpoint, parse


def options_of(client: redis.Redis) -> dict[str, Any]:
    options: dict[str, Any] = client.connection_pool.connection_kwargs
    return options


def test_nothing_is_connected_yet() -> None:
    budget, endpoint = TimeBudget(), Endpoint("127.0.0.1", 1)
    client = new_client(endpoint, budget, None, "u", "p", 3)
    options = options_of(client)
    assert (options["endpoint"], options["budget"], options["context"]) == (endpoint, budget, None)
    assert (options["username"], options["password"], options["db"]) == ("u", "p", 3)
    assert (options["protocol"], options["retry"]._retries) == (2, 0)
    pool = client.connection_pool
    assert (pool.connection_class, pool.max_connections) == (BoundedConnection, MAX_CONNECTIONS)


def test_defaults() -> None:
    options = options_of(new_client(Endpoint("h", 1), TimeBudget(), None))
    assert (options["username"], options["password"], options["db"]) == (None, None, 0)


def test_client_of_a_node_that_takes_over_a_slot() -> None:
    client = new_client(Endpoint("h", 1), TimeBudget(), None, asking=True)
    assert client.connection_pool.connection_class is AskingConnection


def test_connection_says_whose_it_is(redis: FakeRedis, served: tuple[FakeRedis, str]) -> None:
    (endpoint,) = parse(served[1]).endpoints
    client = new_client(endpoint, TimeBudget(), None)
    assert client.ping()
    client.connection_pool.disconnect()
    words = [b" ".join(each) for each in redis.sent]
    assert words[-1] == b"PING"
    assert any(
        each.startswith(b"CLIENT SETINFO LIB-NAME redis-py(watchman_v%b)" % __version__.encode())
        for each in words
    )
    assert any(each.startswith(b"CLIENT SETINFO LIB-VER ") for each in words)


def test_identity_of_an_older_redis_py(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "redis.driver_info", None)
    _identity.cache_clear()
    try:
        assert _identity() == {
            "lib_name": f"redis-py(watchman_v{__version__})",
            "lib_version": redis.__version__,
        }
    finally:
        _identity.cache_clear()


def test_connection_is_the_callers_own(redis: FakeRedis, served: tuple[FakeRedis, str]) -> None:
    (endpoint,) = parse(served[1]).endpoints
    client = new_client(endpoint, TimeBudget(), None)
    first, second = connection_of(client), connection_of(client)
    assert first is not second
    for each in (first, second):
        each.send_command("PING")
        assert each.read_response() == b"PONG"
    client.connection_pool.disconnect()


def test_older_redis_py_wants_a_command_for_a_connection() -> None:
    pool = SimpleNamespace(get_connection=lambda name: f"a connection for {name}")
    older: Any = SimpleNamespace(connection_pool=pool)
    assert connection_of(older) == "a connection for WATCH"  # type: ignore[comparison-overlap]
