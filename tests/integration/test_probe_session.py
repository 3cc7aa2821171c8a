"""Probes do one job after another, and nothing of one is left to the next."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.integration.test_collect import load_seven
from tests.support.faulty_server import FakeServer
from tests.support.servers import EcflowServer, await_true
from watchman_cli import snapshot
from watchman_cli.bindings import script as probe
from watchman_cli.bindings.supervisor import Probes
from watchman_cli.errors import BadSnapshot, ServerError

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
    "nodes": 0,
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
    await_true(lambda: worker.num_fds() <= before, "descriptors were left open")  # it tidies up when done


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
    monkeypatch.setattr("watchman_cli.bindings.supervisor.REUSED_UP_TO", 3)
    load_seven(ecflow)
    read(probes, ecflow)
    await_true(lambda: not forked(), "it was kept")


def test_where_many_are_at_work_a_job_waits_for_one(
    probes: Probes, ecflow: EcflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchman_cli.bindings.supervisor.AT_ONCE", 1)
    monkeypatch.setattr("watchman_cli.bindings.supervisor.FORK_AFTER", 20.0)
    load_seven(ecflow)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(probes, ecflow)[probe.RECORDS], range(16)))
    assert len(set(found)) == 1
    assert len(forked()) == 1


def test_a_job_does_not_wait_long_for_one_that_hangs(
    probes: Probes, ecflow: EcflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchman_cli.bindings.supervisor.AT_ONCE", 1)
    with FakeServer(lambda connection: None) as hung:
        job = {**JOB, "host": hung.host, "port": hung.port}
        with probes.attempt(job, time.monotonic() + 20):
            assert probe.DONE in read(probes, ecflow)
            assert len(forked()) == 2


@pytest.mark.parametrize("nodes", [100_000, 10**15])  # as a health record tells, which may be damaged
def test_room_for_more_nodes_than_there_are(probes: Probes, ecflow: EcflowServer, nodes: int) -> None:
    load_seven(ecflow)
    assert read(probes, ecflow, nodes=nodes)[probe.RECORDS] == read(probes, ecflow)[probe.RECORDS]


@pytest.mark.parametrize(
    "name", ["t", "t.1_x", 'a"b', "a\\b", "ä", "\u2028", '","status":"active"},{"path":"/x']
)
def test_records_are_json_whatever_a_path_is(name: str) -> None:
    paths, ends = ["/s", f"/s/{name}"], ['","status":"queued"}'] * 2
    found = json.loads("[" + probe.as_json(paths, ends) + "]")
    assert found == [{"path": path, "status": "queued"} for path in paths]


@pytest.mark.parametrize("name", ["a\nb", "\0", "\x1f", "ä\n"])
def test_no_path_has_a_control_character(name: str) -> None:
    records = probe.as_json(["/", f"/{name}"], ['","status":"queued"}'] * 2)
    with pytest.raises(BadSnapshot):
        snapshot.check_records(records.encode())


def test_what_was_printed_for_one_job_is_not_told_of_another(probes: Probes, ecflow: EcflowServer) -> None:
    load_seven(ecflow)
    read(probes, ecflow)
    ecflow.kill()
    with pytest.raises(ServerError) as failure:
        read(probes, ecflow)
    assert failure.value.kind == "refused"
    assert "Connection refused" in (failure.value.detail or "")
    assert "Server statistics" not in (failure.value.detail or "")
