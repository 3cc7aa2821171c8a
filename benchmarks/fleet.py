"""A fleet of very many servers on two cores, of which some are slow and some are dead."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from benchmarks.environment import Environment, environment
from benchmarks.many_servers import REAL_SERVERS
from benchmarks.measure import Failed, Line, Scale, Target
from tests.support.faulty_server import FakeServer, Proxy, Reply
from tests.support.watchman import WATCHMAN

TWO_CORES = ("taskset", "--cpu-list", "0,1")
A_MINUTE = 60.0
NOBODY = 9  # a port at which nothing listens
SEED = 22


class Run(NamedTuple):
    """Seconds until the last of the healthy servers was written, of the whole run, and of its CPU time.

    `slow` is the number of slow servers that were written, too.
    """

    fresh: float
    whole: float
    cpu: float
    slow: int


def lines(scale: Scale) -> Iterator[Line]:
    """Runs of the whole fleet; before each but the first, 0.1 % of the nodes of each server change."""
    many, slow, dead = scale.fleet, scale.fleet // 20, scale.fleet // 40
    with environment() as on, ExitStack() as stack:
        servers = [on.ecflow(scale.small) for _ in range(REAL_SERVERS)]

        def late(reply: Reply) -> None:
            if not reply.before:
                time.sleep(scale.slow)
            reply.connection.forward(reply.data)

        healthy = many - slow - dead
        addresses = [(f"127.1.{n // 800}.{1 + n // 4 % 200}", servers[n % 4].port) for n in range(healthy)]
        for n in range(slow):
            proxy = stack.enter_context(Proxy(servers[n % REAL_SERVERS].port, late))
            addresses.append((proxy.host, proxy.port))
        for n in range(dead):  # of two kinds: nothing listens there, or what listens never answers
            hung = stack.enter_context(FakeServer(lambda connection: None)) if n % 2 else None
            addresses.append((hung.host, hung.port) if hung else (f"127.2.0.{1 + n}", NOBODY))
        places = list(range(many))
        random.Random(SEED).shuffle(places)
        on.configure([addresses[place] for place in places])
        numbers = [number for number, place in enumerate(places) if place < healthy]
        well = {f"bench/s{number}" for number in numbers}

        runs = [_run(on, well)]
        _run(on, well)  # each server is known from its later starts then: see Environment.tell_apart
        for _ in range(scale.few_rounds):
            for server in servers:
                on.change(server, scale.small, max(1, scale.small // 1000))
            runs.append(_run(on, well))
            on.check("incremental", numbers)
    what = f"{many:,} servers of {scale.small:,} nodes, {slow} slow, {dead} dead"
    first, later = runs[:1], runs[1:]
    for words, some in (("the first run", first), ("0.1 % changed", later)):
        yield Line(
            f"{what}, {words}: until the others are written", "s", [run.fresh for run in some], (),
            Target(value=A_MINUTE),
        )  # fmt: skip
        yield Line(f"{what}, {words}: the whole run", "s", [run.whole for run in some])
        yield Line(f"{what}, {words}: CPU time", "s", [run.cpu for run in some])
        yield Line(f"{what}, {words}: slow ones written", "servers", [float(run.slow) for run in some])


def _run(on: Environment, well: set[str]) -> Run:
    """Make a run on two cores. Raises Failed if a healthy server was not written."""
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [*TWO_CORES, WATCHMAN, "collect", "--verbose", "--log-format", "json"]
    command += ["--config", str(on.watchman.config)]
    waiting, written, fresh = set(well), set[str](), 0.0
    with subprocess.Popen(
        command, cwd=on.watchman.home, env=on.watchman.environment(), stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if b'"result": "written"' not in line:
                continue
            name = json.loads(line)["server"]
            written.add(name)
            waiting.discard(name)
            if not waiting and not fresh:
                fresh = time.perf_counter() - began
    whole, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if waiting or process.returncode != 1:
        raise Failed(
            f"{len(waiting)} of {len(well)} healthy servers were not written: exit code {process.returncode}"
        )
    spent = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return Run(fresh, whole, spent, len(written - well))
