"""Each server with the bindings of each release as the referee: they see what the protocol's client sees."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.definitions import everything
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer, health_of, records_of, status_of
from tests.support.release import Release, releases
from tests.support.watchman import Watchman
from watchman_cli.bindings import Referee
from watchman_cli.bindings.failures import BindingsFailed
from watchman_cli.ecflow_client import Access, Client, FullSync, Limits

PLAIN = (
    "suite s\n edit SECRET 'xyzzy'\n family f\n  task a\n   meter m 0 100\n  task b\n endfamily\nendsuite\n"
)
MARKER = "no.such.suite"


@pytest.fixture(params=releases(), ids=lambda release: f"bindings of {release.name}")
def bindings(request: pytest.FixtureRequest) -> Release:
    found: Release = request.param
    if found.root and not found.root.is_dir():
        raise RuntimeError(f"{found.root} is missing: `make test-releases` makes it")
    return found


@pytest.fixture
def referee(bindings: Release, tmp_path: Path) -> Referee:
    return Referee(str(bindings.interpreter(tmp_path)))


def read(referee: Referee, server: EcflowServer, *suites: str) -> list[list[str]]:
    """Return what the bindings read, as EcflowServer.snapshot() gives it."""
    access = Access(server.host, server.port)
    found = referee.read(access, suites, MARKER, time.monotonic() + 60)
    return [[record.path, record.status] for record in found.records]


def read_by_protocol(server: EcflowServer) -> list[list[str]]:
    end = time.monotonic() + 60
    found = Client(Access(server.host, server.port)).ask([FullSync()], Limits(end, end, 1 << 30)).definition
    assert found
    nodes = zip(found.paths, found.states, strict=True)
    return [["/", found.state], *([path, state.dstate] for path, state in nodes)]


def test_the_referee_names_the_version_of_its_bindings(referee: Referee, bindings: Release) -> None:
    assert referee.find(time.monotonic() + 60).version == ".".join(map(str, bindings.version))


def test_plain_nodes_are_read_alike(release_server: EcflowServer, referee: Referee) -> None:
    release_server.load_text(PLAIN)
    release_server.suspend("/s")
    release_server.begin_all_suites()
    for path, state in (("/s/f/a", "aborted"), ("/s/f/b", "complete")):
        release_server.force_state(path, f"State.{state}")
    assert read(referee, release_server) == read_by_protocol(release_server)
    release_server.suspend("/s/f/b")
    assert read(referee, release_server) == read_by_protocol(release_server)


def test_some_suites_are_read_alike(release_server: EcflowServer, referee: Referee) -> None:
    release_server.load_text(f"{PLAIN}suite other\n task t\nendsuite\n")
    found = read(referee, release_server, "other")
    assert [path for path, _ in found] == ["/", "/other", "/other/t"]
    assert release_server.handles() == []


def test_everything_is_read_alike_or_the_bindings_say_that_they_are_too_old(
    release_server: EcflowServer, release: Release, referee: Referee, bindings: Release
) -> None:
    release_server.load_text(everything(release.version))
    if bindings.version >= release.version:
        assert read(referee, release_server) == read_by_protocol(release_server)
        return
    version = ".".join(map(str, bindings.version))
    try:
        found = read(referee, release_server)
    except BindingsFailed as error:
        assert f"has something that these bindings, {version}, cannot read" in str(error)
        assert "everything" not in str(error)  # no part of a reply
    else:
        assert found == read_by_protocol(release_server)


def test_a_run_is_verified_by_the_bindings(
    release_server: EcflowServer, bindings: Release, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    release_server.load_text(PLAIN)
    entry: dict[str, Any] = {"owner": "o", "repo": "r", "address": release_server, "full_sync_every": 1}
    watchman.configure(redis.url, [entry], ecflow_python=str(bindings.interpreter(tmp_path)))

    def verified() -> bool:
        result = watchman.collect()
        assert (result.code, result.err) == (0, "")
        health = health_of(redis.client, "o/r")
        assert health and health["ok"]
        return bool(health["sync"].get("verification"))

    await_true(verified, "no run was verified by the bindings")
    health, status = health_of(redis.client, "o/r"), status_of(redis.client, "o/r")
    assert health and status
    assert health["sync"].get("disabled") in (None, False), health
    assert records_of(status) == release_server.snapshot()["records"]


def test_a_server_is_read_by_the_bindings_alone(
    release_server: EcflowServer, bindings: Release, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    release_server.load_text(PLAIN)
    entry: dict[str, Any] = {"owner": "o", "repo": "r", "address": release_server, "reader": "bindings"}
    watchman.configure(redis.url, [entry], ecflow_python=str(bindings.interpreter(tmp_path)))
    result = watchman.collect()
    assert (result.code, result.err) == (0, "")
    status = status_of(redis.client, "o/r")
    assert status and records_of(status) == release_server.snapshot()["records"]
