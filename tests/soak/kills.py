"""Ends runs at random moments over ten servers, with a Redis that is restarted from its RDB and failed over.

`python -m tests.soak.kills [KILLS [SEED]]` prints its seed. After each run every snapshot in Redis must be
whole and one that its server once had, and never older than what a run called written, unless Redis has
lost that itself.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_kinds import RedisPair
from tests.support.watchman import Watchman
from watchman_cli import snapshot
from watchman_cli.store.redis.keys import key

SERVERS = 10
TASKS = 40
DEFINITION = "suite s\n" + "".join(f"task t{number}\n" for number in range(TASKS)) + "endsuite\n"
DEADLINE = 2  # seconds
ENDINGS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGSTOP)
RESTART, FAILOVER, SAVE, CONTINUE = 0.1, 0.05, 0.2, 0.3  # how probable each is in a round
Records = tuple[tuple[str, str], ...]


class Wrong(AssertionError):
    """Something was lost, or is not whole."""


@dataclass
class Watched:
    """One server, the records that it had so far, and when the newest snapshot that was written began."""

    name: str
    server: EcflowServer
    history: set[Records] = field(default_factory=set)
    written: str = ""  # ISO 8601: the snapshot in the store was collected no earlier

    def remember(self) -> None:
        """Note the records that the server has now."""
        self.history.add(tuple((path, status) for path, status in self.server.snapshot()["records"]))


@dataclass
class Run:
    """A run under way; `certain` is False once Redis was restarted or failed over during it."""

    process: subprocess.Popen[bytes]
    started: str
    certain: bool = True


class KillSoak:
    """The servers, the store, and the runs over them."""

    def __init__(self, folder: Path, stack: ExitStack, seed: int) -> None:
        self.random = random.Random(seed)
        self.redis = RedisPair(stack, folder).start()
        self.watched = []
        entries = []
        for number in range(SERVERS):
            home = folder / f"ecflow{number}"
            home.mkdir()
            server = EcflowServer(home).start()
            stack.callback(server.stop)
            server.load_text(DEFINITION)
            server.begin_all_suites()
            each = Watched(f"o/r{number}", server)
            each.remember()
            self.watched.append(each)
            suites = {"suites": ["s"]} if number % 2 else {}
            entries.append({"owner": "o", "repo": f"r{number}", "address": server, **suites})
        self.watchman = Watchman(folder)
        limits = {"deadline": DEADLINE, "reader": "protocol"}
        self.watchman.configure(self.redis.url, entries, defaults=limits)
        self.stopped: list[Run] = []
        stack.callback(self._kill_stopped)
        self.counts: Counter[str] = Counter()
        began = time.monotonic()
        self.finish(self.begin())
        self.length = time.monotonic() - began  # seconds of a run that nothing disturbs

    def _kill_stopped(self) -> None:
        for run in self.stopped:
            run.process.kill()
            run.process.communicate()

    def begin(self) -> Run:
        """Start a run."""
        started = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        return Run(self.watchman.start("collect", "-v", "--log-format", "json"), started)

    def finish(self, run: Run) -> None:
        """Wait until a run has ended, and note what it says it wrote."""
        _, err = run.process.communicate(timeout=60)
        for line in err.splitlines():
            with suppress(json.JSONDecodeError):  # the last one of a run that was killed
                self._note(json.loads(line), run)

    def _note(self, line: dict[str, Any], run: Run) -> None:
        if line.get("result") == "written" and run.certain:
            (each,) = [each for each in self.watched if each.name == line["server"]]
            each.written = max(each.written, run.started)
            self.counts["written"] += 1
        if "a bug in watchman" in line["message"]:
            raise Wrong(line["message"])

    def round(self) -> None:
        """Change some servers, end a run over them at a random moment, and check what is in the store."""
        for each in self.random.sample(self.watched, 3):
            state = self.random.choice(("State.complete", "State.queued"))
            each.server.force_state(f"/s/t{self.random.randrange(TASKS)}", state)
            each.remember()
        run = self.begin()
        time.sleep(self.random.uniform(0, 1.1) * self.length)  # the moment is what is drawn, not awaited
        if self.random.random() < SAVE:
            self.redis.save()
        drawn = self.random.random()
        if drawn < RESTART + FAILOVER:
            self._disturb_redis(run, "restarts" if drawn < RESTART else "failovers")
        ending = self.random.choice(ENDINGS)
        self.counts[ending.name] += 1
        run.process.send_signal(ending)
        if ending is signal.SIGSTOP:
            self.stopped.append(run)
        else:
            self.finish(run)
        if self.stopped and self.random.random() < CONTINUE:
            self.go_on()
        self.check()

    def go_on(self) -> None:
        """Let a stopped run go on to its end."""
        run = self.stopped.pop(self.random.randrange(len(self.stopped)))
        run.process.send_signal(signal.SIGCONT)
        self.counts["SIGCONT"] += 1
        self.finish(run)

    def _disturb_redis(self, run: Run, what: str) -> None:
        self.counts[what] += 1
        if what == "restarts":
            self.redis.restart()
        else:
            self.redis.fail_over()
        for each in (run, *self.stopped):
            each.certain = False
        for watched in self.watched:  # what Redis has lost is lost
            watched.written = ""

    def check(self) -> None:
        """Raise Wrong unless every snapshot is whole, its server's, and no older than what was written."""
        for each in self.watched:
            value: Any = self.redis.client.get(key(each.name, "status"))
            if value is None:
                if each.written:
                    raise Wrong(f"{each.name}: its snapshot is gone")
                continue
            head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
            if head is None:
                raise Wrong(f"{each.name}: no snapshot")
            snapshot.prove((value,), head.revision)
            records = tuple((record.path, record.status) for record in snapshot.decode(value).records)
            if records not in each.history:
                raise Wrong(f"{each.name}: a snapshot that its server never had")
            if head.collected_time < each.written:
                raise Wrong(f"{each.name}: {head.collected_time}, and one of {each.written} was written")

    def end(self) -> None:
        """Let all runs go on, and hold one more run to writing every server as it is."""
        while self.stopped:
            self.go_on()
        self.check()
        # A run that was killed as it took another's lock over may hold it until then.
        await_true(lambda: not self.redis.client.keys("*lock"), "a lock stays")
        result = self.watchman.collect()
        # A run that was stopped for longer than its deadline has failed, and its end is told.
        unexpected = [line for line in result.err.splitlines() if ": recovered after " not in line]
        if result.code or unexpected:
            raise Wrong(result.err)
        for each in self.watched:
            value: Any = self.redis.client.get(key(each.name, "status"))
            found = tuple((record.path, record.status) for record in snapshot.decode(value).records)
            each.history.clear()
            each.remember()
            if found not in each.history:
                raise Wrong(f"{each.name}: not what its server has")
            if len(each.server.handles()) > 1:
                raise Wrong(f"{each.name}: client handles are left")


def kill_for(kills: int, seed: int) -> str:
    """End so many runs, and return what was done. Raises Wrong, with the seed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        soak = KillSoak(folder, stack, seed)
        try:
            for _ in range(kills):
                soak.round()
            soak.end()
        except (Wrong, snapshot.NotWhole) as error:
            raise Wrong(f"seed {seed}, {dict(soak.counts)}: {error}") from error
        return f"seed {seed}, {kills} runs: {dict(soak.counts)}"


def main() -> None:
    """Do it as the command line says."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    print(kill_for(kills, seed))


if __name__ == "__main__":
    main()
