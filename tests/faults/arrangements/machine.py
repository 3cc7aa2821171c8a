"""Faults of the machine that watchman itself runs on, and of its limits."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import threading

import pytest

from tests.faults.environment import GOOD, FaultRun
from tests.support.faulty_server import Connection, FakeServer
from tests.support.loopback import await_true, free_port
from watchman_cli.store.redis.keys import key


def short_of_memory(run: FaultRun) -> None:
    """Forbid the memory that a reply of nearly 1 GB needs."""

    def behave(connection: Connection) -> None:
        connection.client.recv(1 << 16)
        connection.forward(b"3fffffff")
        while True:  # until the run has gone
            connection.forward(b" " * (1 << 20))

    run.fake(behave)
    run.prefix = ("prlimit", f"--as={1 << 30}")


def beside(run: FaultRun) -> None:
    """Have o/bad be at an address of its own, so that it is read beside o/good."""
    run.proxy(run.environment.healthy, lambda reply: reply.connection.forward(reply.data))


def without_threads(run: FaultRun, number: int) -> None:
    """Allow the run so many threads, as a user that no other process has."""
    if os.geteuid():
        pytest.xfail("only root can be another user")
    beside(run)
    uid = 1_000_000_000 + secrets.randbelow(1 << 20)
    limited = f"setpriv --reuid={uid} --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override"
    script = f'chown -R {uid} {run.folder}; exec {limited} prlimit --nproc={number} "$0" "$@"'
    run.prefix = ("sh", "-c", script)


def without_descriptors(run: FaultRun, number: int) -> None:
    """Allow the run so many open files."""
    beside(run)
    run.prefix = ("prlimit", f"--nofile={number}")


def metrics_nowhere(run: FaultRun) -> None:
    """Name a metrics file in a directory that does not exist."""
    beside(run)
    run.settings["metrics_file"] = str(run.folder / "nowhere" / "watchman.prom")


def receiver_down(run: FaultRun) -> None:
    """Name a receiver of notifications at a port at which nothing listens."""
    beside(run)
    run.settings["notify"] = {"ping": f"http://127.0.0.1:{free_port()}/"}


def metrics_locked(run: FaultRun) -> None:
    """Hold the lock of the metrics file's directory."""
    beside(run)
    textfiles = run.folder / "textfiles"
    textfiles.mkdir()
    run.settings["metrics_file"] = str(textfiles / "watchman.prom")
    holder = os.open(textfiles, os.O_RDONLY)
    run.stack.callback(os.close, holder)
    fcntl.flock(holder, fcntl.LOCK_EX)


def stopped_run(run: FaultRun) -> None:
    """Stop the run while it waits for o/bad, and let it go on when its deadline is over."""
    asked = threading.Event()
    listener = FakeServer(lambda connection: asked.set())
    run.stack.enter_context(listener)
    run.set_address((listener.host, listener.port))
    run.happened = threading.Event()
    status = key(GOOD, "status")

    def during() -> None:
        assert run.process and run.happened
        assert asked.wait(30)
        await_true(lambda: run.value(status) != run.environment.seeds[status], "o/good was not written")
        run.process.send_signal(signal.SIGSTOP)
        threading.Event().wait(7)  # the deadline, which is what this row is about, and more
        run.process.send_signal(signal.SIGCONT)
        run.happened.set()

    run.during = during
