"""The soak for a while, on servers whose starts have the same PID and on others."""

from __future__ import annotations

import os
import random

import pytest

from tests.conftest import SHARED
from tests.soak import SAME_PID, soak_for

SECONDS = float(os.environ.get("WATCHMAN_SOAK_SECONDS", "120"))
DEFINITIONS = tuple(str(path) for path in sorted((SHARED / "defs").glob("*.def")))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("prefix", [(), SAME_PID], ids=["another PID", "the same PID"])
def test_incremental_equals_full(prefix: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    if prefix and os.geteuid() != 0:
        pytest.xfail("a PID namespace needs root")
    seed = random.SystemRandom().randrange(10**6)
    with capsys.disabled():
        print(f"\n{soak_for(SECONDS / 2, seed, prefix, DEFINITIONS).told()}", end=" ", flush=True)
