"""Many servers: beside what users have today, and with one that hangs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.environment import Environment, environment
from benchmarks.measure import Failed, Line, Scale, Target, interleaved
from tests.support.agents import ECFLOW_PYTHON
from tests.support.faulty_server import FakeServer

THREADS = Path(__file__).with_name("thread_baseline.py")  # of the interpreter that has the bindings
REAL_SERVERS = 4  # real ones, each of which is watched under many addresses, as if it were many
Addresses = list[tuple[str, int]]


def lines(scale: Scale) -> Iterator[Line]:
    """All of them at once, and that one which hangs costs the others nothing."""
    with environment() as on:
        addresses = start(on, scale.servers, scale.small)
        yield from _all(on, addresses, scale)
    with environment() as on:
        yield from _one_hung(on, start(on, scale.with_hung - 1, scale.small), scale)
    with environment() as on:
        yield _all_changed(on, scale)


def start(on: Environment, servers: int, nodes: int) -> Addresses:
    """Addresses of so many servers; ecflow_server listens on every loopback address."""
    real = [on.ecflow(nodes) for _ in range(min(REAL_SERVERS, servers))]
    return [(f"127.0.0.{1 + n // len(real)}", real[n % len(real)].port) for n in range(servers)]


def _all(on: Environment, addresses: Addresses, scale: Scale) -> Iterator[Line]:
    on.configure(addresses)

    def clients() -> float:
        began = time.perf_counter()
        for host, port in addresses:
            on.timed("ecflow_client", "--host", host, "--port", str(port), "--get_state")
        return time.perf_counter() - began

    threads = [ECFLOW_PYTHON, str(THREADS), *(f"{host}:{port}" for host, port in addresses)]
    loop = partial(on.bare, *addresses)
    found = interleaved(
        scale.rounds,
        loop=loop,
        full=on.collect_anew,
        clients=clients,
        threads=lambda: on.timed(*threads),
    )
    many = f"{scale.servers} servers of {scale.small:,} nodes"
    full = found["full"]
    yield Line(f"{many}, full, against a loop in one process", "s", full, found["loop"], Target(ratio=1.3))
    on.tell_apart()
    later = interleaved(scale.rounds, loop=loop, unchanged=lambda: on.collect("unchanged"))
    what = f"{many}, nothing changed, against the same"
    yield Line(what, "s", later["unchanged"], later["loop"], Target(ratio=0.45))
    yield Line(f"{many}, full, against a thread for each in one process", "s", full, found["threads"])
    yield Line(f"{many}, full, against ecflow_client --get_state for each", "s", full, found["clients"])


def _all_changed(on: Environment, scale: Scale) -> Line:
    """Five times as many servers, in each of which 0.1 % of the nodes have changed since the run before."""
    servers = [on.ecflow(scale.small) for _ in range(REAL_SERVERS)]
    many = scale.servers * 5
    hosts = [f"127.0.{number // 200}.{1 + number % 200}" for number in range(-(-many // REAL_SERVERS))]
    addresses = [(hosts[n // REAL_SERVERS], servers[n % REAL_SERVERS].port) for n in range(many)]
    on.configure(addresses, defaults={"deadline": 60})
    on.tell_apart()
    samples = []
    for _ in range(scale.few_rounds):
        for server in servers:
            on.change(server, scale.small, max(1, scale.small // 1000))
        samples.append(on.collect("incremental"))
    what = f"{many:,} servers of {scale.small:,} nodes, 0.1 % changed in each"
    return Line(what, "s", samples, target=Target(value=60))


def _one_hung(on: Environment, addresses: Addresses, scale: Scale) -> Iterator[Line]:
    healthy = len(addresses)
    with FakeServer(lambda connection: None) as hung:
        middle = healthy // 2
        with_hung = [*addresses[:middle], (hung.host, hung.port), *addresses[middle:]]
        found = interleaved(
            scale.rounds,
            alone=lambda: _until_written(on, addresses, healthy),
            with_hung=lambda: _until_written(on, with_hung, healthy),
        )
    what = f"{healthy} servers written, beside one that hangs, against without it"
    yield Line(what, "s", found["with_hung"], found["alone"], Target(ratio=1.1))


def _until_written(on: Environment, addresses: Sequence[tuple[str, int]], wanted: int) -> float:
    """Seconds from the start of a run until so many snapshots are written; then it is ended."""
    on.configure(addresses)
    on.redis.client.flushall()
    began = time.perf_counter()
    arguments = ("collect", "--verbose", "--log-format", "json")
    with on.watchman.start(*arguments, stdout=subprocess.DEVNULL) as process:
        assert process.stderr
        written = 0
        for line in process.stderr:
            written += b'"result": "written"' in line
            if written == wanted:
                taken = time.perf_counter() - began
                process.terminate()
                process.stderr.read()
                return taken
    raise Failed(f"{written} of {wanted} snapshots were written")
