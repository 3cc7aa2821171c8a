"""Runs that are killed after any of their renames leave a directory store that the next run makes right."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.seeds import new_seed
from tests.support.torn import Torn
from tests.support.watchman import Watchman

ROUNDS = int(os.environ.get("WATCHMAN_KILLS", "20"))
RENAMES = 6  # a few of those that a run makes: its locks, the snapshot, the sync cache and the health record
STATUSES = ("complete", "aborted", "queued", "active")


@pytest.mark.slow
@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_any_number_of_torn_runs_is_put_right(
    ecflow: EcflowServer, watchman: Watchman, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = Torn(ecflow, watchman, tmp_path / "store")
    seed = new_seed()
    print(f"seed {seed}")  # of a failure, wherever it is
    chance, counts = random.Random(seed), Counter[str]()
    for _ in range(ROUNDS):
        for _ in range(chance.randint(1, 3)):
            for _ in range(chance.randint(1, 4)):
                ecflow.force_state(f"/s/f/t{chance.randrange(4)}", f"State.{chance.choice(STATUSES)}")
            if chance.random() < 0.1:  # read in full
                ecflow.load_text(f"suite other{chance.randrange(1000)}\nendsuite\n")
            counts["killed" if torn.collect_until_rename(chance.randint(1, RENAMES)) else "whole"] += 1
        failed = chance.random() < 0.2
        if failed:
            ecflow.kill()
        assert torn.watchman.collect().code == int(failed), f"seed {seed}"
        torn.check()
        if failed:
            counts["failed"] += 1
            ecflow.start()
            torn.load()
            continue
        found = [(each["path"], each["status"]) for each in torn.read("status")["status_records"]]
        assert found == [tuple(each) for each in ecflow.snapshot()["records"]], f"seed {seed}"
    with capsys.disabled():
        print(f"\nseed {seed}, {ROUNDS} rounds: {dict(counts)}", end=" ", flush=True)
