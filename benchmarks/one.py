"""One server: `watchman collect` as a whole process, beside a bare process that syncs and no more."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.ground import address, ground
from benchmarks.measure import Line, Scale, Target, interleaved


def lines(scale: Scale) -> Iterator[Line]:
    """Full and incremental runs over a large and a small server."""
    yield from _large(scale)
    yield from _small(scale)


def _large(scale: Scale) -> Iterator[Line]:
    nodes = scale.large
    with ground() as on:
        server = on.ecflow(nodes)
        on.configure([address(server)])

        def changed() -> float:
            on.change(server, nodes, max(1, nodes // 1000))
            return on.collect("incremental")

        found = interleaved(
            scale.rounds,
            bare=lambda: on.bare(address(server)),
            first=on.collect_anew,
            full=on.collect_once_more,
            unchanged=lambda: on.collect("unchanged"),
            changed=changed,
            client=lambda: on.timed("ecflow_client", "--port", str(server.port), "--get_state"),
        )
    bare = found["bare"]
    yield Line(f"{nodes:,} nodes, full", "s", found["full"], bare, Target(ratio=1.25))
    yield Line(f"{nodes:,} nodes, full, never read before", "s", found["first"], bare, Target(ratio=1.25))
    yield Line(f"{nodes:,} nodes, nothing changed", "s", found["unchanged"], bare, Target(ratio=0.4))
    yield Line(f"{nodes:,} nodes, 0.1 % changed", "s", found["changed"], bare, Target(ratio=0.6))
    against = "against ecflow_client --get_state"
    yield Line(f"{nodes:,} nodes, full, {against}", "s", found["full"], found["client"])


def _small(scale: Scale) -> Iterator[Line]:
    nodes = scale.small
    with ground() as on:
        server = on.ecflow(nodes)
        on.configure([address(server)])
        found = interleaved(
            scale.rounds * 2 + 1,
            bare=lambda: on.bare(address(server)),
            full=on.collect_anew,
            unchanged=lambda: on.collect("unchanged"),
        )
    target = Target(ratio=6, more=0.25)
    yield Line(f"{nodes:,} nodes, full", "s", found["full"], found["bare"], target)
    yield Line(f"{nodes:,} nodes, nothing changed", "s", found["unchanged"], found["bare"], target)
