"""Fixtures: a server that holds a definition, behind a relay that notes what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support import permissions
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay
from tests.support.watched import DEFINITION, Watched
from tests.support.watchman import Watchman


@pytest.fixture
def redis(redis_server: Callable[..., RedisServer]) -> RedisServer:
    """A Redis in which every command has no more permissions than those that the documentation prints."""
    return redis_server(permissions=permissions.ALL)


@pytest.fixture
def relay(ecflow: EcflowServer) -> Iterator[Relay]:
    with Relay(ecflow.port) as made:
        yield made


@pytest.fixture
def loaded(ecflow: EcflowServer, relay: Relay, redis: RedisServer, watchman: Watchman) -> Watched:
    """A server that holds a definition, and is yet to be read."""
    ecflow.load_text(DEFINITION)
    ecflow.restart_server()
    ecflow.suspend(["/s", "/other"])  # or the server, which runs, submits their jobs at the next minute
    ecflow.begin_all_suites()
    made = Watched(ecflow, relay, redis, watchman)
    made.configure()
    return made
