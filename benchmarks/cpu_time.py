"""CPU time of whole runs, beside the imports and the bare bindings, in pairs of neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.environment import Environment, address, environment
from benchmarks.many_servers import Addresses, start
from benchmarks.measure import Action, Line, Scale, Target, cpu_seconds

MORE_NODES = 10  # of a small server: its containers, above the nodes that a scale counts
TIMES = 10  # as many servers, at the end
PROTOCOL = {"reader": "protocol"}  # or a run that the bindings verify is among them


def lines(scale: Scale) -> Iterator[Line]:
    """Runs over one large server, and over many small ones."""
    with environment(cpu_seconds) as on:
        yield from _one(on, scale)
    with environment(cpu_seconds) as on:
        yield _unchanged_one(on, scale)
    with environment(cpu_seconds) as on:
        yield from _many(on, scale)


def _one(on: Environment, scale: Scale) -> Iterator[Line]:
    nodes = scale.large
    server = on.ecflow(nodes)
    on.configure([address(server)], defaults=PROTOCOL)

    def bare() -> float:
        return on.bare(address(server))

    def changed() -> float:
        on.change(server, nodes, max(1, nodes // 1000))
        return on.collect("incremental")

    ours, baseline = pairs(scale.rounds, on.collect_anew, bare)
    yield Line(f"{nodes:,} nodes, the first run ever", "s", ours, baseline, Target(ratio=0.75))
    ours, baseline = pairs(scale.rounds, changed, bare)
    yield Line(f"{nodes:,} nodes, 0.1 % changed", "s", ours, baseline, Target(ratio=0.45))


def _unchanged_one(on: Environment, scale: Scale) -> Line:
    nodes = scale.large
    on.configure([address(on.ecflow(nodes, plain=True))], defaults=PROTOCOL)
    on.collect("full")
    ours, baseline = pairs(scale.rounds * 2 + 1, lambda: on.collect("unchanged"), on.imports)
    what = f"{nodes:,} nodes without attributes, nothing changed, against a process that only imports"
    return Line(f"{what} redis, typer, yaml and orjson", "s", ours, baseline, Target(ratio=0.92))


def _many(on: Environment, scale: Scale) -> Iterator[Line]:
    nodes = scale.small + MORE_NODES
    addresses = start(on, scale.servers, nodes)

    def loop() -> float:
        return on.bare(*addresses)

    def unchanged() -> float:
        return on.collect("unchanged")

    what = _watch(on, addresses, nodes)
    ours, baseline = pairs(scale.rounds, on.collect_anew, loop)
    yield Line(f"{what}, the first run ever, against a loop", "s", ours, baseline, Target(ratio=1.0))
    on.tell_apart()
    ours, baseline = pairs(scale.rounds, unchanged, loop)
    yield Line(f"{what}, nothing changed, against a loop", "s", ours, baseline, Target(ratio=0.6))
    more = [(f"127.{1 + n}.{host[6:]}", port) for n in range(TIMES) for host, port in addresses]
    what = _watch(on, more, nodes)
    on.tell_apart()
    taken = [unchanged() for _ in range(scale.rounds)]
    yield Line(f"{what}, nothing changed", "s", taken, target=Target(value=2.2))


def _watch(on: Environment, addresses: Addresses, nodes: int) -> str:
    """Have watchman watch these; return them in words."""
    on.configure(addresses, defaults=PROTOCOL)
    return f"{len(addresses):,} servers of {nodes:,} nodes"


def pairs(rounds: int, ours: Action, baseline: Action) -> tuple[list[float], list[float]]:
    """Take both in turn, each first every other time, so that the machine's drift favours neither.

    The first pair is not counted.
    """
    samples: tuple[list[float], list[float]] = ([], [])
    actions = list(zip((ours, baseline), samples, strict=True))
    for number in range(rounds + 1):
        for action, kept in actions if number % 2 else reversed(actions):
            taken = action()
            if number:
                kept.append(taken)
    return samples
