"""What docs/operating.md says about upgrading, and going back one release, with the wheel of that release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.older import VERSION, Older, install
from tests.support.redis_server import RedisServer
from tests.support.watchman import Result, Watchman
from watchman_cli import read_snapshot

TREE = "suite s\n  family f\n    task a\n    task b\n  endfamily\nendsuite\n"
SERVER = {"owner": "o", "repo": "r"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("older"))


@pytest.fixture(params=["redis", "directory"])
def store(request: pytest.FixtureRequest, redis_server: Callable[..., RedisServer], tmp_path: Path) -> str:
    """Return a store; in Redis with all permissions, since the older release used other commands."""
    return redis_server().url if request.param == "redis" else f"file://{tmp_path / 'store'}"


def collected(run: Callable[..., Result]) -> str:
    """Return how a run read the only server. It must succeed, without a warning."""
    result = run("collect", "-v")
    assert result.code == 0, result.err
    assert " warning " not in result.err and " error " not in result.err
    return result.err.splitlines()[-1]


def states(ecflow: EcflowServer) -> dict[str, str]:
    return {path: status for path, status, *_ in ecflow.snapshot()["records"]}


def stored(url: str) -> dict[str, str]:
    return {record.path: record.status for record in read_snapshot(url, "o/r").records}


def both_show_it(older: Older, watchman: Watchman) -> None:
    """Both versions show the snapshot, whichever wrote it."""
    for run in (older.run, watchman.run):
        shown, listed = run("show", "o/r"), run("list")
        assert (shown.code, listed.code) == (0, 0), (shown, listed)
        assert "a  aborted" in shown.text and "HALTED" in listed.text


def test_each_release_goes_on_from_the_store_of_the_other(
    ecflow: EcflowServer, store: str, watchman: Watchman, site: Path
) -> None:
    older = Older(watchman, site)
    assert older.run("--version").text.strip() == f"watchman {VERSION}"
    ecflow.load_text(TREE)
    ecflow.force_state("/s/f/a", "State.aborted")
    ecflow.await_next_second()  # servers do not show what changed in their first second
    watchman.configure(store, [{**SERVER, "address": ecflow}])
    assert "full sync" in collected(older.run)
    assert "nothing changed" in collected(older.run)

    both_show_it(older, watchman)  # upgraded, before the first run
    before = ecflow.requests()
    assert "full sync" in collected(watchman.run)
    assert ecflow.requests() - before == 1
    assert "nothing changed" in collected(watchman.run)
    ecflow.force_state("/s/f/b", "State.complete")
    assert "incremental" in collected(watchman.run)
    assert stored(store) == states(ecflow)

    both_show_it(older, watchman)  # gone back
    ecflow.force_state("/s/f/b", "State.queued")
    assert "full sync" in collected(older.run)
    assert "nothing changed" in collected(older.run)
    assert stored(store) == states(ecflow)

    both_show_it(older, watchman)  # and upgraded again
    ecflow.force_state("/s/f/b", "State.complete")
    assert "full sync" in collected(watchman.run)
    assert "nothing changed" in collected(watchman.run)
    assert stored(store) == states(ecflow)


def test_consumers_of_changes_are_told_that_some_are_missing(
    ecflow: EcflowServer, store: str, watchman: Watchman, site: Path
) -> None:
    older = Older(watchman, site)
    ecflow.load_text(TREE)
    with_changes: dict[str, Any] = {**SERVER, "address": ecflow, "changes": True}
    watchman.configure(store, [with_changes])
    assert watchman.collect().code == 0
    refused = older.run("config", "check")
    assert refused.code == 2 and "changes" in refused.err + refused.text
    watchman.configure(store, [{**SERVER, "address": ecflow}])
    ecflow.force_state("/s/f/a", "State.aborted")
    assert older.run("collect").code == 0
    watchman.configure(store, [with_changes])
    ecflow.force_state("/s/f/a", "State.complete")
    assert watchman.collect().code == 0
    changes = watchman.run("changes", "o/r", "--since", "1h")
    assert changes.code == 0 and "/s/f/a" not in changes.text
    assert "the changes until then are not known" in changes.text.splitlines()[-1]


def test_number_of_failed_runs_begins_again_in_redis(
    ecflow: EcflowServer, store: str, watchman: Watchman, site: Path
) -> None:
    older = Older(watchman, site)
    ecflow.load_text(TREE)
    watchman.configure(store, [{**SERVER, "address": ecflow, "attempts": 1}])
    assert older.run("collect").code == 0
    ecflow.stop()
    assert [older.run("collect").code for _ in range(2)] == [1, 1]
    assert "2 runs failed" in older.run("list").text
    assert watchman.collect().code == 1
    runs = "1 run failed" if store.startswith("redis") else "3 runs failed"  # Redis's key has another name
    assert runs in watchman.run("list").text
