"""The example of a Slurm array, under a real slurmctld and slurmd."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable
from itertools import islice, product
from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.slurm import Slurm
from tests.support.watchman import Watchman
from watchman_cli.output.metrics_text import decode
from watchman_cli.shard import task_of

ROOT = Path(__file__).parent.parent.parent
SERVERS = 2000  # addresses of a loopback network, each of which leads to one of two real servers
TASKS, LOST = 8, (3, 5)
LIMIT = 100.0  # seconds for the tasks of one array, on a busy machine
SUCCESS = "watchman_server_last_success_timestamp_seconds"


def own_example(watchman: Watchman) -> Path:
    """Return the example as a user would start it; only the paths are this test's."""
    text = (ROOT / "examples" / "slurm-array.sh").read_text()
    installed = shutil.which("watchman", path=str(Path(sys.executable).parent))
    assert installed
    text = text.replace("/opt/watchman/.venv/bin/watchman", shlex.quote(installed))
    script = watchman.home / "slurm-array.sh"
    script.write_text(text.replace("/etc/watchman/config.yaml", shlex.quote(str(watchman.config))))
    return script


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
    metrics = tmp_path / "metrics" / "watchman.prom"
    metrics.parent.mkdir()
    watchman.configure(
        redis.url,
        entries,
        metrics_file=str(metrics),
        defaults={"reader": "protocol", "deadline": 60},
    )
    script = own_example(watchman)
    logged = sum(server.requests() for server in servers)
    with Slurm(tmp_path / "slurm", cpus=4) as slurm:
        job = slurm.submit(script)
        assert slurm.await_end(job, LIMIT) == ["COMPLETED 0:0"] * TASKS
        assert (slurm.home / "watchman.log").read_text() == ""
        # Each request of a server is in one health record: a second reading would have replaced it.
        records = [
            json.loads(redis.client.get(f"{{met/{e['repo']}/status}}/health") or b"{}") for e in entries
        ]
        requests = sum(record["requests"] for record in records)
        assert sum(server.requests() for server in servers) - logged == requests
        assert {record["ok"] for record in records} == {True}
        first = {labels[2]: time for labels, time in decode(metrics.read_bytes())[SUCCESS].items()}
        assert len(first) == SERVERS

        job = slurm.submit(script, "--hold")
        slurm.cancel(*(f"{job}_{task}" for task in LOST))
        slurm.release(job)
        ended = slurm.await_end(job, LIMIT)
        assert ended.count("COMPLETED 0:0") == TASKS - len(LOST)
        later = {labels[2]: time for labels, time in decode(metrics.read_bytes())[SUCCESS].items()}
    stale = {repo for repo, time in later.items() if time == first[repo]}
    lost = {e["repo"] for e in entries if task_of(f"met/{e['repo']}", TASKS) in LOST}
    assert stale == lost
