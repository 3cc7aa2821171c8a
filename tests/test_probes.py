"""Probes do one job after another, and nothing of one is left to the next."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.servers import EcflowServer, await_true
from tests.test_collect import load_seven
from watchman_cli import probe
from watchman_cli.errors import ServerError
from watchman_cli.supervise import Probes

JOB: dict[str, Any] = {
    "ssl": False,
    "user": None,
    "password": None,
    "suites": [],
    "marker": "watchman_test",
    "patience": 20.0,
    "memory": None,
    "why_full": "a test",
    "compare": False,
    "remember": True,
    "left_handle": False,
}


@pytest.fixture
def probes() -> Iterator[Probes]:
    with Probes(os.environ.get("WATCHMAN_ECFLOW_PYTHON", "/usr/bin/python3")) as started:
        yield started


def read(probes: Probes, server: EcflowServer, **more: Any) -> dict[bytes, bytes]:
    """Each kind of frame of one job, the last of its kind."""
    job = {**JOB, "host": server.host, "port": server.port, **more}
    with probes.attempt(job, time.monotonic() + 20) as attempt:
        return dict(attempt.frames(time.monotonic() + 20))


def forked() -> list[psutil.Process]:
    """The processes that were forked to probe."""
    (forking,) = [each for each in psutil.Process().children() if probe.__file__ in each.cmdline()]
    running = []
    for each in forking.children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if each.status() != psutil.STATUS_ZOMBIE:
                running.append(each)
    return running


def test_one_process_does_many_jobs(probes: Probes, ecflow_server: Callable[..., EcflowServer]) -> None:
    servers = [ecflow_server(), ecflow_server()]
    load_seven(servers[0])
    first = [read(probes, server)[probe.RECORDS] for server in servers]
    (worker,) = forked()
    before = worker.num_fds()
    for _ in range(5):
        assert [read(probes, server)[probe.RECORDS] for server in servers] == first
    assert forked() == [worker]
    assert worker.num_fds() == before


def test_a_process_that_ended_between_jobs_harms_none(probes: Probes, ecflow: EcflowServer) -> None:
    load_seven(ecflow)
    found = read(probes, ecflow)[probe.RECORDS]
    (worker,) = forked()
    worker.send_signal(signal.SIGKILL)
    await_true(lambda: worker not in forked(), "it did not end")
    await_true(lambda: not worker.is_running(), "it was not reaped")
    assert read(probes, ecflow)[probe.RECORDS] == found
    assert forked() != [worker]


def test_a_process_that_read_much_is_not_kept(
    probes: Probes, ecflow: EcflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchman_cli.supervise.REUSED_UP_TO", 3)
    load_seven(ecflow)
    read(probes, ecflow)
    await_true(lambda: not forked(), "it was kept")


def test_what_was_printed_for_one_job_is_not_told_of_another(probes: Probes, ecflow: EcflowServer) -> None:
    load_seven(ecflow)
    read(probes, ecflow)
    ecflow.kill()
    with pytest.raises(ServerError) as failure:
        read(probes, ecflow)
    assert failure.value.kind == "refused"
    assert "Connection refused" in (failure.value.detail or "")
    assert "Server statistics" not in (failure.value.detail or "")
