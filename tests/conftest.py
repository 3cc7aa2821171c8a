"""Fixtures: real servers, started when they are needed and stopped afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman

TESTS = Path(__file__).parent
SHARED = TESTS.parent.parent / "shared"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests by which coverage is measured: the others take as long, and cover hardly more."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in ("unit", "integration") and not item.get_closest_marker("slow"):
            item.add_marker("measured")


def require_namespace(*kind: str) -> None:
    """Expect the test to fail where there are no such namespaces: they need root, and --mount no chroot."""
    made = subprocess.run(["unshare", *kind, "true"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.xfail(made.stderr.strip())


@pytest.fixture
def ecflow_server(tmp_path: Path) -> Iterator[Callable[..., EcflowServer]]:
    """Return a function that starts an ecFlow server; call it again for another."""
    started: list[EcflowServer] = []

    def start(**options: Any) -> EcflowServer:
        home = tmp_path / f"ecflow{len(started)}"
        home.mkdir()
        server = EcflowServer(home, **options)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def ecflow(ecflow_server: Callable[..., EcflowServer]) -> EcflowServer:
    return ecflow_server()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts a Redis server; its arguments are those of redis-server."""
    started: list[RedisServer] = []

    def start(*arguments: str, **options: Any) -> RedisServer:
        home = tmp_path / f"redis{len(started)}"
        home.mkdir()
        server = RedisServer(home, arguments, **options)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def redis(redis_server: Callable[..., RedisServer]) -> RedisServer:
    return redis_server()


@pytest.fixture
def watchman(tmp_path: Path) -> Watchman:
    return Watchman(tmp_path, forked=True)


@pytest.fixture
def shared() -> Path:
    """The folder beside the checkout that has more definitions; the test is passed over without it."""
    if not (SHARED / "defs").is_dir():
        pytest.skip("no shared definitions here")
    return SHARED
