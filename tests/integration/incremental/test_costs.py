"""What each kind of change costs: how the server is read, in how many requests and bytes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.watched import NAME, Watched
from watchman_cli import snapshot

ORDER = "the order of nodes changed"
CHILDREN = "nodes were added or removed"
WHOLE = "nodes were added, removed or replaced"
FLAGS = "attributes were added or removed, and the flags not sent"  # by a server before 5.12


def test_nothing_changed_is_one_request_of_three_kilobytes(watched: Watched) -> None:
    """And only the time is written, at its fixed place."""
    before = watched.value("status")
    logged = watched.ecflow.requests()
    found = watched.watchman.collect()
    assert (found.code, found.err) == (0, "")
    assert watched.ecflow.requests() - logged == 1
    (exchange,) = watched.taken()
    assert len(exchange.reply) <= 3000
    assert watched.check()["mode"] == "unchanged"
    after = watched.value("status")
    place = slice(snapshot.TIME_OFFSET, snapshot.TIME_OFFSET + snapshot.TIME_SIZE)
    assert after[place] > before[place]
    assert (after[: place.start], after[place.stop :]) == (before[: place.start], before[place.stop :])


def test_its_cost_does_not_grow_with_the_nodes(watched: Watched) -> None:
    watched.collect()
    small = len(watched.taken()[0].reply)
    watched.ecflow.load_text("suite large\n" + "".join(f"  task t{n}\n" for n in range(5000)) + "endsuite\n")
    watched.collect()
    watched.taken()
    assert watched.collect()["mode"] == "unchanged"
    (exchange,) = watched.taken()
    assert len(exchange.reply) < small + 100


def test_little_changed_is_one_request_that_brings_little(watched: Watched) -> None:
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    logged = watched.ecflow.requests()
    assert watched.watchman.collect().code == 0
    assert watched.ecflow.requests() - logged == 1
    (exchange,) = watched.taken()
    assert len(exchange.reply) <= 8000
    assert watched.check()["mode"] == "incremental"


Change = tuple[str, int, "str | None", Callable[[EcflowServer], object]]
CHANGES: dict[str, Change] = {
    "a state": ("incremental", 1, None, lambda e: e.force_state("/s/f/a", "State.aborted")),
    "a family's state": ("incremental", 1, None, lambda e: e.force_state_recursive("/s/f/g", "State.active")),
    "suspended": ("incremental", 1, None, lambda e: e.suspend("/s/f/b")),
    "a family suspended": ("incremental", 1, None, lambda e: e.suspend("/s/f")),
    "a suite resumed": ("incremental", 1, None, lambda e: (e.halt_server(), e.resume("/s"))),
    "to and fro": ("unchanged", 1, None, lambda e: (e.suspend("/s/f/b"), e.resume("/s/f/b"))),
    "a flag": ("incremental", 1, None, lambda e: e.alter("/s/f/a", "set_flag", "late")),
    "halted": ("incremental", 1, None, lambda e: e.halt_server()),
    "a meter": ("unchanged", 1, None, lambda e: e.alter("/s/f/a", "change", "meter", "progress", "10")),
    "an event": ("unchanged", 1, None, lambda e: e.alter("/s/f/a", "change", "event", "done", "set")),
    "a label": ("unchanged", 1, None, lambda e: e.alter("/s/f/a", "change", "label", "info", "suite x\\ny")),
    "a variable": ("unchanged", 1, None, lambda e: e.alter("/s/f/a", "change", "variable", "V", "endsuite")),
    "a limit": ("unchanged", 1, None, lambda e: e.alter("/s/f/a", "change", "limit_value", "disk", "2")),
    "a repeat": ("unchanged", 1, None, lambda e: e.alter("/s/f/a", "change", "repeat", "5", "")),
    "a server variable": ("unchanged", 1, None, lambda e: e.alter("/", "add", "variable", "X", "y")),
    "requeued": ("unchanged", 1, None, lambda e: e.requeue("/s/f", "force")),
    "a variable added": ("full", 2, FLAGS, lambda e: e.alter("/s/f/a", "add", "variable", "X", "endsuite")),
    "attributes sorted": ("full", 2, FLAGS, lambda e: e.sort_attributes("/s", "all", True)),
    "tasks ordered": ("full", 2, ORDER, lambda e: e.order("/s/f/b", "top")),
    "suites ordered": ("full", 2, ORDER, lambda e: e.order("/other", "top")),
    "a task deleted": ("full", 2, CHILDREN, lambda e: e.delete("/s/f/b", True)),
    "a family deleted": ("full", 2, CHILDREN, lambda e: e.delete("/s/f/g", True)),
    "all of a family": ("full", 2, CHILDREN, lambda e: e.delete(["/s/f/g/c", "/s/f/g/d"], True)),
    "a suite deleted": ("full", 1, WHOLE, lambda e: e.delete("/other", True)),
    "a suite loaded": ("full", 1, WHOLE, lambda e: e.load_text("suite new\n  task t\nendsuite\n")),
    "a suite replaced": ("full", 1, WHOLE, lambda e: e.load_text("suite s\n  task z\nendsuite\n", True)),
    "all deleted": ("full", 1, WHOLE, lambda e: e.delete_all(True)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change(watched: Watched, what: str) -> None:
    mode, requests, reason, change = CHANGES[what]
    if reason == FLAGS and watched.ecflow.release.version >= (5, 12):
        mode, requests, reason = "unchanged", 1, None
    change(watched.ecflow)
    found = watched.collect()
    assert (found["mode"], found["requests"], found["reason"]) == (mode, requests, reason)
    assert len(watched.taken()) == requests
    assert watched.collect()["mode"] == "unchanged"
    assert watched.ecflow.handles() == []


def test_changes_are_put_into_what_an_incremental_run_wrote(watched: Watched) -> None:
    for state in ("complete", "aborted", "queued", "active", "unknown"):
        watched.ecflow.force_state("/s/f/g/d", f"State.{state}")
        watched.ecflow.force_state("/other/t", f"State.{state}")
        found = watched.collect()
        assert (found["mode"], found["requests"]) == ("incremental", 1)


def test_a_suspended_nodes_state_is_known_when_it_is_resumed(watched: Watched) -> None:
    for state in ("aborted", "complete"):
        watched.ecflow.suspend("/s/f/b")
        watched.collect()
        watched.ecflow.force_state("/s/f/b", f"State.{state}")
        watched.collect()
        watched.ecflow.resume("/s/f/b")
        assert watched.collect()["mode"] == "incremental"


def test_a_suite_begun_anew_has_another_calendar(watched: Watched) -> None:
    """The time of each state's change is counted from it."""
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    watched.collect()
    watched.ecflow.begin_suite("s", True)
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    assert watched.collect()["mode"] in ("full", "incremental")  # equal times where it was the same second


def test_how_it_was_read_is_reported(watched: Watched) -> None:
    def said(*arguments: str) -> str:
        return watched.watchman.collect(*arguments).err

    assert "109 nodes, nothing changed, 1 request" in said("-v")
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    reported = said("-v")
    assert "109 nodes, incremental sync, 1 request" in reported, reported
    assert "full sync (incremental syncs were reset)" in said("-v", "--reset-sync", NAME)
    line = json.loads(said("-v", "--log-format", "json").splitlines()[-1])
    assert (line["mode"], line["reason"], line["nodes"]) == ("unchanged", None, 109)


def test_a_dry_run_changes_nothing_in_the_store(watched: Watched) -> None:
    kept = watched.value("sync"), watched.value("status"), watched.value("health")
    watched.ecflow.force_state("/s/f/a", "State.complete")
    assert watched.watchman.collect("--dry-run").code == 0
    assert (watched.value("sync"), watched.value("status"), watched.value("health")) == kept
    assert watched.ecflow.handles() == []
