"""What a run costs the server: its bytes, its CPU time and its requests, beside a bare full sync."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.environment import NODES_OF_A_SUITE, Environment, Staying, address, environment
from benchmarks.measure import Line, Scale, Target, cpu
from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Proxy, Reply

# Of all nodes, since the run before; what that is called, and how a run is to read it.
CHANGES = {
    0.0: ("nothing changed", "unchanged"),
    0.001: ("0.1 % changed", "incremental"),
    0.01: ("1 % changed", "incremental"),
    1.0: ("everything changed", None),
}
# What is measured: its name among a Cost's, in words, and its unit.
MEASURED = (
    ("bytes", "bytes sent", "bytes"),
    ("cpu", "the server's CPU time", "s"),
    ("requests", "requests", "requests"),
    ("seconds", "wall time", "s"),
)
DIRECT, RELAYED = 0, 1  # entries of one server: bytes are counted by a relay, all else without it
BARELY_MEASURABLE = 0.02  # of the CPU time of a full sync
SMALL = 3072  # bytes
SUITES = 20  # into which the nodes are spread once; else they are one


@dataclass(frozen=True)
class Cost:
    """What one process cost the server; `seconds` is its own wall time."""

    bytes: float
    cpu: float
    requests: float
    seconds: float


@dataclass(frozen=True)
class Watched:
    """One server, watched directly and through a relay that counts what it sends."""

    on: Environment
    server: EcflowServer
    nodes: int
    in_suites_of: int
    relay_port: int
    counted: list[int]
    staying: Staying

    def cost(self, run: Callable[[int], float], before: Callable[[int], None]) -> Cost:
        """What `run` costs, done directly and through the relay, each after `before`."""
        before(DIRECT)
        requests, used = self.server.requests(), self.cpu
        seconds = run(DIRECT)
        used = self.cpu - used
        requests = self.server.requests() - requests
        before(RELAYED)
        self.counted.clear()
        run(RELAYED)
        return Cost(sum(self.counted), used, requests, seconds)

    @property
    def cpu(self) -> float:
        assert self.server.process
        return cpu(self.server.process.pid)

    def cpu_of_staying(self, changed: int) -> float:
        """What the server spends on a client that stays, when so many nodes have changed."""
        self.staying.sync()
        self.change(changed)
        used = self.cpu
        self.staying.sync()
        return self.cpu - used

    def change(self, changed: int) -> None:
        self.on.change(self.server, self.nodes, changed, self.in_suites_of)

    def collect(self, number: int, mode: str | None = None) -> float:
        return self.on.collect(mode, "--server", f"s{number}", number=number)

    def bare(self, number: int) -> float:
        port = self.relay_port if number == RELAYED else self.server.port
        return self.on.bare((self.server.host, port))


def lines(scale: Scale) -> Iterator[Line]:
    """For each size, and each share of the nodes that changed since the run before."""
    for nodes in sorted({scale.small, scale.middle, scale.large}):
        with _watched(nodes, NODES_OF_A_SUITE) as watched:
            for share in CHANGES:
                targets = _targets(share, nodes == scale.large)
                yield from _lines(watched, f"{nodes:,} nodes", share, targets, scale.rounds)
    with _watched(scale.large, scale.large // SUITES) as watched:
        what = f"{scale.large:,} nodes in {SUITES} suites, of which one changed"
        yield from _lines(watched, what, 0.001, _targets(0.001, True), scale.rounds)


@contextmanager
def _watched(nodes: int, in_suites_of: int) -> Iterator[Watched]:
    with environment() as on:
        server, counted = on.ecflow(nodes, in_suites_of), list[int]()

        def count(reply: Reply) -> None:
            counted.append(len(reply.data))
            reply.connection.forward(reply.data)

        with Proxy(server.port, count) as relay:
            on.configure([address(server), (relay.host, relay.port)])
            yield Watched(on, server, nodes, in_suites_of, relay.port, counted, Staying(on, server))


def _lines(
    watched: Watched, of: str, share: float, targets: dict[str, Target], rounds: int
) -> Iterator[Line]:
    changed = max(1, round(watched.nodes * share)) if share else 0
    words, mode = CHANGES[share]

    def before(number: int) -> None:
        watched.collect(number)  # what is known is then up to date
        watched.change(changed)

    bare, ours, staying = [], [], []
    for _ in range(rounds):
        bare.append(watched.cost(watched.bare, before))
        ours.append(watched.cost(lambda number: watched.collect(number, mode), before))
        staying.append(watched.cpu_of_staying(changed))
    for name, label, unit in MEASURED:
        samples = [[float(getattr(cost, name)) for cost in costs] for costs in (ours, bare)]
        what = f"{of}, {words}: {label}"
        yield Line(what, unit, samples[0], samples[1], targets.get(name))
        if name == "cpu" and mode == "incremental":
            yield Line(f"{what}, against a client that stays", unit, samples[0], staying, Target(ratio=1.1))


def _targets(share: float, large: bool) -> dict[str, Target]:
    """What is to be reached; where nothing changed, for a server of any size."""
    if not share:
        targets = {"bytes": Target(value=SMALL), "requests": Target(value=1)}
        more = {"cpu": Target(ratio=BARELY_MEASURABLE), "seconds": Target(ratio=0.45)}
        return targets | (more if large else {})
    if not large or share != 0.001:
        return {}
    return {
        "bytes": Target(ratio=0.01),
        "cpu": Target(ratio=0.5),
        "requests": Target(value=1),
        "seconds": Target(ratio=0.45),
    }
