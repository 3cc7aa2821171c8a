"""What a server of some size needs: traffic and CPU time of each run, memory in Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.environment import Environment, environment
from benchmarks.measure import Line, Scale, cpu_seconds
from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Proxy, Reply

# The way in which a run is to read the server, and how that is called.
MODES = {"full": "read in full", "unchanged": "nothing changed", "incremental": "0.1 % changed"}


class Traffic:
    """Counts what runs over one server send and receive; the server is behind a relay that counts."""

    def __init__(self, on: Environment, counted: list[int]) -> None:
        self.on, self._counted = on, counted
        before = self._of_redis()
        after = self._of_redis()
        self._own = after[0] - before[0], after[1] - before[1]  # of the question itself

    def _of_redis(self) -> tuple[int, int]:
        info: Any = self.on.redis.client.info("stats")
        return info["total_net_input_bytes"], info["total_net_output_bytes"]

    def run(self, mode: str) -> tuple[float, float, float, float]:
        """Make a run: its CPU time, bytes of the server's connections, bytes to Redis and from Redis."""
        before = self._of_redis()
        self._counted.clear()
        used = self.on.collect()
        after = self._of_redis()
        self.on.check(mode)
        into, out_of = (b - a - own for a, b, own in zip(before, after, self._own, strict=True))
        return used, float(sum(self._counted)), float(into), float(out_of)


def lines(scale: Scale) -> Iterator[Line]:
    """For each size of a server: each kind of run, and what Redis then holds."""
    for nodes in sorted({scale.small, scale.middle, scale.large}):
        with environment(cpu_seconds) as on:
            server, counted = on.ecflow(nodes), list[int]()

            def relay(reply: Reply, counted: list[int] = counted) -> None:
                counted.append(len(reply.data))
                reply.connection.forward(reply.data)

            def count(data: bytes, counted: list[int] = counted) -> None:
                counted.append(len(data))

            with Proxy(server.port, relay, count) as proxy:
                entry = {"owner": "bench", "repo": "s0", "host": proxy.host, "port": proxy.port}
                entry["reader"] = "protocol"  # or a run that the bindings verify is among them
                on.watchman.configure(on.redis.url, [entry])
                yield from _runs(Traffic(on, counted), server, nodes, scale.few_rounds)
            yield from _memory(on, nodes)


def _runs(traffic: Traffic, server: EcflowServer, nodes: int, rounds: int) -> Iterator[Line]:
    for mode, words in MODES.items():
        samples = []
        for _ in range(rounds):
            if mode == "full":
                traffic.on.redis.client.flushall()
            elif mode == "incremental":
                traffic.on.change(server, nodes, max(1, nodes // 1000))
            samples.append(traffic.run(mode))
        used, of_server, into, out_of = (list(column) for column in zip(*samples, strict=True))
        what = f"{nodes:,} nodes, {words}"
        yield Line(f"{what}: CPU time", "s", used)
        yield Line(f"{what}: to and from the server", "bytes", of_server)
        yield Line(f"{what}: to Redis", "bytes", into)
        yield Line(f"{what}: from Redis", "bytes", out_of)


def _memory(on: Environment, nodes: int) -> Iterator[Line]:
    client: Any = on.redis.client
    size = sum(client.memory_usage(key, samples=0) for key in client.scan_iter("*"))
    yield Line(f"{nodes:,} nodes: memory in Redis", "bytes", [float(size)])
