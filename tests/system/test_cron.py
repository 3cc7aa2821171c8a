"""A failure under a real cron: one mail as it begins, one as it ends, over two hosts whose runs overlap."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.cron import Cron
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer, health_of
from tests.support.watchman import WATCHMAN, Watchman

FAILURES = 20  # runs; the two hosts begin each minute at once, so one is often skipped


@pytest.mark.slow
def test_one_mail_as_a_failure_begins_and_one_as_it_ends(
    ecflow: EcflowServer, redis: RedisServer, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    hosts = [Watchman(tmp_path / name) for name in ("first", "second")]
    commands = []
    for host in hosts:
        host.home.mkdir()
        command = [WATCHMAN, "collect", "--config", str(host.config)]
        commands.append(f"HOME={host.home} {shlex.join(command)}")

    def configure(port: int) -> None:
        for host in hosts:
            entry = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": port, "attempts": 1}
            host.configure(redis.url, [entry])

    def record() -> dict[str, Any]:
        return health_of(redis.client, "o/r") or {"ok": False, "failures": 0, "checked_time": ""}

    def await_runs(cron: Cron) -> None:
        """Await some runs that began from now on, and their mails."""
        times = set()

        def enough() -> bool:
            times.add(record()["checked_time"])
            return len(times) > 4

        await_true(enough, "cron starts no run", 60)

    configure(ecflow.port)
    with Cron(tmp_path / "cron", commands) as cron:
        await_true(lambda: record()["ok"], "cron starts no run", 60)
        assert cron.mails() == []
        configure(dead)
        await_true(lambda: record()["failures"] > FAILURES, "cron starts no run", 300)
        (begun,) = [mail for mail in cron.mails() if "two configurations" not in mail.splitlines()[-1]]
        assert begun.splitlines()[-1].startswith("o/r: connection refused (127.0.0.1:")
        failures = record()["failures"]
        configure(ecflow.port)
        await_true(lambda: record()["ok"], "cron starts no run", 60)
        await_runs(cron)
        mails = cron.mails()
    ended = [line for mail in mails for line in mail.splitlines() if "recovered" in line]
    assert len(ended) == 1 and ended[0].startswith("o/r: recovered after ")
    assert int(ended[0].split()[3]) >= failures
    told = [line for mail in mails for line in mail.splitlines() if "two configurations" not in line]
    assert len(told) == 2
