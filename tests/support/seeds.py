"""The seeds of tests that draw steps by chance."""

from __future__ import annotations

import os
import random


def new_seed() -> int:
    """Return the seed in $WATCHMAN_SEED, which may be `random`; without it, the same one in each run."""
    named = os.environ.get("WATCHMAN_SEED", "1")
    return random.SystemRandom().randrange(10**6) if named == "random" else int(named)
