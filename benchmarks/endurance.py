"""A thousand runs in a row: nothing is there after the last that was not there after the first."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.environment import Environment, address, environment, processes_of
from benchmarks.measure import Line, Scale, Target
from tests.support.ecflow_server import EcflowServer

FULL_SYNC_EVERY = 20  # seconds, so that among so many runs some compare both ways


def lines(scale: Scale) -> Iterator[Line]:
    """What is left after the first run and after the last, with changes between."""
    with environment() as on:
        server, nodes = on.ecflow(scale.small), scale.small
        on.configure([address(server)], defaults={"full_sync_every": FULL_SYNC_EVERY})
        on.collect("full")
        first = _left(on, server)
        for number in range(1, scale.runs):
            on.change(server, nodes, {0: 1, 50: nodes}.get(number % 100, 1 if number % 5 == 0 else 0))
            on.collect()
        last = _left(on, server)
    for what, count in first.items():
        after = f"{what} after {scale.runs:,} runs, against after the first"
        yield Line(after, what, [last[what]], [count], Target(more=0))


def _left(on: Environment, server: EcflowServer) -> dict[str, float]:
    """Of each thing that a run might leave behind, how many are there."""
    return {
        "keys": len(on.redis.client.keys("*")),
        "files": sum(1 for _ in on.watchman.home.rglob("*")),
        "handles": len(server.handles()),
        "processes": processes_of(on.watchman.home),
    }
