"""Runs over everything that a node can have in each release: what changes cost, and that they are right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.conftest import relay
from tests.support.definitions import everything
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay
from tests.support.release import Release
from tests.support.watched import Watched
from tests.support.watchman import Watchman

__all__ = ["relay"]
A = "/everything/tasks/attributes"


@pytest.fixture
def ecflow(release_server: EcflowServer) -> EcflowServer:
    """Return the server of the release, which the relay is before."""
    return release_server


@pytest.fixture
def watched(
    ecflow: EcflowServer, release: Release, relay: Relay, redis: RedisServer, watchman: Watchman
) -> Watched:
    """Return a server that holds everything its release knows, and has been read once."""
    ecflow.load_text(everything(release.version))
    ecflow.suspend("/everything")  # or the server, which runs, submits jobs at the next minute
    ecflow.begin_suite("everything")
    made = Watched(ecflow, relay, redis, watchman)
    made.configure(reader="protocol")
    found = made.collect()
    assert (found["mode"], found["requests"]) == ("full", 1)
    return made


def test_nothing_changed_is_one_request(watched: Watched) -> None:
    found = watched.collect()
    assert (found["mode"], found["requests"]) == ("unchanged", 1)


CHANGES: dict[str, Callable[[EcflowServer], object]] = {
    "a state": lambda e: e.force_state(A, "State.aborted"),
    "the state of a family": lambda e: e.force_state_recursive("/everything/tasks", "State.complete"),
    "a suspended node": lambda e: e.suspend(A),
    "a resumed suite": lambda e: e.resume("/everything"),
    "the server's state": lambda e: e.shutdown_server(),
    "a meter": lambda e: e.alter(A, "change", "meter", "progress", "10"),
    "an event": lambda e: e.alter(A, "change", "event", "done", "set"),
    "a label": lambda e: e.alter(A, "change", "label", "info", "suite x\ntask y"),
    "a repeat": lambda e: e.alter("/everything/repeats", "change", "repeat", "20260105", ""),
    "a variable": lambda e: e.alter(A, "change", "variable", "VARIABLE", "endsuite"),
    "a flag": lambda e: e.alter(A, "set_flag", "late"),
}
STRUCTURE: dict[str, Callable[[EcflowServer], object]] = {
    "a task is deleted": lambda e: e.delete(A),
    "a suite is loaded": lambda e: e.load_text("suite new\n task t\nendsuite\n"),
    "a suite is deleted": lambda e: e.delete("/outside"),
    "tasks are ordered": lambda e: e.order(A, "bottom"),
    "suites are ordered": lambda e: e.order("/outside", "top"),
    "a suite is requeued": lambda e: e.requeue("/everything"),
    "everything is deleted": lambda e: e.delete_all(True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_one_request(watched: Watched, what: str) -> None:
    CHANGES[what](watched.ecflow)
    found = watched.collect()
    assert found["mode"] in ("incremental", "unchanged")  # the records may all be what they were
    assert found["requests"] == 1
    assert watched.collect()["mode"] == "unchanged"


@pytest.mark.parametrize("what", STRUCTURE)
def test_where_nodes_come_go_or_move_everything_may_be_read(watched: Watched, what: str) -> None:
    STRUCTURE[what](watched.ecflow)
    assert watched.collect()["requests"] <= 2
    found = watched.collect()
    assert (found["mode"], found["requests"]) == ("unchanged", 1)


def test_over_http(
    ecflow_server: Callable[..., EcflowServer], release: Release, redis: RedisServer, watchman: Watchman
) -> None:
    older = release.version < (5, 14)  # it has no --http yet: the protocol that it speaks is named
    ecflow = ecflow_server(release=release, arguments=[] if older else ["--http"])
    entry = {"owner": "o", "repo": "r", "address": ecflow, "protocol": "http"}
    watchman.configure(redis.url, [entry])
    result = watchman.collect()
    if older:
        assert result.code == 1
        assert "tcp" in result.err
    else:
        assert (result.code, result.err) == (0, "")
