"""The command in a process forked from one that has its modules imported, which is most of a small run."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from unittest.mock import patch

from watchman_cli.__main__ import run

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["tests.support.every_module"])
KEPT = ("PATH", "LANG", "WATCHMAN_ECFLOW_PYTHON")
_starting = threading.Lock()


def base_environment() -> dict[str, str]:
    """Return what a run needs of this process's environment, and no more."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith("COVERAGE_")  # of a run that is measured
    }


def run_forked(
    command: Sequence[str], folder: str, environment: Mapping[str, str], timeout: float
) -> tuple[int, bytes, bytes]:
    """Run the command, `watchman` and its arguments, in the folder; return its exit code and both outputs.

    It is what a new process does but for its start: Python reads none of its own variables of the
    environment, modules that are imported late have been imported, and both outputs are memory, no pipes.
    Raises subprocess.TimeoutExpired where it takes more seconds than `timeout`; it is killed then.
    """
    with _starting:
        _start_server()
    with ExitStack() as stack:
        # A connection is what reaches the process, whatever its descriptor is.
        streams = [stack.enter_context(Connection(os.memfd_create(name))) for name in ("out", "err")]
        arguments = (list(command), folder, dict(environment), *streams)
        process = FORKING.Process(target=_run, args=arguments)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(command), timeout)
        out, err = (os.pread(each.fileno(), os.fstat(each.fileno()).st_size, 0) for each in streams)
        return process.exitcode, out, err


@cache
def _start_server() -> None:
    """Start what is forked, once for all; of this process's environment it is to know no more than a run."""
    with patch.dict(os.environ, base_environment(), clear=True):
        forkserver.ensure_running()


def _run(
    command: list[str], folder: str, environment: dict[str, str], out: Connection, err: Connection
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.argv = command
    run()
