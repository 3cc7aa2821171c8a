"""The changes of random bursts, some by runs that are killed, lead from the first snapshot to the last."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.soak import Soak
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman
from watchman_cli import snapshot
from watchman_cli.bindings import Referee
from watchman_cli.changes.batch import Batch
from watchman_cli.follow import Resynchronised, follow
from watchman_cli.snapshot import StatusRecord

SECONDS = float(os.environ.get("WATCHMAN_SOAK_SECONDS", "120")) / 4
KILL, LENGTH = 0.3, 0.5  # how probable it is in a burst; seconds after which such a run has surely written
UNKNOWN = {"the first look", "two nodes have one path"}  # why a snapshot may be read anew


class Replica:
    """A reader's copy of the records, which knows only the first snapshot and the changes."""

    def __init__(self, soak: Soak) -> None:
        self.soak = soak
        self.records: dict[str, StatusRecord] = {}
        self.counts: Counter[str] = Counter()
        self.followed = follow(soak.store, soak.server.name, None, pytest.fail)

    def catch_up(self) -> None:
        """Apply what is new; then the records are those of the stored snapshot."""
        for each in self.followed:
            if each is None:
                break
            if isinstance(each, Resynchronised):
                assert each.reason in UNKNOWN, (each.reason, self.soak.said())
                self.records = {record.path: record for record in each.snapshot.records}
                self.counts[each.reason] += 1
            else:
                self.apply(each)
        stored = snapshot.decode(self.soak.store.value(self.soak.server.name, "status") or b"").records
        assert self.records == {record.path: record for record in stored}, self.soak.said()

    def apply(self, batch: Batch) -> None:
        self.counts["batches"] += 1
        for old, new in batch.changes:
            path = (new or old or pytest.fail()).path
            known = self.records.get(path)
            assert (known and known.status) == (old and old.status), (path, self.soak.said())
            if new is None:
                del self.records[path]
            else:
                self.records[path] = new
            self.counts["changes"] += 1


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
def test_the_changes_lead_from_the_first_snapshot_to_the_last(
    ecflow: EcflowServer,
    redis: RedisServer,
    watchman: Watchman,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("watchman_cli.follow.WAIT", 0.01)
    seed = random.SystemRandom().randrange(10**6)
    soak = Soak(ecflow, redis, Referee(None), seed, ())
    soak.server = replace(soak.server, changes=True)
    soak.config = replace(soak.config, path=Path("soak"), servers=(soak.server,))
    entry = {"owner": "soak", "repo": "server", "address": ecflow, "changes": True}
    watchman.configure(redis.url, [entry])
    soak.burst()
    replica = Replica(soak)
    end, kills = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        if soak.random.random() < KILL:
            soak.step()
            run = watchman.start("collect")
            time.sleep(soak.random.uniform(0, LENGTH))  # the moment is what is drawn, not awaited
            run.kill()
            run.communicate()
            kills += 1
            replica.catch_up()
        soak.burst()
        replica.catch_up()
    assert replica.counts["changes"] > 10
    with capsys.disabled():
        print(f"\n{soak.told()}, {kills} kills, {dict(replica.counts)}", end=" ", flush=True)
