"""Free ports of this machine's loopback, and waiting for what listens on them."""

from __future__ import annotations

import itertools
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

SHARES = 32  # of the ports, which are below ecflow_server's highest one, 49151
READY_LIMIT = 30.0  # seconds in which a server has started, also on a busy machine


def free_port() -> int:
    """Return a port of this process's share that nothing listens on; ecflow_server refuses high ones."""
    _, ports = _own_share()
    while True:
        port = next(ports)
        with socket.socket() as trial:
            try:
                trial.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


@cache
def _own_share() -> tuple[socket.socket, Iterator[int]]:
    """Return what holds a share of ports from all others until this process ends, and its ports, in turn."""
    for share in range(SHARES):
        holder = socket.socket(socket.AF_UNIX)
        with suppress(OSError):  # another process has it
            holder.bind(f"\0watchman-tests-{share}")
            ports = range(20000 + share, 32000, SHARES)
            return holder, itertools.cycle(random.sample(ports, len(ports)))
        holder.close()
    raise RuntimeError(f"{SHARES} processes of tests run on this machine already")


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether something accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def await_true(condition: Callable[[], Any], what: str, limit: float = READY_LIMIT) -> Any:
    """Poll until `condition` returns something true, and return that; raise TimeoutError(what)."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)
