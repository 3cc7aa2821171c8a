"""`make fuzz`: search at random, with each test that uses hypothesis, for an example that breaks it.

Each round runs all of them with a seed of its own. No round begins after the given seconds. An example that
fails ends the search; it is kept in .hypothesis, and the next search tries it first.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple


class Search(NamedTuple):
    """A search's outcome: how many rounds passed, and the seed and the exit code of one that did not."""

    passed: int
    failed: tuple[int, int] | None = None


def search(run_round: Callable[[int], int], seeds: Callable[[], int], goes_on: Callable[[], bool]) -> Search:
    """Run rounds while `goes_on`, one at least, each with its seed, until one of them fails."""
    passed = 0
    while not passed or goes_on():
        seed = seeds()
        code = run_round(seed)
        if code:
            return Search(passed, (seed, code))
        passed += 1
    return Search(passed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Search at random.")
    parser.add_argument("seconds", type=float, help="begin no round after this time")
    parser.add_argument("--seed", type=int, help="run one round, with this seed")
    parser.add_argument("--workers", default="2", help="processes that search at once")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds

    def run_round(seed: int) -> int:
        print(f"fuzz: seed {seed}", flush=True)
        more = ("-m", "hypothesis", "-n", options.workers, "-p", "no:cacheprovider", f"--fuzz-seed={seed}")
        command = [sys.executable, "-m", "pytest", "-q", *more]
        return subprocess.run(command, check=False).returncode

    fixed = options.seed is not None
    found = search(
        run_round,
        lambda: options.seed if fixed else random.SystemRandom().randrange(1 << 32),
        lambda: not fixed and time.monotonic() < end,
    )
    if found.failed is None:
        print(f"fuzz: {found.passed} rounds, nothing found")
        return 0
    seed, code = found.failed
    print(f"fuzz: seed {seed} failed, after {found.passed} rounds. The example is kept in .hypothesis;")
    print(
        f"      make fuzz tries it first, and make fuzz SEED={seed} repeats the round. Then keep it: @example"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
