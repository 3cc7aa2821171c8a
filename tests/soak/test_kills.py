"""Runs that are ended at random moments lose nothing and leave nothing half-written."""

from __future__ import annotations

import os

import pytest

from tests.soak.kills import kill_for
from tests.support.seeds import new_seed

KILLS = int(os.environ.get("WATCHMAN_KILLS", "20"))


@pytest.mark.slow
@pytest.mark.timeout(120 + 20 * KILLS)
def test_nothing_is_lost_whenever_a_run_ends(capsys: pytest.CaptureFixture[str]) -> None:
    seed = new_seed()
    done = kill_for(KILLS, seed)
    with capsys.disabled():
        print(f"\n{done}", end=" ", flush=True)
