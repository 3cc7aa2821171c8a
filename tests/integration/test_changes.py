"""Changes from a real server to a reader: by the command, by the library, and what makes them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.incremental.test_referee import due, lie
from tests.support.ecflow_server import EcflowServer
from tests.support.watched import DEFINITION, NAME, Watched
from tests.support.watchman import Watchman
from watchman_cli import Change, Resynchronised, ServerStateChange, follow_changes, read_snapshot
from watchman_cli.changes.batch import Batch
from watchman_cli.follow import history
from watchman_cli.store import open_store

TASK = "/s/f/a"
OTHER = "/other/t1"


@pytest.fixture
def watched(loaded: Watched) -> Watched:
    """A server whose changes are kept, read once."""
    loaded.configure(changes=True)
    loaded.collect()
    return loaded


def batches(watched: Watched) -> list[Batch]:
    store = open_store(watched.redis.url)
    try:
        return [batch for _, batch in history(store, NAME, None)]
    finally:
        store.close()


def kept(watched: Watched) -> bool:
    found: bool = json.loads(watched.value("health"))["changes_kept"]
    return found


def statuses(batch: Batch) -> dict[str, tuple[str | None, str | None]]:
    return {
        (new or old or pytest.fail()).path: (old.status if old else None, new.status if new else None)
        for old, new in batch.changes
    }


def test_each_kind_of_run(watched: Watched) -> None:
    (first,) = batches(watched)
    assert (first.before, first.reason) == (None, "there was no snapshot")
    assert watched.collect()["mode"] == "unchanged"
    assert len(batches(watched)) == 1
    watched.ecflow.force_state(TASK, "State.aborted")
    assert watched.collect()["mode"] == "incremental"
    watched.ecflow.load_text("suite new\n task t\nendsuite")
    watched.ecflow.delete("/s/f/g")
    assert watched.collect()["mode"] == "full"
    watched.ecflow.halt_server()
    assert watched.collect()["mode"] == "incremental"
    watched.redis.client.delete("{o/r/status}/sync")
    assert watched.collect()["mode"] == "full"  # with equal records
    found = batches(watched)
    assert [batch.before for batch in found[1:]] == [batch.after for batch in found[:-1]]
    assert len(found) == 4
    assert statuses(found[1])[TASK] == ("queued", "aborted")
    assert statuses(found[2])["/new/t"] == (None, "unknown")
    assert statuses(found[2])["/s/f/g/c"] == ("queued", None)
    assert statuses(found[2]).keys() <= {"/", "/s/f/g", "/s/f/g/c", "/s/f/g/d", "/new", "/new/t"}
    assert (found[3].server_state_before, found[3].server_state) == ("RUNNING", "HALTED")
    assert found[3].changes == []
    revision = json.loads(watched.value("status"))["revision"]
    assert found[3].after == revision
    assert read_snapshot(watched.redis.url, NAME).server_state == "HALTED"


def test_where_they_are_not_kept(watched: Watched) -> None:
    watched.redis.client.delete("{o/r/status}/changes")
    watched.configure(changes=False)
    watched.ecflow.force_state(TASK, "State.aborted")
    watched.collect()
    assert watched.redis.client.exists("{o/r/status}/changes") == 0
    result = watched.watchman.run("changes", NAME)
    assert (result.code, result.text) == (1, "")
    assert "`changes: true`" in result.err


@pytest.mark.parametrize("in_between", ["changed", "failed", "unchanged"])
def test_they_are_off_for_a_while(watched: Watched, in_between: str) -> None:
    """The server is back in an earlier state then: the revisions alone show no gap."""
    watched.ecflow.force_state(TASK, "State.aborted")
    watched.collect()
    watched.configure(changes=False)
    if in_between == "changed":
        for state in ("State.complete", "State.aborted"):
            watched.ecflow.force_state(TASK, state)
            watched.collect()
    elif in_between == "failed":
        assert watched.ecflow.process
        watched.ecflow.process.send_signal(signal.SIGSTOP)
        watched.configure(deadline=1, report_after=2)
        assert watched.watchman.collect().code == 1
        watched.ecflow.process.send_signal(signal.SIGCONT)
        watched.configure(deadline=20)
    else:
        watched.collect()
    assert kept(watched) is (in_between != "changed")
    watched.configure(changes=True)
    watched.ecflow.force_state(TASK, "State.queued")
    watched.collect()
    assert kept(watched)
    last = batches(watched)[-1]
    assert last.reason == ("changes were not kept for a while" if in_between == "changed" else None)
    gap = "the changes until then are not known: changes were not kept for a while"
    printed = watched.watchman.run("changes", NAME).text
    assert (gap in printed) is (in_between == "changed")


def test_the_referees_correction_is_a_batch_of_its_own(watched: Watched) -> None:
    lie(watched)
    watched.redis.client.delete("{o/r/status}/sync")
    due(watched)
    result = watched.watchman.collect()
    assert "differs from the bindings'" in result.err
    found = batches(watched)[1:]
    assert [batch.before for batch in found] == [batches(watched)[0].after, found[0].after]
    assert statuses(found[0])["/s/f/b"] == ("queued", "active")
    assert statuses(found[1])["/s/f/b"] == ("active", "queued")


@pytest.mark.parametrize("damage", [b"{}", b"", None])
def test_a_damaged_snapshot_gives_a_reset(watched: Watched, damage: bytes | None) -> None:
    value = watched.value("status")
    damaged = value[:-10] + b"x" + value[-9:] if damage is None else damage
    watched.set("status", damaged)
    watched.ecflow.force_state(TASK, "State.aborted")
    watched.watchman.collect()
    last = batches(watched)[-1]
    reasons = {b"{}": "there was no snapshot of this", b"": "there was no snapshot", None: "is damaged"}
    assert last.before is None and last.reason and reasons[damage] in last.reason
    assert last.after == json.loads(watched.value("status"))["revision"]


def test_a_snapshot_that_is_replaced_in_mid_run(watched: Watched) -> None:
    """The run reads anew, and its batch is what differs from the snapshot that it replaces."""
    old = watched.value("status")
    watched.ecflow.force_state(TASK, "State.aborted")
    watched.collect()
    others = iter([old])

    def rewrite(request: bytes, reply: bytes) -> bytes:
        for value in others:
            watched.set("status", value)
        return reply

    watched.relay.rewrite = rewrite
    assert watched.collect()["reason"] == "the stored snapshot was changed by another writer"
    _, first, second = batches(watched)
    assert (first.before, first.after) == (second.before, second.after)
    assert statuses(first) == statuses(second)
    assert first.before == json.loads(old)["revision"]


def test_follow_changes(watched: Watched) -> None:
    followed = follow_changes(watched.redis.url, NAME)
    first = next(followed)
    assert isinstance(first, Resynchronised) and first.snapshot.status(TASK) == "queued"
    watched.ecflow.force_state(TASK, "State.aborted")
    watched.collect()
    found: dict[str, Any] = {}
    while TASK not in found:
        each = next(followed)
        assert isinstance(each, Change)
        found[each.path] = each
    change = found[TASK]
    assert (change.server, change.previous, change.status) == (NAME, "queued", "aborted")
    assert change.flags == ("task_aborted",)
    watched.ecflow.halt_server()
    watched.collect()
    each = next(followed)
    assert isinstance(each, ServerStateChange) and (each.previous, each.state) == ("RUNNING", "HALTED")
    followed.close()


def test_what_the_command_prints(watched: Watched) -> None:
    watched.ecflow.force_state(TASK, "State.aborted")
    watched.collect()
    watched.ecflow.force_state(OTHER, "State.complete")
    watched.collect()
    result = watched.watchman.run("changes", "r")
    assert result.code == 0
    first, *rest = result.text.splitlines()
    assert "the changes until then are not known: there was no snapshot" in first
    assert any(line.endswith(f"UTC  {TASK}  queued → aborted, task_aborted") for line in rest)
    assert any(OTHER in line for line in rest)
    result = watched.watchman.run("changes", "r", "--path", "/other", "--since", "10m", "--json")
    events = [json.loads(line) for line in result.text.splitlines()]
    assert events.pop(0)["type"] == "watchman.reset"
    assert {event["subject"].split("/")[1] for event in events} == {"other"}
    (event,) = [event for event in events if event["subject"] == OTHER]
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "watchman.change", NAME)
    assert event["data"] == {"from": "queued", "to": "complete"}
    assert watched.watchman.run("changes", "r", "--since", "0s").text == ""


@pytest.fixture
def following(watched: Watched) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(watched.watchman.start("changes", "r", "--follow", *arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_command_follows(watched: Watched, following: Callable[..., subprocess.Popen[bytes]]) -> None:
    watched.ecflow.force_state(OTHER, "State.aborted")
    watched.collect()
    process = following("--since", "1h", "--path", OTHER)
    assert process.stdout and process.stderr
    assert b"there was no snapshot" in process.stdout.readline()
    assert process.stdout.readline().endswith(f"{OTHER}  queued → aborted, task_aborted\n".encode())
    watched.ecflow.force_state(OTHER, "State.complete")
    watched.collect()
    assert process.stdout.readline().endswith(f"{OTHER}  aborted → complete\n".encode())
    watched.ecflow.stop()
    assert watched.watchman.collect().code == 1
    assert b"o/r: stale: " in process.stderr.readline()
    assert "o/r: stale: " in watched.watchman.run("changes", "r").err
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert process.stderr.read() == b""


@pytest.fixture
def fleet(watched: Watched, ecflow_server: Callable[..., EcflowServer]) -> tuple[Watched, EcflowServer]:
    """The server o/r, another one o/second, and o/silent whose changes are not kept."""
    second = ecflow_server()
    second.load_text(DEFINITION)
    first = {"owner": "o", "repo": "r", "address": watched.relay, "changes": True}
    other = {"owner": "o", "repo": "second", "address": second, "changes": True}
    silent = {"owner": "o", "repo": "silent", "address": second}
    watched.watchman.configure(watched.redis.url, [first, other, silent])
    assert watched.watchman.collect().code == 0
    return watched, second


def test_all_servers_in_the_order_of_time(fleet: tuple[Watched, EcflowServer]) -> None:
    watched, second = fleet
    second.force_state(OTHER, "State.aborted")
    assert watched.watchman.collect().code == 0
    watched.ecflow.force_state(TASK, "State.aborted")
    second.force_state(OTHER, "State.complete")
    assert watched.watchman.collect().code == 0
    result = watched.watchman.run("changes", "--all", "--to", "aborted", "--path", "/other")
    assert (result.code, result.err.count("\n")) == (0, 1)
    assert result.err.startswith("watchman: o/silent: no changes in redis://")
    unknown = "the changes until then are not known: there was no snapshot"
    first, second_, *rest = result.text.splitlines()
    assert first.endswith(f"UTC  o/r  {unknown}") and second_.endswith(f"UTC  o/second  {unknown}")
    assert [line.split("UTC  ")[1] for line in rest if OTHER in line] == [
        f"o/second  {OTHER}  unknown → aborted"
    ]
    assert all("→ aborted" in line for line in rest)
    result = watched.watchman.run("changes", "--all", "--to", "aborted", "--to", "complete", "--json")
    events = [json.loads(line) for line in result.text.splitlines()]
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    found = [
        (event["source"], event["subject"], event["data"]["to"])
        for event in events
        if event["type"] == "watchman.change" and event["subject"] in (TASK, OTHER)
    ]
    assert found[0] == ("o/second", OTHER, "aborted")
    assert sorted(found[1:]) == [("o/r", TASK, "aborted"), ("o/second", OTHER, "complete")]
    only = watched.watchman.run("changes", "r", "--to", "complete").text.splitlines()
    assert len(only) == 1 and only[0].endswith(unknown) and "o/r" not in only[0]


def test_all_servers_are_followed(fleet: tuple[Watched, EcflowServer]) -> None:
    """Though connections end, and one server's stream cannot be read."""
    watched, second = fleet
    watched.redis.client.set("{o/silent/status}/changes", "not a stream")
    environment = watched.watchman.environment(PYTHONIOENCODING="ascii", PYTHONUNBUFFERED="1")
    arguments = ("changes", "--all", "--to", "aborted", "--follow")
    lines: list[str] = []
    with watched.watchman.start(*arguments, environment=environment) as process:
        assert process.stdout and process.stderr
        try:
            problem = process.stderr.readline()
            assert problem.startswith(b"watchman: o/silent: store redis://") and b"WRONGTYPE" in problem
            for path in (OTHER, "/other/t2", "/other/t3"):
                second.force_state(path, "State.aborted")
                watched.ecflow.force_state(path, "State.aborted")
                assert watched.watchman.collect().code == 0
                past = watched.watchman.run(*arguments[:-1]).text.replace("→", "->").splitlines()
                expected = [line for line in past if "not known: there was no snapshot" not in line]
                lines += [process.stdout.readline().decode().rstrip() for _ in expected[len(lines) :]]
                assert sorted(lines) == sorted(expected)
                watched.redis.client.client_kill_filter(skipme=True, _type="normal")
            assert any(line.endswith("UTC  o/r  /other/t3  queued -> aborted") for line in lines)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130


