"""The commands that do little: `--version` and `--help`, and those that read the store."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.environment import address, environment
from benchmarks.measure import Line, Scale, Target, interleaved
from tests.support.watchman import WATCHMAN

# Reading and decoding the snapshot, and no more; its argument is Redis's port.
DECODING = """
import orjson, redis, sys
orjson.loads(redis.Redis(port=int(sys.argv[1])).get("bench/s0/status"))
"""


def lines(scale: Scale) -> Iterator[Line]:
    """Against an interpreter that does nothing, and against reading and decoding alone."""
    with environment() as on:
        found = interleaved(
            scale.rounds * 2 + 1,
            nothing=lambda: on.timed(sys.executable, "-c", "pass"),
            version=lambda: on.timed(WATCHMAN, "--version"),
            help=lambda: on.timed(WATCHMAN, "--help"),
        )
        for name in ("version", "help"):
            yield Line(f"watchman --{name}", "s", found[name], found["nothing"], Target(ratio=6))
        server = on.ecflow(scale.large)
        on.configure([address(server)])
        on.collect("full")
        show = (WATCHMAN, "show", "bench/s0", "--config", str(on.watchman.config))
        # The server is halted, which is critical.
        check = shlex.join((WATCHMAN, "check", "bench/s0", "--config", str(on.watchman.config)))
        with tempfile.TemporaryFile() as output:

            def shown() -> float:
                output.seek(0)
                return on.timed(*show, output=output.fileno())

            found = interleaved(
                scale.rounds,
                decoding=lambda: on.timed(sys.executable, "-c", DECODING, str(on.redis.port)),
                show=shown,
                as_json=lambda: on.timed(*show, "--json"),
                check=lambda: on.timed("sh", "-c", f"{check}; [ $? = 2 ]"),
            )
    what = f"watchman show, {scale.large:,} nodes"
    yield Line(f"{what}, into a file", "s", found["show"], found["decoding"], Target(ratio=3))
    yield Line(f"{what}, --json", "s", found["as_json"], found["decoding"])
    what = f"watchman check, {scale.large:,} nodes"
    yield Line(what, "s", found["check"], found["decoding"], Target(value=0.5))
