"""How a run ends: though nobody reads its output, by each signal, and where threads are short."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import FakeServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman

LIMIT = 90.0  # seconds in which a run ends that is not hung; its own patience is 5 and 30


@contextmanager
def full_pipe() -> Iterator[int]:
    """The writing end of a pipe that is full, and that nobody reads."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ))
    yield writer
    os.close(writer)
    os.close(reader)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("-v",), 1), (("--log-format", "json"), 1), ((), 1), (("-v", "--server", "good"), 0)],
)
def test_nobody_reads_what_is_reported(
    watchman: Watchman, ecflow: EcflowServer, arguments: tuple[str, ...], code: int
) -> None:
    bad = [{"owner": "o", "repo": f"bad{number}", "host": "127.0.0.1", "port": 1} for number in range(20)]
    entries: list[dict[str, Any]] = [*bad, {"owner": "o", "repo": "good", "address": ecflow}]
    watchman.configure(f"file://{watchman.home}/store", entries, defaults={"deadline": 2, "attempts": 1})
    with full_pipe() as pipe, watchman.start("collect", *arguments, stderr=pipe) as process:
        try:
            assert process.wait(LIMIT) == code
        finally:
            process.kill()
    assert (watchman.home / "store/o/good/status.json").exists()


def test_nobody_reads_the_snapshots(watchman: Watchman, ecflow: EcflowServer) -> None:
    watchman.configure(None, [{"owner": "o", "repo": "r", "address": ecflow}])
    with full_pipe() as pipe, watchman.start("collect", "--dry-run", stdout=pipe) as process:
        try:
            _, error = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
    said = "watchman: standard output: nothing was read from it for 30 s\n"
    assert (process.returncode, error.decode()) == (1, said)


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]


@pytest.mark.parametrize("signum", SIGNALS)
@pytest.mark.parametrize("reader", ["reads", "does not read"])
def test_a_signal_ends_a_run_that_gives_its_lease_back(
    watchman: Watchman, redis: RedisServer, signum: signal.Signals, reader: str
) -> None:
    with FakeServer(lambda connection: None) as hanging, full_pipe() as pipe:
        entry = {"owner": "o", "repo": "r", "host": hanging.host, "port": hanging.port, "deadline": 600}
        watchman.configure(redis.url, [{**entry, "connect_timeout": 600}])
        with watchman.start(
            "collect", "-v", stderr=pipe if reader == "does not read" else subprocess.DEVNULL
        ) as process:
            assert hanging.accepted.acquire(timeout=30)
            assert redis.client.exists("{o/r/status}/lock")
            process.send_signal(signum)
            assert process.wait(LIMIT) == 128 + signum
        assert not redis.client.keys("*/lock")


def test_nohup(watchman: Watchman) -> None:
    with FakeServer(lambda connection: None) as hanging:
        entry = {"owner": "o", "repo": "r", "host": hanging.host, "port": hanging.port, "deadline": 600}
        watchman.configure(f"file://{watchman.home}/store", [{**entry, "connect_timeout": 600}])
        with Watchman(watchman.home, ("nohup",)).start("collect") as process:
            assert hanging.accepted.acquire(timeout=30)
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)  # the signal with the lower number would be first
            assert process.wait(LIMIT) == 128 + signal.SIGTERM


def test_no_thread_can_be_started(watchman: Watchman, ecflow: EcflowServer) -> None:
    """Each thread wants a stack of 8 gigabytes, and the process may have 4."""
    short = ("prlimit", f"--stack={8 << 30}", f"--as={4 << 30}")
    watchman.configure(f"file://{watchman.home}/store", [{"owner": "o", "repo": "r", "address": ecflow}])
    result = Watchman(watchman.home, short).run("collect", timeout=LIMIT)
    assert "Traceback" not in result.err
    assert result.code in (0, 1) and "thread" in result.err and "ulimit -u" in result.err
