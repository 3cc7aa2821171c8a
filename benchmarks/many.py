"""Many servers: beside what users have today, and with one that hangs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.ground import Ground, ground
from benchmarks.measure import Failed, Line, Scale, Target, interleaved
from tests.support.faulty_server import FakeServer
from tests.support.servers import ECFLOW_PYTHON

TODAY = Path(__file__).with_name("today.py")  # of the interpreter that has the bindings
REAL_SERVERS = 4  # real ones, each of which is watched under many addresses, as if it were many
Addresses = list[tuple[str, int]]


def lines(scale: Scale) -> Iterator[Line]:
    """All of them at once, and that one which hangs costs the others nothing."""
    with ground() as on:
        addresses = start(on, scale.servers, scale.small)
        yield from _all(on, addresses, scale)
    with ground() as on:
        yield from _one_hung(on, start(on, scale.with_hung - 1, scale.small), scale)


def start(on: Ground, servers: int, nodes: int) -> Addresses:
    """Addresses of so many servers; ecflow_server listens on every loopback address."""
    real = [on.ecflow(nodes) for _ in range(min(REAL_SERVERS, servers))]
    return [(f"127.0.0.{1 + n // len(real)}", real[n % len(real)].port) for n in range(servers)]


def _all(on: Ground, addresses: Addresses, scale: Scale) -> Iterator[Line]:
    on.configure(addresses)

    def clients() -> float:
        began = time.perf_counter()
        for host, port in addresses:
            on.timed("ecflow_client", "--host", host, "--port", str(port), "--get_state")
        return time.perf_counter() - began

    threads = [ECFLOW_PYTHON, str(TODAY), *(f"{host}:{port}" for host, port in addresses)]
    found = interleaved(
        scale.rounds,
        loop=lambda: on.bare(*addresses),
        full=on.collect_anew,
        unchanged=lambda: on.collect("unchanged"),
        clients=clients,
        threads=lambda: on.timed(*threads),
    )
    many = f"{scale.servers} servers of {scale.small:,} nodes"
    full, loop = found["full"], found["loop"]
    yield Line(f"{many}, full, against a loop in one process", "s", full, loop, Target(ratio=1.3))
    yield Line(f"{many}, nothing changed, against the same", "s", found["unchanged"], loop)
    yield Line(f"{many}, full, against a thread for each in one process", "s", full, found["threads"])
    yield Line(f"{many}, full, against ecflow_client --get_state for each", "s", full, found["clients"])


def _one_hung(on: Ground, addresses: Addresses, scale: Scale) -> Iterator[Line]:
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


def _until_written(on: Ground, addresses: Sequence[tuple[str, int]], wanted: int) -> float:
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
