"""Free ports of this machine's loopback, and waiting for what listens on them."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from typing import Any

# pytest-xdist's workers gw0, gw1, ... each take ports of their own, so that two never take the same one.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 16
READY_LIMIT = 30.0  # seconds in which a server has started, also on a busy machine


def free_port() -> int:
    """Return a port that nothing listens on; ecflow_server refuses those above 49151."""
    while True:
        port = random.randrange(20000 + WORKER, 32000, 16)
        with socket.socket() as trial:
            try:
                trial.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


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
