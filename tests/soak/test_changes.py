"""The changes of random bursts, some by runs that are killed, lead from the first snapshot to the last."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.soak.soak import SOAK_SECONDS, Soak
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.seeds import new_seed
from tests.support.watchman import Watchman
from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch
from watchman_cli.follow import Resynchronised, follow
from watchman_cli.snapshot import StatusRecord
from watchman_cli.store import Store, open_store

SECONDS = SOAK_SECONDS / 4
KILLS = 30  # of runs into a directory
KILL, LENGTH = 0.3, 0.5  # how probable it is in a burst; seconds after which such a run has surely written
UNKNOWN = {"the first snapshot", "two nodes have one path"}  # why a snapshot may be read again


class Replica:
    """A reader's copy of the records, which knows only the first snapshot and the changes."""

    def __init__(self, store: Store, name: str, said: Callable[[], str], unknown: Collection[str]) -> None:
        """Follow the server `name`; `said` says what was done, `unknown` why it may be read again."""
        self.store, self.name, self.said, self.unknown = store, name, said, unknown
        self.records: dict[str, StatusRecord] = {}
        self.counts: Counter[str] = Counter()
        self.followed = follow(store, name, None, pytest.fail)

    def catch_up(self) -> None:
        """Apply what is new; then the records are those of the stored snapshot."""
        for each in self.followed:
            if each is None:
                break
            if isinstance(each, Resynchronised):
                assert each.reason in self.unknown, (each.reason, self.said())
                self.records = {record.path: record for record in each.snapshot.records}
                self.counts[each.reason] += 1
            else:
                self.apply(each)
        stored = snapshot.decode(self.store.value(self.name, "status") or b"").records
        assert self.records == {record.path: record for record in stored}, self.said()

    def apply(self, batch: Batch) -> None:
        self.counts["batches"] += 1
        for old, new in batch.changes:
            path = (new or old or pytest.fail()).path
            known = self.records.get(path)
            assert (known and known.status) == (old and old.status), (path, self.said())
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
    seed = new_seed()
    soak = Soak(ecflow, redis, None, seed, ())
    soak.server = soak.server._replace(changes=True)
    soak.config = soak.config._replace(path=Path("soak"), servers=(soak.server,))
    entry = {"owner": "soak", "repo": "server", "address": ecflow, "changes": True}
    watchman.configure(redis.url, [entry])
    soak.burst()
    replica = Replica(soak.store, soak.server.name, soak.said, UNKNOWN)
    end, kills = time.monotonic() + SECONDS, 0
    while time.monotonic() < end or replica.counts["changes"] <= 10:
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
    with capsys.disabled():
        print(f"\n{soak.summary()}, {kills} kills, {dict(replica.counts)}", end=" ", flush=True)


@pytest.mark.slow
def test_in_a_directory_where_runs_are_killed(
    ecflow: EcflowServer,
    watchman: Watchman,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run may end between its snapshot and its batch: readers then read the snapshot anew."""
    monkeypatch.setattr("watchman_cli.follow.WAIT", 0.01)
    ecflow.load_text("suite s\n" + "".join(f" task t{number}\n" for number in range(40)) + "endsuite\n")
    url = f"file://{tmp_path}/store"
    entry = {"owner": "o", "repo": "r", "address": ecflow, "changes": True, "reader": "protocol"}
    watchman.configure(url, [entry])
    assert watchman.collect().code == 0
    seed = new_seed()
    chance = random.Random(seed)
    without_batch = "the snapshot was replaced without a batch of changes"
    # A run that ended before its health record has not said that it kept changes.
    without_health = "changes were not kept for a while"
    unknown = {
        "the first snapshot", without_batch, without_health, "a batch is missing before the next one",
    }  # fmt: skip
    replica = Replica(open_store(url), "o/r", lambda: f"seed {seed}", unknown)
    for _ in range(KILLS):
        for _ in range(chance.randint(1, 4)):
            state = chance.choice(("complete", "aborted", "queued", "active"))
            ecflow.force_state(f"/s/t{chance.randrange(40)}", f"State.{state}")
        run = watchman.start("collect")
        time.sleep(chance.uniform(0, LENGTH))  # the moment is what is drawn, not awaited
        run.kill()
        run.communicate()
        replica.catch_up()
    assert watchman.collect().code == 0
    replica.catch_up()
    truth = dict(ecflow.snapshot()["records"])
    assert {path: record.status for path, record in replica.records.items()} == truth
    with capsys.disabled():
        print(f"\nseed {seed}, {KILLS} kills, {dict(replica.counts)}", end=" ", flush=True)
