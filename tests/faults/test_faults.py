"""The fault matrix: what goes wrong with ecFlow, its bindings, this machine or Redis, on real sockets.

A row arranges a fault for the server o/bad, or for the store. One test holds each row to all that must
stay true whatever happens, twice: as cron runs it, and with a log for a collector. The documentation's
table is made of the same rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from signal import SIGCONT
from typing import Any

import pytest
import redis as driver

from tests.faults.case import FaultCase
from tests.faults.environment import (
    BAD,
    ECFLOW_SECRET,
    GOOD,
    MARKER,
    REDIS_SECRET,
    FaultEnvironment,
    FaultRun,
    prepare,
)
from tests.faults.rows import ROWS
from tests.integration.test_collect import load_seven
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer, health_of, records_of, status_of
from tests.support.watchman import LOST, Result
from watchman_cli import schema
from watchman_cli.store.redis.keys import key

AS_JSON = ("-v", "--log-format", "json")
LONGEST = 300  # characters of a line, and more where interpreters are named


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultEnvironment]:
    folder = tmp_path_factory.mktemp("environment")
    made = FaultEnvironment(folder, EcflowServer(folder))
    made.healthy = made.server("healthy")
    load_seven(made.healthy)
    with ExitStack() as stack:
        stack.callback(made.stop)
        (folder / "first").mkdir()
        run = prepare(made, folder / "first", stack)
        first = run.collect()
        assert (first.code, first.err) == (0, "")
        made.seeds = {name: run.value(name) or b"" for name in run.key_names()}
        assert sorted(made.seeds) == sorted(
            key(name, field) for name in (GOOD, BAD) for field in ("status", "health", "sync")
        )
        for name in (GOOD, BAD):  # so that a row's own address does not look like another configuration's
            health = made.seeds[key(name, "health")]
            made.seeds[key(name, "health")] = re.sub(rb'"address":"[^"]*"', b'"address":null', health)
        yield made


@pytest.mark.parametrize("arguments", [(), AS_JSON], ids=["plain", "json"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.side}: {row.id}")
def test_fault(
    row: FaultCase, arguments: tuple[str, ...], environment: FaultEnvironment, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        run = prepare(environment, tmp_path, stack)
        limits = {"deadline": row.deadline, "connect_timeout": row.connect_timeout, "attempts": 2}
        run.entry |= limits
        run.good |= limits
        row.setup(run)

        result = run.collect(*arguments)

        assert result.code == row.code, result.err
        assert run.happened is None or run.happened.is_set()
        assert run.processes_left() == []
        assert list(run.temporary.iterdir()) == [] == list(run.folder.glob("core*"))
        restore(run.redis)
        check_store(row, run)
        check_lines(row, run, lines_of(row, result.err, as_json=bool(arguments)))
        check_secrets(run, result)


def restore(redis: RedisServer) -> None:
    """Have Redis be there, so that what it holds can be seen."""
    assert redis.process
    if redis.process.poll() is not None:
        redis.start()
    redis.process.send_signal(SIGCONT)

    def ready() -> bool:
        with suppress(driver.RedisError):
            return bool(redis.client.ping())
        return False

    await_true(ready, "Redis did not come back")
    redis.client.config_set("maxmemory", 0)


def check_store(row: FaultCase, run: FaultRun) -> None:
    """Hold the store to it: the healthy server's snapshot is new, o/bad's is new or as it was.

    If Redis resumes after the run, each of them is new or as it was.
    """
    seeds = run.environment.seeds
    if row.resumes:
        assert run.truth
        for name, truth in ((GOOD, run.environment.healthy), (BAD, run.truth)):
            if not is_as_it_was(run, name):
                check_written(row, run, name, truth)
    elif row.good:
        check_written(row, run, GOOD, run.environment.healthy)
    elif row.code == 3:
        assert is_as_it_was(run, GOOD)
    if row.code == 0:
        assert run.truth
        check_written(row, run, BAD, run.truth)
    elif not row.resumes:
        assert run.value(key(BAD, "status")) == seeds[key(BAD, "status")]
        assert row.code != 3 or is_as_it_was(run, BAD)
    if row.kind:
        health = health_of(run.redis.client, BAD)
        assert health and schema.is_valid("health", health)
        assert (health["ok"], health["failures"], health["error"]["kind"]) == (False, 1, row.kind)
        assert row.is_in(health["error"]["message"])
        assert health["collected_time"] == json.loads(seeds[key(BAD, "status")])["collected_time"]
        assert health["attempts"] == row.attempts
    for name in [name for name in run.key_names() if name.endswith("/lock")]:
        left: Any = run.redis.client.pttl(name)
        assert row.lost and 0 < left < (row.deadline + 6) * 1000
    assert run.environment.healthy.handles() == []
    if run.truth and "suites" in run.entry:
        assert len(run.truth.handles()) == 1


def is_as_it_was(run: FaultRun, name: str) -> bool:
    """Return whether a server has the snapshot and the health record from before the run."""
    seeds = run.environment.seeds
    return all(run.value(key(name, each)) == seeds[key(name, each)] for each in ("status", "health"))


def check_written(row: FaultCase, run: FaultRun, name: str, truth: EcflowServer) -> None:
    """Hold a snapshot to be of this run, and equal to an independent full sync."""
    found, independent = status_of(run.redis.client, name), truth.snapshot()
    assert found and schema.is_valid("snapshot", found)
    assert records_of(found) == independent["records"]
    assert found["server_state"] == independent["server_state"]
    age = datetime.now(timezone.utc) - datetime.fromisoformat(found["collected_time"])
    assert timedelta(0) < age
    assert found["collected_time"] > json.loads(run.environment.seeds[f"{name}/status"])["collected_time"]
    health = health_of(run.redis.client, name)
    assert health and schema.is_valid("health", health)
    assert (health["ok"], health["failures"], health["error"]) == (True, 0, None)
    assert health["collected_time"] == found["collected_time"]
    if name == BAD:
        assert row.attempts in (None, health["attempts"])
        if row.where in ("reason", "verification"):
            assert row.is_in(health["sync"][row.where] or ""), health["sync"]


def lines_of(row: FaultCase, err: str, as_json: bool) -> list[str]:
    """Return the lines of errors and warnings on standard error."""
    if not as_json:
        return err.splitlines()
    failures = [each for each in map(json.loads, err.splitlines()) if each["level"] in ("error", "warning")]
    assert all(each.get("kind") in (row.kind, None) for each in failures)
    return [f"{each['server']}: {each['message']}" for each in failures]


def check_lines(row: FaultCase, run: FaultRun, lines: list[str]) -> None:
    """Hold the run to a line for what failed: who, what, and what was kept; to none where nothing did."""
    longest = LONGEST + 200 * (row.kind == "bindings")
    assert all(len(line) < longest and line.isprintable() for line in lines)
    if row.code == 0:
        assert bool(lines) == (row.where == "warning"), lines
        assert all(row.is_in(line) for line in lines), lines
        return
    whose = "watchman: " if row.kind == "bindings" or (row.code == 3 and not row.lost) else f"{BAD}: "
    (line,) = [line for line in lines if line.startswith(whose) and not line.endswith(LOST)]
    assert row.is_in(line), line
    if row.code == 3:
        many = "snapshot of 1 server was" if row.lost == 1 else f"snapshots of {row.lost} servers were"
        ending = [f"watchman: the {many} not written"] if row.lost else []
        assert [each for each in lines if each.endswith(LOST)] == ending
        assert "redis://127.0.0.1:" in line
        return
    assert len(lines) == (1 if row.good or row.kind == "bindings" else 2), lines
    if row.kind == "bindings":
        assert line.endswith("; 2 servers were not read, and their snapshots stay as they are")
        return
    kept = json.loads(run.environment.seeds[key(BAD, "status")])["collected_time"][:19].replace("T", " ")
    assert line.endswith(f"; the snapshot of {kept} UTC is kept")
    tried = f"(tried {row.attempts} times)"
    assert (tried in line) == bool(row.attempts and row.attempts > 1)


def check_secrets(run: FaultRun, result: Result) -> None:
    """Hold the run to show no password and no part of a reply, in print, store or a process's arguments."""
    found = [result.out, result.err.encode(), *run.cmdlines]
    found += [each for name in run.key_names() for each in run.contents(name)]
    secrets = (ECFLOW_SECRET, REDIS_SECRET, ECFLOW_SECRET[::-1], REDIS_SECRET[::-1])
    assert not [each for each in found for secret in (*secrets, MARKER) if secret.encode() in each]
    if run.process:
        assert any(b"collect" in each and b"watchman" in each for each in run.cmdlines)
