"""Several hosts with one crontab: each server is read once in an interval, whoever comes first."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Connection
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay
from tests.support.watchman import Watchman
from watchman_cli import schema
from watchman_cli.output.metrics_text import decode
from watchman_cli.store import Store, open_store

INTERVAL = 4.0  # seconds
RUNS, ROUNDS = 20, 6


class Counted(Relay):
    """Notes when each request came, as a time.monotonic(); answers none before `free` is set."""

    def __init__(self, port: int) -> None:
        self.times: list[float] = []
        self.free = threading.Event()
        self.free.set()
        super().__init__(port)

    def serve(self, connection: Connection) -> None:
        self.times.append(time.monotonic())
        self.free.wait(60)
        super().serve(connection)


@pytest.fixture
def counted(ecflow: EcflowServer) -> Iterator[Counted]:
    relay = Counted(ecflow.port)
    with relay:
        yield relay


@pytest.fixture(params=["redis", "directory"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "directory":
        return f"file://{tmp_path / 'store'}"
    redis: RedisServer = request.getfixturevalue("redis")
    return redis.url


def health_of(store: Store) -> Any:
    value = store.value("o/r", "health")
    return json.loads(value) if value else None


def test_a_server_is_read_once_in_an_interval(watchman: Watchman, counted: Counted, store_url: str) -> None:
    entry = {"owner": "o", "repo": "r", "address": counted}
    watchman.configure(store_url, [entry], defaults={"min_interval": "1h", "reader": "protocol"})
    assert watchman.collect().code == 0
    store = open_store(store_url, "store")
    record = health_of(store)
    assert record["began_time"] < record["checked_time"] and schema.is_valid("health", record)
    result = watchman.collect("-v")
    assert result.code == 0 and len(counted.times) == 1
    assert "skipped: its last reading began" in result.err and "min_interval is 3600 s" in result.err
    assert health_of(store) == record
    for arguments in (("--server", "r"), ("--reset-sync", "o/r"), ("--dry-run",)):
        before = len(counted.times)
        assert watchman.collect(*arguments).code == 0
        assert len(counted.times) > before


def test_a_failed_reading_counts(watchman: Watchman, store_url: str) -> None:
    entry = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": 1}
    watchman.configure(store_url, [entry], defaults={"min_interval": 3600, "deadline": 2, "attempts": 1})
    assert watchman.collect().code == 1
    assert watchman.collect().code == 0
    assert health_of(open_store(store_url, "store"))["failures"] == 1
    assert watchman.collect("--server", "r").code == 1


def test_a_reading_that_was_killed_is_not_repeated_within_the_interval(
    watchman: Watchman, counted: Counted, store_url: str
) -> None:
    entry = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": counted.port}
    watchman.configure(store_url, [entry], defaults={"min_interval": "1h", "reader": "protocol"})
    counted.free.clear()
    with watchman.start("collect") as run:
        await_true(lambda: counted.times, "no request came")
        run.kill()
        run.communicate()
    counted.free.set()
    result = watchman.collect("-v")
    assert (result.code, len(counted.times)) == (0, 1)
    assert "skipped: its last reading began" in result.err


def test_a_killed_run_costs_one_interval(watchman: Watchman, counted: Counted, store_url: str) -> None:
    entry = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": counted.port}
    settings = {"min_interval": INTERVAL, "reader": "protocol", "deadline": 3}
    watchman.configure(store_url, [entry], defaults=settings)
    chance = random.Random(22)
    began = time.monotonic()
    for _ in range(ROUNDS):
        runs: list[Popen[bytes]] = [watchman.start("collect") for _ in range(RUNS)]
        for run in chance.sample(runs, RUNS // 4):
            time.sleep(chance.uniform(0, 0.2))  # a kill at any moment of its work
            run.kill()
        for run in runs:
            run.communicate()
    ended = time.monotonic()
    gaps = [later - earlier for earlier, later in zip(counted.times, counted.times[1:], strict=False)]
    # A request comes a little after the beginning of its reading, never before.
    assert all(gap > INTERVAL / 2 for gap in gaps), gaps
    assert 1 <= len(counted.times) <= (ended - began) / INTERVAL + 1
    assert health_of(open_store(store_url, "store"))["began_time"]


def test_the_metrics_of_a_host_that_skips(watchman: Watchman, counted: Counted, store_url: str) -> None:
    """Each host has the last reading of any host, so that no alert says that its servers are stale."""
    files = [watchman.home / name / "watchman.prom" for name in ("first", "second")]
    entry = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": counted.port}
    for file in files:
        file.parent.mkdir()
        watchman.configure(store_url, [entry], defaults={"min_interval": "1h"}, metrics_file=str(file))
        assert watchman.collect().code == 0
    assert len(counted.times) == 1
    first, second = (decode(file.read_bytes()) for file in files)
    for name in (
        "up",
        "last_success_timestamp_seconds",
        "last_attempt_timestamp_seconds",
        "requests",
        "nodes",
    ):
        assert first[f"watchman_server_{name}"] == second[f"watchman_server_{name}"]
    before = files[0].read_bytes()
    watchman.configure(store_url, [entry], defaults={"min_interval": "1h"}, metrics_file=str(files[0]))
    assert watchman.collect().code == 0
    after = decode(files[0].read_bytes())
    kept = {name: each for name, each in decode(before).items() if name.startswith("watchman_server_")}
    assert {name: after[name] for name in kept} == kept
