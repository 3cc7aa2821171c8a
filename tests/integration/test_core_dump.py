"""Watchman leaves no core dump: one would hold the passwords of its store and servers."""

from __future__ import annotations

import resource
from pathlib import Path

from tests.support.faulty_server import FakeServer
from tests.support.watchman import Watchman


def test_a_process_dumps_no_core(watchman: Watchman) -> None:
    with FakeServer(lambda connection: None) as hanging:
        entry = {"owner": "o", "repo": "r", "host": hanging.host, "port": hanging.port, "deadline": 60}
        watchman.configure(f"file://{watchman.home}/store", [entry])
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        soft_to_hard = ("prlimit", f"--core={'unlimited' if hard == resource.RLIM_INFINITY else hard}")
        with Watchman(watchman.home, soft_to_hard).start("collect") as process:
            assert hanging.accepted.acquire(timeout=30)
            limits = Path(f"/proc/{process.pid}/limits").read_text()
            process.kill()
    (line,) = [each for each in limits.splitlines() if each.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
