"""`watchman page`: how long it takes, how large the page is, and how long a browser takes to open it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from benchmarks.commands import DECODING
from benchmarks.environment import address, environment
from benchmarks.measure import Line, Scale, Target, interleaved
from tests.support.browser import chromium
from tests.support.watchman import WATCHMAN


def lines(scale: Scale) -> Iterator[Line]:
    """A page of one server, of which one node in a hundred is aborted, and one in a hundred complete."""
    with environment() as on, chromium() as browser:
        server, nodes = on.ecflow(scale.large), scale.large
        for _ in range(2):
            on.change(server, nodes, nodes // 100)
        on.configure([address(server)])
        on.collect("full")
        file = on.watchman.home / "page.html"
        command = (WATCHMAN, "page", "--output", str(file), "--config", str(on.watchman.config))

        def opened() -> float:
            """The seconds until the tree can be used."""
            context = browser.new_context()
            page = context.new_page()
            began = time.perf_counter()
            page.goto(file.as_uri())
            page.get_by_role("tree").wait_for()
            taken = time.perf_counter() - began
            context.close()
            return taken

        found = interleaved(
            scale.rounds,
            decoding=lambda: on.timed(sys.executable, "-c", DECODING, str(on.redis.port)),
            made=lambda: on.timed(*command),
            opened=opened,
        )
        size = float(file.stat().st_size)
    what = f"{nodes:,} nodes"
    yield Line(f"{what}, made, against decoding the snapshot", "s", found["made"], found["decoding"])
    yield Line(f"{what}, size", "bytes", [size], (), Target(value=3e6))
    yield Line(f"{what}, opened in chromium", "s", found["opened"], (), Target(value=2.0))
