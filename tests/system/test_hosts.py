"""Several hosts with one crontab: min_interval over real networks, with hosts that die.

A machine that stalls must not fail this. So gaps are counted in rounds: each begins once a reading is due,
and has two waves of runs. The second begins after the lease of any dead run has ended. A beginning that is
written to the health record is followed by its request within the run's deadline, or never.
"""

from __future__ import annotations

import random
import re
import signal
import time
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.hosts import CENTRE, Hosts
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer
from tests.support.watchman import WATCHMAN, Watchman
from watchman_cli.store.redis.keys import key

INTERVAL, DEADLINE = 15.0, 5.0  # seconds; a lease ends 5 s after the deadline, within the interval
HOSTS, RUNS = 4, 5  # 20 runs at once
ROUNDS = 5
SEED = 22
BEGAN = re.compile(rb'"began_time":"([^"]+)"')
REQUEST = re.compile(rb"^MSG:\[([\d:]+ [\d.]+)\] --")


class Site:
    """The servers in the centre: Redis's file has the beginnings, and ecFlow's log the requests."""

    def __init__(self, folder: Path, hosts: Hosts, watchman: Watchman) -> None:
        self.hosts, self.watchman, self.log = hosts, watchman, folder / "runs.log"
        for name in ("ecflow", "redis"):
            (folder / name).mkdir()
        self.ecflow = EcflowServer(folder / "ecflow")
        keeping = ("--bind", CENTRE, "127.0.0.1", "--protected-mode", "no", "--appendonly", "yes")
        self.redis = RedisServer(folder / "redis", keeping)

    def beginnings(self) -> list[datetime]:
        """Return when each reading began, by the health records that were written."""
        written = b"".join(file.read_bytes() for file in self.redis.home.rglob("*.aof"))
        return sorted({datetime.fromisoformat(time.decode()) for time in BEGAN.findall(written)})

    def requests(self) -> list[datetime]:
        """Return when the server noted each request; it notes whole seconds."""
        lines = [line for log in self.ecflow.home.glob("*.ecf.log") for line in log.open("rb")]
        found = [match[1].decode() for match in map(REQUEST.match, lines) if match]
        return [datetime.strptime(each, "%H:%M:%S %d.%m.%Y").astimezone(timezone.utc) for each in found]

    def wave(self) -> list[Any]:
        command = [WATCHMAN, "collect", "-v", "--config", str(self.watchman.config)]
        environment = self.watchman.environment()
        return [
            self.hosts.start(number, RUNS, command, environment, self.log) for number in range(1, HOSTS + 1)
        ]

    def await_lease_end(self) -> None:
        """Wait until no run, dead or alive, has the lease."""
        lock = key("o/r", "lock")
        await_true(lambda: not self.redis.client.exists(lock), "the lease does not end", 60)

    def await_due(self) -> None:
        """Wait until the next reading is due."""
        for last in self.beginnings()[-1:]:
            age = (datetime.now(timezone.utc) - last).total_seconds()
            time.sleep(max(0.0, INTERVAL - age))


@pytest.mark.slow
def test_one_reading_in_an_interval_and_a_dead_host_costs_one(watchman: Watchman, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with Hosts(HOSTS) as hosts, hosts.centre():
        site = Site(tmp_path, hosts, watchman)
        try:
            site.ecflow.start()
            site.redis.start()
            watchman.configure(
                f"redis://{CENTRE}:{site.redis.port}/0",
                [{"owner": "o", "repo": "r", "host": CENTRE, "port": site.ecflow.port}],
                defaults={
                    "min_interval": INTERVAL,
                    "deadline": DEADLINE,
                    "attempts": 1,
                    "reader": "protocol",
                },
            )
            for number in range(ROUNDS):
                one_round(site, chance, number)
            check_gaps(site)
        finally:
            site.ecflow.stop()
            site.redis.stop()


def one_round(site: Site, chance: random.Random, number: int) -> None:
    """Make two waves of runs; in every other round, hosts die during the first one."""
    site.await_due()
    known, asked = len(site.beginnings()), len(site.requests())
    wave = site.wave()
    if number % 4 == 1:  # at any moment
        for host in chance.sample(wave, HOSTS // 2):
            time.sleep(chance.uniform(0, 1))
            host.kill()
    elif number % 4 == 3:  # all, while the server is asked
        assert site.ecflow.process
        site.ecflow.process.send_signal(signal.SIGSTOP)
        await_true(lambda: len(site.beginnings()) > known, "no reading began", 60)
        for host in wave:
            host.kill()
        site.ecflow.process.send_signal(signal.SIGCONT)
    for host in wave:
        host.wait()
    site.await_lease_end()
    logged = site.log.stat().st_size
    for host in site.wave():
        host.wait()
    printed = site.log.read_text()[logged:]
    assert printed.count("exit code 0\n") == HOSTS * RUNS, printed

    began, requests = len(site.beginnings()) - known, len(site.requests()) - asked
    passed = (datetime.now(timezone.utc) - site.beginnings()[known]).total_seconds()
    assert 1 <= began <= 1 + passed / INTERVAL, site.log.read_text()
    # Every other round has its reading, so that none is missing in two intervals in a row.
    assert requests <= began if number % 2 else requests == began, site.log.read_text()


def check_gaps(site: Site) -> None:
    """No two readings are in one interval, by the health records and by the server's log."""
    beginnings, requests = site.beginnings(), site.requests()
    gaps = [(b - a).total_seconds() for a, b in pairwise(beginnings)]
    assert min(gaps) >= INTERVAL
    gaps = [(b - a).total_seconds() for a, b in pairwise(requests)]
    assert min(gaps) > INTERVAL - DEADLINE - 1
