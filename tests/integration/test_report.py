"""A failure is reported by one run as it begins and by one as it ends, whatever host and store."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import WATCHMAN, Watchman

KILLED_BEFORE_THE_REPORT = """
import os, signal
from watchman_cli.output.log import Reporter
Reporter.on_failure = Reporter.on_warnings = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from watchman_cli.__main__ import run
run()
"""


class Site:
    """A server that two hosts watch, and that can be dead."""

    def __init__(self, store: str, ecflow: EcflowServer, folder: Path) -> None:
        self.store, self.ecflow = store, ecflow
        self.hosts = [Watchman(folder / name, forked=True) for name in ("first", "second")]
        for host in self.hosts:
            host.home.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.dead = listener.getsockname()[1]

    def configure(self, port: int, **rest: Any) -> None:
        for host in self.hosts:
            entry = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": port, "attempts": 1}
            host.configure(self.store, [entry | rest])

    def runs(self, times: int, *options: str, code: int) -> list[str]:
        """Make runs of each host in turn; return the lines about the failure."""
        lines = []
        for number in range(times):
            result = self.hosts[number % 2].collect(*options)
            assert result.code == code, result.err
            lines += [line for line in result.err.splitlines() if "two configurations" not in line]
        return lines


@pytest.fixture(params=["redis", "directory"])
def site(request: pytest.FixtureRequest, ecflow: EcflowServer, redis: RedisServer, tmp_path: Path) -> Site:
    store = redis.url if request.param == "redis" else f"file://{tmp_path}/store"
    return Site(store, ecflow, tmp_path)


def test_begin_and_end_are_reported_once(site: Site) -> None:
    site.configure(site.ecflow.port)
    assert site.runs(2, code=0) == []
    site.configure(site.dead)
    (line,) = site.runs(4, code=1)
    assert line.startswith("o/r: connection refused (127.0.0.1:") and line.endswith("UTC is kept")
    site.configure(site.ecflow.port)
    (line,) = site.runs(4, code=0)
    assert line.startswith("o/r: recovered after 4 failed runs, since 2")
    assert line.endswith(" UTC (connection refused)")


def test_each_run_reports_if_that_is_wanted(site: Site) -> None:
    site.configure(site.dead)
    assert len(site.runs(3, "--report", "always", code=1)) == 3
    assert site.runs(1, code=1) == []
    assert any(" error o/r: connection refused" in line for line in site.runs(1, "-v", code=1))


def test_report_after_some_runs(site: Site) -> None:
    site.configure(site.dead, report_after=3)
    assert site.runs(2, code=1) == []
    site.configure(site.ecflow.port, report_after=3)
    assert site.runs(1, code=0) == []
    site.configure(site.dead, report_after=3)
    assert [len(site.runs(1, code=1)) for _ in range(5)] == [0, 0, 1, 0, 0]


def test_another_kind_is_reported_once(site: Site) -> None:
    site.configure(site.dead)
    assert len(site.runs(2, code=1)) == 1
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        site.configure(hanging.getsockname()[1], deadline=1)
        (line,) = site.runs(2, code=1)
    assert line.startswith("o/r: no answer from 127.0.0.1:")
    site.configure(site.dead)
    assert site.runs(2, code=1) == []


def test_one_of_many_runs_at_once_reports(site: Site) -> None:
    site.configure(site.dead)
    commands = [[WATCHMAN, "collect", "--config", str(site.hosts[number % 2].config)] for number in range(8)]
    processes = [
        subprocess.Popen(each, env=site.hosts[0].environment(), stderr=subprocess.PIPE) for each in commands
    ]
    lines = [line for each in processes for line in each.communicate()[1].decode().splitlines()]
    assert [line.partition(" (")[0] for line in lines] == ["o/r: connection refused"]


def test_next_run_reports_if_one_was_killed_before(site: Site) -> None:
    site.configure(site.dead)
    killed = [sys.executable, "-c", KILLED_BEFORE_THE_REPORT, "collect", "--config"]
    host = site.hosts[0]
    assert subprocess.run([*killed, host.config], env=host.environment(), check=False).returncode == -9
    assert len(site.runs(2, code=1)) == 1
    site.configure(site.ecflow.port)
    assert subprocess.run([*killed, host.config], env=host.environment(), check=False).returncode == -9
    (line,) = site.runs(2, code=0)
    assert line.startswith("o/r: recovered after 3 failed runs, since ")


def test_store_that_fails_is_reported_by_each_run(site: Site) -> None:
    site.store = f"redis://127.0.0.1:{site.dead}/0"
    site.configure(site.ecflow.port, deadline=1)
    assert len(site.runs(2, code=3)) == 2
