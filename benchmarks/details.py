"""What details cost: runs over one server with them, beside the same runs without them, in CPU time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.environment import Environment, environment, task_paths
from benchmarks.measure import Line, Scale, Target, cpu, cpu_seconds
from tests.support.faulty_server import Proxy, Reply
from tests.support.watchman import WATCHMAN
from watchman_cli.store.redis.keys import server_keys

MANY = 6  # times as many rounds, if a difference of a millisecond is to be seen in a run of 300
KEYS = server_keys("bench/s0")

# A process with the modules that `watchman why` has at its end: it prints them.
LISTING = """
import json, os, sys
from watchman_cli.cli import main

def leave(code, leave=os._exit):
    with open(sys.argv[1], "w") as output:
        json.dump(sorted(sys.modules), output)
    leave(code)

os._exit = leave
main.run(sys.argv[2:])
"""
# A process that imports these and ends.
IMPORTING = """
import gc, importlib, json, os, sys
from watchman_cli.__main__ import GARBAGE_THRESHOLD
gc.set_threshold(GARBAGE_THRESHOLD)
for name in json.load(open(sys.argv[1])):
    if name not in sys.modules and name != "__main__":
        importlib.import_module(name)
os._exit(0)
"""


class Run:
    """One of the two configurations of a server: whole runs, with what each costs Redis and brings."""

    def __init__(self, on: Environment, counted: list[int]) -> None:
        self.on, self._counted = on, counted
        self.cpu: list[float] = []
        self.redis: list[float] = []
        self.bytes: list[float] = []
        self.commands: list[float] = []

    def make(self, mode: str) -> None:
        """Make a run that reads the server in this mode, and keep what it cost."""
        assert self.on.redis.process
        pid = self.on.redis.process.pid
        if mode == "full":
            self.on.redis.client.flushall()
        self._counted.clear()
        commands, used = self._processed(), cpu(pid)
        taken = self.on.timed(WATCHMAN, "collect", "--config", str(self.on.watchman.config))
        used = cpu(pid) - used
        self.commands.append(self._processed() - commands - 1)  # but for the count itself
        self.bytes.append(float(sum(self._counted)))
        self.on.check(mode)
        self.cpu.append(taken)
        self.redis.append(used)

    def _processed(self) -> float:
        info: Any = self.on.redis.client.info("stats")
        return float(info["total_commands_processed"])

    def clear(self) -> None:
        """Forget what was kept."""
        for kept in (self.cpu, self.redis, self.bytes, self.commands):
            kept.clear()


def lines(scale: Scale) -> Iterator[Line]:
    """Runs in which nothing, some and everything is new, what is stored of it, and one question to it."""
    nodes = scale.large
    with ExitStack() as stack:
        counted = list[int]()

        def count(reply: Reply) -> None:
            counted.append(len(reply.data))
            reply.connection.forward(reply.data)

        without, kept = (stack.enter_context(environment(cpu_seconds)) for _ in range(2))
        server = without.ecflow(nodes)
        relay = stack.enter_context(Proxy(server.port, count))
        for on, details in ((without, False), (kept, True)):
            entry = {"owner": "bench", "repo": "s0", "host": relay.host, "port": relay.port}
            entry["reader"] = "protocol"  # or a run that the bindings verify is among them
            on.watchman.configure(on.redis.url, [{**entry, "details": details}])
        pair = Run(without, counted), Run(kept, counted)

        def pairs(mode: str, rounds: int, before: Callable[[], None] = lambda: None) -> Sequence[Run]:
            """Make runs of both in turn, each first every other time; the first pair is not counted."""
            for number in range(rounds + 1):
                before()
                for run in pair if number % 2 else reversed(pair):
                    run.make(mode)
                if not number:
                    for run in pair:
                        run.clear()
            return pair

        def changed() -> None:
            without.change(server, nodes, max(1, nodes // 1000))

        what = f"{nodes:,} nodes with details"
        yield from _full(what, pairs("full", scale.rounds))
        yield from _stored(what, kept, nodes)
        yield from _small(f"{what}, nothing changed", pairs("unchanged", scale.rounds * MANY), None)
        targets = Target(value=0.0015), Target(value=0.0003)
        yield from _small(
            f"{what}, 0.1 % changed", pairs("incremental", scale.rounds * MANY, changed), targets
        )
        yield from _why(kept, nodes, scale.rounds * 2 + 1)


def _full(what: str, pair: Sequence[Run]) -> Iterator[Line]:
    without, kept = pair
    yield Line(f"{what}, read in full", "s", list(kept.cpu), list(without.cpu), Target(ratio=1.35))
    yield Line(f"{what}, read in full: Redis", "s", list(kept.redis), list(without.redis))
    yield _bytes(f"{what}, read in full", pair)
    for run in pair:
        run.clear()


def _small(what: str, pair: Sequence[Run], targets: tuple[Target, Target] | None) -> Iterator[Line]:
    without, kept = pair
    cpu_target, redis_target = targets or (Target(ratio=1.01), None)
    yield Line(what, "s", list(kept.cpu), list(without.cpu), None if targets else cpu_target)
    more = [mine - other for mine, other in zip(kept.cpu, without.cpu, strict=True)]
    yield Line(f"{what}: more", "s", more, target=cpu_target if targets else None)
    more = [mine - other for mine, other in zip(kept.redis, without.redis, strict=True)]
    yield Line(f"{what}: Redis, more", "s", more, target=redis_target)
    commands = list(kept.commands), list(without.commands)
    yield Line(f"{what}: commands", "commands", *commands, target=None if targets else Target(more=0))
    yield _bytes(what, pair)
    for run in pair:
        run.clear()


def _bytes(what: str, pair: Sequence[Run]) -> Line:
    without, kept = pair
    target = Target(more=0)
    return Line(f"{what}: bytes from the server", "bytes", list(kept.bytes), list(without.bytes), target)


def _stored(what: str, on: Environment, nodes: int) -> Iterator[Line]:
    """What the details of a full reading take, and the longest time for which Redis does nothing else."""
    client = on.redis.client
    size: Any = client.memory_usage(KEYS.details, samples=0)
    yield Line(f"{what}, in Redis, a node", "bytes", [size / nodes], target=Target(value=45))
    client.config_set("slowlog-log-slower-than", 0)
    client.config_set("slowlog-max-len", 10000)
    longest = []
    for _ in range(3):
        client.flushall()
        client.slowlog_reset()
        on.timed(WATCHMAN, "collect", "--config", str(on.watchman.config))
        slow: Any = client.slowlog_get(10000)
        longest.append(max(each["duration"] for each in slow if each["command"] != b"FLUSHALL") / 1e6)
    client.config_set("slowlog-log-slower-than", 10000)
    yield Line(f"{what}, the longest command of a full reading", "s", longest, target=Target(value=0.02))


def _why(on: Environment, nodes: int, rounds: int) -> Iterator[Line]:
    path = task_paths(nodes, 400)[-1]
    arguments = ("why", "bench/s0", path, "--config", str(on.watchman.config))
    modules = on.home / "modules"
    on.timed(sys.executable, "-c", LISTING, str(modules), *arguments)
    names = json.loads(modules.read_text())
    usable = [name for name in names if name.split(".")[0] not in ("__main__", "sitecustomize")]
    modules.write_text(json.dumps(usable))
    more = []
    for number in range(rounds + 1):
        imports = on.timed(sys.executable, "-c", IMPORTING, str(modules))
        taken = on.timed(WATCHMAN, *arguments)
        if number:
            more.append(taken - imports)
    yield Line(
        f"watchman why, one of {nodes:,} nodes: above the imports", "s", more, target=Target(value=0.015)
    )
