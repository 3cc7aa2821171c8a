"""A server with a million nodes: it works, and time and memory grow in proportion."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.environment import Environment, address, environment
from benchmarks.measure import Line, Scale, Target, interleaved

MORE_THAN_IN_PROPORTION = 1.2


def lines(scale: Scale) -> Iterator[Line]:
    """Full and incremental runs, against a bare sync and against a server a tenth as large."""
    with environment() as on:
        servers = [on.ecflow(scale.large), on.ecflow(scale.huge)]
        addresses = [address(server) for server in servers]
        on.configure(addresses, defaults={"deadline": 600, "connect_timeout": 60})
        names = [f"bench/s{number}" for number in range(2)]

        def collect(number: int, way: str) -> float:
            return on.collect(way, "--server", names[number], number=number)

        def anew(number: int) -> float:
            on.redis.client.delete(f"{names[number]}/status", f"{{{names[number]}/status}}/sync")
            return collect(number, "full")

        def changed() -> float:
            on.change(servers[1], scale.huge, max(1, scale.huge // 1000))
            return collect(1, "incremental")

        found = interleaved(
            scale.few_rounds,
            bare=lambda: on.bare(addresses[1]),
            tenth=lambda: anew(0),
            full=lambda: anew(1),
            unchanged=lambda: collect(1, "unchanged"),
            changed=changed,
            bare_peak=lambda: on.bare_peak(addresses[1]),
            peak=lambda: _peak(on, names[1]),
        )
        _check(on, names[1], scale.huge)
    what, times = f"{scale.huge:,} nodes", scale.huge / scale.large
    in_proportion = Target(ratio=times * MORE_THAN_IN_PROPORTION)
    yield Line(f"{what}, full, against a bare sync", "s", found["full"], found["bare"])
    yield Line(f"{what}, nothing changed, against the same", "s", found["unchanged"], found["bare"])
    yield Line(f"{what}, 0.1 % changed, against the same", "s", found["changed"], found["bare"])
    smaller = f"against {scale.large:,} nodes"
    yield Line(f"{what}, full, {smaller}", "s", found["full"], found["tenth"], in_proportion)
    yield Line(
        f"{what}, memory, against a bare sync", "bytes", found["peak"], found["bare_peak"], Target(ratio=1.0)
    )


def _peak(on: Environment, name: str) -> float:
    on.redis.client.delete(f"{{{name}/status}}/sync")
    return on.peak("--server", name)


def _check(on: Environment, name: str, nodes: int) -> None:
    """That every node was read."""
    value = on.redis.client.get(f"{name}/status")
    assert isinstance(value, bytes)
    found = value.count(b'{"path":') - 1
    if found != nodes:
        raise AssertionError(f"{found} nodes of {nodes} were read")