@pytest.mark.parametrize("arguments", [(), ("r", "--all")])
def test_a_server_or_all_of_them(watched: Watched, arguments: tuple[str, ...]) -> None:
    result = watched.watchman.run("changes", *arguments)
    assert (result.code, result.err) == (2, "name one server as OWNER/REPO, or --all\n")


def test_all_servers_without_changes(watched: Watched) -> None:
    watched.redis.client.delete("{o/r/status}/changes")
    watched.configure(changes=False)
    for arguments in ((), ("--follow",)):
        result = watched.watchman.run("changes", "--all", *arguments)
        assert (result.code, result.text) == (1, "")
        assert "o/r: no changes in " in result.err


def test_a_directory(ecflow: EcflowServer, watchman: Watchman, tmp_path: Path) -> None:
    ecflow.load_text(DEFINITION)
    url = f"file://{tmp_path}/store"
    watchman.configure(url, [{"owner": "o", "repo": "r", "address": ecflow, "changes": True}])
    assert watchman.run("changes", "r").code == 3  # there is no such directory yet
    assert watchman.collect().code == 0
    ecflow.force_state(TASK, "State.aborted")
    assert watchman.collect().code == 0
    lines = (tmp_path / "store" / "o" / "r" / "changes.jsonl").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["watchman.reset", "watchman.changes"]
    assert f"{TASK}  unknown → aborted" in watchman.run("changes", "r").text
