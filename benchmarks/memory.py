"""The memory of the process that supervises the probes: bounded by the largest snapshot alone."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.ground import Ground, address, ground
from benchmarks.many import start
from benchmarks.measure import Line, Scale, Target, interleaved

OF_ITS_OWN = 80e6  # bytes, whatever is read


def lines(scale: Scale) -> Iterator[Line]:
    """Over many servers, over fewer of them, and over a large one, full and after a change."""
    with ground() as on:
        server, nodes = on.ecflow(scale.large), scale.large
        on.configure([address(server)])

        def changed() -> float:
            on.change(server, nodes, max(1, nodes // 1000))
            return on.peak()

        def everything_changed() -> float:
            on.change(server, nodes, nodes)
            return on.peak()

        found = interleaved(
            scale.few_rounds, full=lambda: _anew(on), unchanged=on.peak, changed=changed,
            everything=everything_changed,
        )  # fmt: skip
        target = _target(on)
    for name, what in (
        ("full", "full"),
        ("unchanged", "nothing changed"),
        ("changed", "0.1 % changed"),
        ("everything", "everything changed"),
    ):
        yield Line(f"{nodes:,} nodes, {what}", "bytes", found[name], target=target)
    with ground() as on:
        addresses = start(on, scale.servers, scale.small)
        fewer = addresses[: max(2, scale.servers // 5)]

        def peak(of: list[tuple[str, int]]) -> float:
            on.configure(of)
            return _anew(on)

        found = interleaved(scale.few_rounds, fewer=lambda: peak(fewer), all=lambda: peak(addresses))
        target = _target(on)
    what = f"{len(addresses)} servers of {scale.small:,} nodes"
    yield Line(what, "bytes", found["all"], target=target)
    flat = Target(ratio=1.1)
    yield Line(f"{what}, against {len(fewer)}", "bytes", found["all"], found["fewer"], flat)


def _anew(on: Ground) -> float:
    on.redis.client.flushall()
    return on.peak()


def _target(on: Ground) -> Target:
    largest: int = max(on.redis.client.strlen(key) for key in on.redis.client.keys("*/status"))
    return Target(value=OF_ITS_OWN + 2 * largest)
