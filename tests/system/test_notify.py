"""Causes in two real Alertmanagers, told by the runs of three hosts, many of which are killed."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import require_namespace
from tests.support.alertmanagers import INTERVAL, SETTLED, Alertmanagers
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.receiver import Receiver
from tests.support.redis_server import RedisServer
from tests.support.seeds import new_seed
from tests.support.watchman import Watchman

KILLS = 100
TASKS = tuple(f"/s/f/t{number}" for number in range(4))
DEFINITION = "suite s\nfamily f\ntask t0\ntask t1\ntask t2\ntask t3\nendfamily\nendsuite\n"
QUIET = 3 * INTERVAL  # seconds in which an instance would send what it has to send


class Hosts:
    """Three hosts that run one crontab; some of their runs are killed at random."""

    def __init__(self, watchman: Watchman) -> None:
        self.kills = 0
        self._watchman = watchman
        self._random = random.Random(new_seed())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make one run after the other on each host."""
        ended = threading.Event()
        seeds = [self._random.random() for _ in range(3)]
        threads = [
            threading.Thread(target=self._run, args=(f"host{number}", random.Random(seed), ended))
            for number, seed in enumerate(seeds)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _run(self, host: str, choose: random.Random, ended: threading.Event) -> None:
        prefix = ("unshare", "--uts", "sh", "-c", f'hostname {host} && exec "$@"', "-")
        watchman = replace(self._watchman, prefix=prefix)
        while not ended.wait(0.1):
            process = watchman.start("collect")
            if choose.random() < 0.6 and self.kills < KILLS:
                time.sleep(choose.uniform(0.05, 1.0))  # the moment of a kill, which is no event
                if process.poll() is None:
                    process.kill()
                    self.kills += 1
            process.communicate()


@pytest.mark.slow
def test_each_cause_is_one_message_and_each_recovery_one(
    ecflow: EcflowServer, redis: RedisServer, tmp_path: Path
) -> None:
    require_namespace("--uts")
    ecflow.load_text(DEFINITION)
    ecflow.begin_all_suites()
    ecflow.suspend("/s")
    ecflow.restart_server()
    watchman = Watchman(tmp_path)
    hosts = Hosts(watchman)
    entry = {"owner": "o", "repo": "r", "address": ecflow, "deadline": 2}
    first, second, third, last = TASKS
    with Alertmanagers(tmp_path) as alertmanagers, Receiver() as receiver:
        notify = {"for": 0, "alertmanager": alertmanagers.urls, "webhook": receiver.url}
        watchman.configure(redis.url, [entry], notify=notify)
        with hosts.running():
            ecflow.force_state(first, "State.aborted")
            ecflow.force_state(second, "State.aborted")
            alertmanagers.await_message("firing", first)
            alertmanagers.await_message("firing", second)
            alertmanagers.kill(0)
            ecflow.force_state(first, "State.complete")
            ecflow.force_state(third, "State.aborted")
            alertmanagers.await_message("resolved", first)
            alertmanagers.await_message("firing", third)
            alertmanagers.start(0)
            time.sleep(SETTLED)
            await_true(lambda: hosts.kills >= KILLS, f"{hosts.kills} kills", 180)
            ecflow.force_state(second, "State.complete")
            ecflow.force_state(last, "State.aborted")
            alertmanagers.await_message("resolved", second)
            alertmanagers.await_message("firing", last)
        time.sleep(QUIET)  # watchman is dead: nothing may be sent because of that
        expected = Counter(
            [("firing", cause) for cause in TASKS] + [("resolved", cause) for cause in (first, second)]
        )
        assert alertmanagers.messages == expected
        with hosts.running():
            ecflow.force_state(third, "State.complete")
            ecflow.force_state(last, "State.complete")
            alertmanagers.await_message("resolved", third)
            alertmanagers.await_message("resolved", last)
            time.sleep(QUIET)
        assert alertmanagers.messages == expected + Counter([("resolved", cause) for cause in (third, last)])
        events = {body["id"]: body["data"] for body in receiver.bodies}  # a receiver drops repeated ids
        for part in ("began", "ended"):
            told = Counter(each["cause"] for data in events.values() for each in data[part])
            assert told == Counter(TASKS), part
