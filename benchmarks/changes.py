"""Changes that are kept and published, beside the same runs without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from benchmarks.environment import Environment, address, environment
from benchmarks.measure import Line, Scale, Target, interleaved
from tests.support.ecflow_server import EcflowServer


def lines(scale: Scale) -> Iterator[Line]:
    """Whole runs over two equal servers, of which one's changes are kept."""
    nodes = scale.large
    with ExitStack() as stack:
        without = stack.enter_context(environment())
        kept = stack.enter_context(environment())
        servers = [each.ecflow(nodes) for each in (without, kept)]
        without.configure([address(servers[0])])
        kept.configure([address(servers[1])], defaults={"changes": True})

        def some(on: Environment, server: EcflowServer) -> Callable[[], float]:
            def changed() -> float:
                on.change(server, nodes, max(1, nodes // 1000))
                return on.collect("incremental")

            return changed

        without.collect("full")
        kept.collect("full")
        found = interleaved(
            scale.rounds * 2 + 1,
            some_without=some(without, servers[0]),
            some_kept=some(kept, servers[1]),
            none_without=lambda: without.collect("unchanged"),
            none_kept=lambda: kept.collect("unchanged"),
        )
    what = f"{nodes:,} nodes, changes: true"
    yield Line(f"{what}, 0.1 % changed", "s", found["some_kept"], found["some_without"], Target(ratio=1.15))
    yield Line(f"{what}, nothing changed", "s", found["none_kept"], found["none_without"], Target(ratio=1.1))
