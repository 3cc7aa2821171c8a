"""One server: `watchman collect` as a whole process, beside a bare process that syncs and no more."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.environment import address, environment
from benchmarks.measure import Line, Scale, Target, interleaved


def lines(scale: Scale) -> Iterator[Line]:
    """Full and incremental runs over a large and a small server."""
    yield from _large(scale)
    yield from _small(scale)


def _large(scale: Scale) -> Iterator[Line]:
    nodes = scale.large
    with environment() as on:
        server = on.ecflow(nodes)
        on.configure([address(server)])

        def changed() -> float:
            on.change(server, nodes, max(1, nodes // 1000))
            return on.collect("incremental")

        found = interleaved(
            scale.rounds,
            bare=lambda: on.bare(address(server)),
            first=on.collect_anew,
            imports=on.imports,
            unchanged=lambda: on.collect("unchanged"),
            changed=changed,
            client=lambda: on.timed("ecflow_client", "--port", str(server.port), "--get_state"),
        )
    bare, what = found["bare"], f"{nodes:,} nodes"
    yield Line(f"{what}, the first run ever", "s", found["first"], bare, Target(ratio=0.95))
    yield Line(f"{what}, 0.1 % changed", "s", found["changed"], bare, Target(ratio=0.45))
    yield Line(f"{what}, nothing changed", "s", found["unchanged"], bare)
    against = "against a process that imports redis, typer, yaml and orjson"
    yield Line(f"{what}, nothing changed, {against}", "s", found["unchanged"], found["imports"], Target(1.3))
    yield Line(f"{what}, first, against ecflow_client --get_state", "s", found["first"], found["client"])


def _small(scale: Scale) -> Iterator[Line]:
    nodes = scale.small
    with environment() as on:
        server = on.ecflow(nodes)
        on.configure([address(server)])
        found = interleaved(
            scale.rounds * 2 + 1,
            bare=lambda: on.bare(address(server)),
            full=on.collect_anew,
            unchanged=lambda: on.collect("unchanged"),
        )
    target = Target(more=0.25)
    yield Line(f"{nodes:,} nodes, full", "s", found["full"], found["bare"], target)
    yield Line(f"{nodes:,} nodes, nothing changed", "s", found["unchanged"], found["bare"], target)
