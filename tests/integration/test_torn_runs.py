"""A directory's files are replaced one by one: the run after one that ended in between counts again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.torn import Torn
from tests.support.watchman import Watchman
from watchman_cli import schema

MOST_RENAMES = 20  # of one run, and more than it makes


@pytest.fixture
def torn(ecflow: EcflowServer, watchman: Watchman, tmp_path: Path) -> Torn:
    return Torn(ecflow, watchman, tmp_path / "store")


def test_the_run_after_one_that_was_killed_counts_what_is_there(torn: Torn) -> None:
    """After each of its renames, and again after none: an incremental run counts only what changed."""
    assert torn.watchman.collect().code == 0
    torn.check()
    revisions = set()
    for number in range(1, MOST_RENAMES):
        for task in range(3):
            torn.ecflow.force_state(f"/s/f/t{task}", "State.complete" if number % 2 else "State.queued")
        killed = torn.collect_until_rename(number)
        revisions.add(torn.read("status")["revision"] == torn.read("health")["counted_revision"])
        torn.ecflow.force_state("/s/f/t3", "State.aborted" if number % 2 else "State.active")
        assert torn.watchman.collect().code == 0
        torn.check()
        if not killed:
            break
    assert revisions == {True, False} and not killed


def test_a_failed_run_after_one_that_was_killed_counts_again_too(torn: Torn) -> None:
    torn.watchman.collect()
    torn.ecflow.force_state("/s/f/t0", "State.complete")
    before = torn.read("health")
    torn.watchman.collect()
    torn.write_health(**{name: before[name] for name in ("counts", "deadlines", "counted_revision")})
    torn.ecflow.kill()
    assert torn.watchman.collect().code == 1
    torn.check()
    assert torn.read("health")["failures"] == 1


def test_a_record_of_an_older_version_is_counted_once(torn: Torn) -> None:
    torn.watchman.collect()
    record = torn.read("health")
    del record["counted_revision"]
    record["counts"]["complete"] = 3  # which an incremental run of that version left
    torn.write_health(**record, counted_revision=None)
    torn.watchman.collect()
    torn.check()


def test_an_invalid_record_does_not_take_the_failure_count_with_it(torn: Torn) -> None:
    torn.watchman.collect()
    torn.ecflow.kill()
    torn.watchman.collect()
    since = torn.read("health")["failing_since"]
    torn.write_health(counts={"complete": -1})
    assert not schema.is_valid("health", torn.read("health"))
    torn.watchman.collect()
    health = torn.read("health")
    assert schema.is_valid("health", health)
    assert (health["failures"], health["failing_since"]) == (2, since)
