"""Changes, metrics and deadlines, which are for the readers, beside the same runs without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from benchmarks.environment import Environment, address, environment
from benchmarks.measure import Line, Scale, Target, interleaved
from tests.support.ecflow_server import EcflowServer


def lines(scale: Scale) -> Iterator[Line]:
    """Whole runs over two equal servers, of which one has all that readers may want."""
    nodes = scale.large
    with ExitStack() as stack:
        without = stack.enter_context(environment())
        kept = stack.enter_context(environment())
        servers = [each.ecflow(nodes) for each in (without, kept)]
        without.configure([address(servers[0])])
        deadlines = [{"path": "/", "by": "23:59"}]
        kept.watchman.configure(
            kept.redis.url,
            [{"owner": "bench", "repo": "s0", "address": servers[1], "deadlines": deadlines}],
            defaults={"changes": True},
            metrics_file=str(kept.home / "watchman.prom"),
        )

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
    what = f"{nodes:,} nodes, with changes, metrics and a deadline"
    yield Line(f"{what}, 0.1 % changed", "s", found["some_kept"], found["some_without"], Target(ratio=1.15))
    yield Line(f"{what}, nothing changed", "s", found["none_kept"], found["none_without"], Target(ratio=1.1))
