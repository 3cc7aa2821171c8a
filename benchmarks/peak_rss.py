"""Peak memory of the process that `watchman collect` is, against that of a bare process with the bindings."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.environment import Environment, address, environment
from benchmarks.many_servers import start
from benchmarks.measure import Line, Scale, Target, interleaved


def lines(scale: Scale) -> Iterator[Line]:
    """Over a large server, full and after changes, and over many servers."""
    with environment() as on:
        server, nodes = on.ecflow(scale.large), scale.large
        on.configure([address(server)])

        def changed(number: int) -> float:
            on.change(server, nodes, number)
            return on.peak()

        found = interleaved(
            scale.few_rounds,
            bare=lambda: on.bare_peak(address(server)),
            full=lambda: _anew(on),
            unchanged=on.peak,
            changed=lambda: changed(max(1, nodes // 1000)),
            everything=lambda: changed(nodes),
        )
    for name, what in (
        ("full", "full"),
        ("unchanged", "nothing changed"),
        ("changed", "0.1 % changed"),
        ("everything", "everything changed"),
    ):
        yield Line(f"{nodes:,} nodes, {what}", "bytes", found[name], found["bare"], Target(ratio=1.0))
    with environment() as on:
        addresses = start(on, scale.servers, scale.small)
        fewer = addresses[: max(2, scale.servers // 5)]

        def peak(of: list[tuple[str, int]]) -> float:
            on.configure(of)
            return _anew(on)

        found = interleaved(scale.few_rounds, fewer=lambda: peak(fewer), all=lambda: peak(addresses))
    what = f"{len(addresses)} servers of {scale.small:,} nodes, against {len(fewer)}"
    yield Line(what, "bytes", found["all"], found["fewer"])
    with environment() as on:
        on.configure(start(on, scale.servers, scale.middle))
        found = interleaved(scale.few_rounds, first=lambda: _anew(on))
    what = f"{scale.servers} servers of {scale.middle:,} nodes, the first run"
    yield Line(what, "bytes", found["first"], target=Target(value=120e6))


def _anew(on: Environment) -> float:
    on.redis.client.flushall()
    return on.peak()
