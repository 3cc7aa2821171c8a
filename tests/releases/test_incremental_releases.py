"""Runs over the server of each release: what changes cost, and that each equals an independent full sync."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.definitions import everything
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer, health_of, records_of, status_of
from tests.support.release import Release
from tests.support.watchman import Watchman

NAME = "o/r"


@dataclass
class Watched:
    """A server of a release, read by watchman into Redis."""

    ecflow: EcflowServer
    redis: RedisServer
    watchman: Watchman

    def configure(self, **settings: Any) -> None:
        entry = {"owner": "o", "repo": "r", "address": self.ecflow, "reader": "protocol", **settings}
        self.watchman.configure(self.redis.url, [entry])

    def collect(self, *options: str) -> tuple[str, int]:
        """Make a run, check what it wrote, and return its mode and how many requests it made."""
        result = self.watchman.collect(*options)
        assert (result.code, result.err) == (0, "")
        health = health_of(self.redis.client, NAME)
        assert health and health["ok"] and health["sync"]["disabled"] is None
        return health["sync"]["mode"], health["requests"]

    def check(self, *suites: str) -> None:
        """Check that the snapshot is what an independent full sync gives, of the suites or of all."""
        found, truth = status_of(self.redis.client, NAME), self.ecflow.snapshot()
        assert found and found["server_state"] == truth["server_state"]
        wanted = [each for each in truth["records"] if not suites or each[0].split("/")[1] in ("", *suites)]
        assert records_of(found) == wanted


@pytest.fixture
def watched(
    release_server: EcflowServer, release: Release, redis: RedisServer, watchman: Watchman
) -> Watched:
    """Return a server that holds everything its release knows, and has been read once."""
    release_server.load_text(everything(release.version))
    release_server.suspend("/everything")  # or the server, which runs, submits jobs at the next minute
    release_server.begin_suite("everything")
    made = Watched(release_server, redis, watchman)
    made.configure()
    assert made.collect() == ("full", 1)
    made.check()
    return made


def test_nothing_changed_is_one_request(watched: Watched) -> None:
    before = watched.ecflow.requests()
    assert watched.collect() == ("unchanged", 1)
    assert watched.ecflow.requests() == before + 1
    watched.check()


A = "/everything/tasks/attributes"
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
    "everything is deleted": lambda e: e.delete_all(True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_one_request(watched: Watched, what: str) -> None:
    CHANGES[what](watched.ecflow)
    mode, requests = watched.collect()
    assert mode in ("incremental", "unchanged")  # the records may all be what they were
    assert requests == 1
    watched.check()
    assert watched.collect() == ("unchanged", 1)


@pytest.mark.parametrize("what", STRUCTURE)
def test_where_nodes_come_go_or_move_everything_is_read(watched: Watched, what: str) -> None:
    STRUCTURE[what](watched.ecflow)
    mode, requests = watched.collect()
    assert mode == "full" and requests <= 2
    watched.check()
    assert watched.collect() == ("unchanged", 1)


def test_a_requeued_suite_is_read_whole_or_by_its_changes(watched: Watched) -> None:
    watched.ecflow.requeue("/everything")
    assert watched.collect()[1] <= 2
    watched.check()
    assert watched.collect() == ("unchanged", 1)


def test_a_restarted_server_is_read_in_full(watched: Watched) -> None:
    """Its numbers begin again, and pass those of the run before."""
    watched.ecflow.checkpt()
    watched.ecflow.kill()
    watched.ecflow.start()
    for state in ("aborted", "complete", "queued", "aborted") * 10:
        watched.ecflow.force_state(A, f"State.{state}")
    assert watched.collect()[0] == "full"
    health = health_of(watched.redis.client, NAME)
    assert health and health["sync"]["reason"] == "the server was restarted"
    watched.check()
    assert watched.collect() == ("unchanged", 1)


def test_some_suites_keep_one_handle_and_others_cost_nothing(watched: Watched) -> None:
    watched.configure(suites=["everything"])
    assert watched.collect()[0] == "full"
    handles = watched.ecflow.handles()
    assert len(handles) == 1
    watched.ecflow.force_state("/outside/t", "State.aborted")
    watched.ecflow.delete("/outside")
    watched.ecflow.load_text("suite third\n task t\nendsuite\n")
    assert watched.collect()[1] == 1
    watched.ecflow.force_state(A, "State.aborted")
    assert watched.collect() == ("incremental", 1)
    found = status_of(watched.redis.client, NAME)
    assert found and {each["path"].split("/")[1] for each in found["status_records"]} == {"", "everything"}
    assert [A, "aborted"] in records_of(found) or [A, "suspended"] in records_of(found)
    assert watched.ecflow.handles() == handles
    watched.configure()
    watched.collect()
    assert watched.ecflow.handles() == []
    watched.check()


def test_over_http(
    ecflow_server: Callable[..., EcflowServer],
    release: Release,
    redis: RedisServer,
    watchman: Watchman,
) -> None:
    if release.version < (5, 14):  # that had no --http yet: the protocol that it speaks is named
        watched = Watched(ecflow_server(release=release), redis, watchman)
        watched.configure(protocol="http")
        result = watchman.collect()
        assert result.code == 1
        assert "tcp" in result.err
        return
    watched = Watched(ecflow_server(release=release, arguments=["--http"]), redis, watchman)
    watched.configure(protocol="http")
    assert watched.collect() == ("full", 1)
    assert watched.collect() == ("unchanged", 1)
