"""The examples of a Slurm array and of scrontab run as they stand, as a user without root."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer, health_of
from tests.support.slurm import HOME, UID, Slurm
from tests.support.watchman import Watchman
from watchman_cli.output.metrics_text import decode
from watchman_cli.shard import task_of

EXAMPLES = "/opt/watchman/examples"  # as the documentation has it
ARRAY, SCRONTAB = f"{EXAMPLES}/slurm-array.sh", f"{EXAMPLES}/scrontab"
SERVERS = 2000  # addresses of a loopback network, each of which leads to one of two real servers
TASKS, LOST = 8, (3, 5)
LIMIT = 100.0  # seconds for the tasks of one array, on a busy machine
SUCCESS = "watchman_server_last_success_timestamp_seconds"


def configure(slurm: Slurm, watchman: Watchman, store: str, entries: Any, **rest: Any) -> None:
    """Write the configuration of Slurm's user, which other users cannot read."""
    watchman.configure(store, entries, **rest)
    slurm.config.write_bytes(watchman.config.read_bytes())
    slurm.config.chmod(0o600)
    os.chown(slurm.config, UID, UID)


def health_records(redis: RedisServer, entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the health record of each server, by its repo."""
    return {entry["repo"]: health_of(redis.client, f"met/{entry['repo']}") for entry in entries}


def successes(metrics: Path) -> dict[str, float]:
    """Return when each server's snapshot was collected, by its repo."""
    return {labels[2]: time for labels, time in decode(metrics.read_bytes())[SUCCESS].items()}


@pytest.mark.slow
def test_each_server_is_read_once_and_lost_tasks_show(
    ecflow_server: Callable[..., EcflowServer], redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    servers = [ecflow_server(), ecflow_server()]
    hosts = islice((f"127.1.{a}.{b}" for a, b in product(range(8), range(1, 255))), SERVERS)
    entries = [
        {"owner": "met", "repo": f"r{number:04}", "host": host, "port": servers[number % 2].port}
        for number, host in enumerate(hosts)
    ]
    logged = sum(server.requests() for server in servers)
    with Slurm(tmp_path / "slurm", cpus=4) as slurm:
        metrics = slurm.home / "watchman.prom"
        settings = {"reader": "protocol", "deadline": 60}
        configure(
            slurm, watchman, redis.url, entries, metrics_file=f"{HOME}/watchman.prom", defaults=settings
        )
        job = slurm.submit(ARRAY)
        assert slurm.await_end(job, LIMIT) == ["COMPLETED 0:0"] * TASKS
        assert (slurm.home / "watchman.log").read_text() == ""
        # Each request of a server is in one health record: a second reading would have replaced it.
        records = health_records(redis, entries)
        requests = sum(record["requests"] for record in records.values())
        assert sum(server.requests() for server in servers) - logged == requests
        assert {record["ok"] for record in records.values()} == {True}
        first = successes(metrics)
        assert len(first) == SERVERS

        job = slurm.submit(ARRAY, "--hold")
        slurm.cancel(*(f"{job}_{task}" for task in LOST))
        slurm.release(job)
        ended = slurm.await_end(job, LIMIT)
        assert ended.count("COMPLETED 0:0") == TASKS - len(LOST)
        assert (slurm.home / "watchman.log").read_text() == ""
        later = successes(metrics)
    lost = {e["repo"] for e in entries if task_of(f"met/{e['repo']}", TASKS) in LOST}
    unread = {repo for repo, record in health_records(redis, entries).items() if record == records[repo]}
    assert unread == lost
    stale = {repo for repo, time in later.items() if time == first[repo]}
    assert stale == lost


@pytest.mark.slow
def test_scrontab_starts_a_run_each_minute(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    with Slurm(tmp_path / "slurm", cpus=1) as slurm:
        if not slurm.has("scrontab"):
            pytest.skip("Slurm of Debian 12 has no scrontab")
        configure(slurm, watchman, redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
        slurm.run("scrontab", SCRONTAB)
        times: set[str] = set()

        def twice() -> bool:
            times.update([(health_of(redis.client, "o/r") or {"checked_time": ""})["checked_time"]])
            return len(times - {""}) > 1

        await_true(twice, "Slurm starts no second run", 60 + LIMIT * 2)
        slurm.run("scrontab", "-r")
        health = health_of(redis.client, "o/r")
        assert health and health["ok"] and health["failures"] == 0
        assert (slurm.home / "watchman.log").read_text() == ""
