"""One server's part of a run, with a store in memory: the writes, their order, and the reports."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.unit.collect.ecflow import REFUSED, changes_reply, full_reply
from tests.unit.collect.site import NAME, Site
from watchman_cli import snapshot
from watchman_cli.bindings.referee import VERIFIED
from watchman_cli.collect import Outcome
from watchman_cli.collect.server import LATE_VERIFICATION, NO_ANSWER_OF_STORE, ServerCollector
from watchman_cli.deadlines import Deadline
from watchman_cli.ecflow_client.node_state import STATES
from watchman_cli.errors import ServerError, StoreError
from watchman_cli.store import Lease, Update
from watchman_cli.store.base import LeaseLost, SnapshotChanged
from watchman_cli.store.memory import MemoryLease, MemoryStore

ABORTED = STATES.index("aborted")


def test_a_first_run_writes_snapshot_health_and_sync_cache(site: Site) -> None:
    outcome = site.run()
    assert (outcome.result, outcome.attempts, outcome.requests, outcome.error) == ("written", 1, 1, None)
    assert outcome.reading and outcome.reading.pieces is None, "without its nodes"
    assert list(outcome.phases) == ["lease", "read", "write"]
    assert [(record.path, record.status) for record in site.records()] == [
        ("/", "queued"), ("/s", "active"), ("/s/t", "complete"),
    ]  # fmt: skip
    written = site.health()
    assert outcome.health == written
    assert written.ok and written.mode == "full" and written.reason == "no usable sync cache"
    assert site.store.value(NAME, "sync")
    assert site.store.memory.locks == {}


def test_a_run_that_finds_no_change_sets_only_the_time(site: Site) -> None:
    site.run()
    before = site.store.value(NAME, "status")
    site.ecflow.replies = [changes_reply()]
    outcome = site.run()
    assert outcome.reading and outcome.reading.mode == "unchanged"
    after = site.store.value(NAME, "status")
    assert before and after and before != after
    rest = snapshot.TIME_OFFSET + snapshot.TIME_SIZE
    assert before[rest:] == after[rest:]
    assert site.health().mode == "unchanged"


def test_a_run_writes_the_changes(site: Site) -> None:
    site.options["changes"] = True
    site.run()
    site.ecflow.replies = [changes_reply(("/s/t", ABORTED))]
    outcome = site.run()
    assert outcome.reading and outcome.reading.mode == "incremental"
    assert site.records()[-1].status == "aborted"
    reset, batch = [orjson.loads(each.value) for each in site.store.changes_after(NAME, "")]
    assert reset["type"] == "watchman.reset"
    assert [change["path"] for change in batch["data"]["changes"]] == ["/s/t"]
    assert site.health().changes_kept


def test_a_failure_keeps_the_snapshot_and_says_why(site: Site) -> None:
    first = site.run()
    kept = site.store.value(NAME, "status")
    site.ecflow.replies = [REFUSED]
    outcome = site.run()
    assert outcome.result == "failed"
    assert isinstance(outcome.error, ServerError) and outcome.error.kind == "server"
    assert first.health and outcome.kept == first.health.collected_time
    assert site.store.value(NAME, "status") == kept
    written = site.health()
    assert (written.ok, written.failures, written.collected_time) == (False, 1, outcome.kept)
    assert written.error and written.error.message == str(outcome.error)
    assert site.store.memory.locks == {}


def test_an_unusable_record_is_replaced(site: Site) -> None:
    site.store.memory.values[NAME, "health"] = b"no record"
    site.store.memory.values[NAME, "sync"] = b"no cache"
    site.store.memory.values[NAME, "status"] = b"no snapshot"
    assert site.run().result == "written"
    assert site.health().ok


def while_asked(site: Site, act: Any, **options: Any) -> Outcome:
    """Return the outcome of a run; call `act` once the server was asked, before it answers."""
    site.ecflow.held.clear()
    site.ecflow.asked.clear()
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(site.run(**options)))
    thread.start()
    assert site.ecflow.asked.wait(30)
    act()
    site.ecflow.held.set()
    thread.join(30)
    (outcome,) = outcomes
    return outcome


def test_a_run_that_lost_its_lease_to_another_writes_nothing(site: Site) -> None:
    def take_over() -> None:
        site.store.memory.locks[NAME] = b"another token", time.monotonic() + 60

    outcome = while_asked(site, take_over)
    assert (outcome.result, outcome.skipped) == ("skipped", "another run has it")
    assert site.store.memory.values == {}


class Failing(MemoryStore):
    """A store whose commits fail, after some fine ones, as often as `times`."""

    def __init__(self, fine: int = 0, error: Exception | None = None, times: int = 99) -> None:
        super().__init__()
        self.fine, self.error, self.times = fine, error or StoreError("the store is gone"), times

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        lease = super().lease(name, deadline, address)
        assert isinstance(lease, MemoryLease)
        commit = lease.commit

        def failing(update: Update, *, end: bool = True) -> None:
            self.fine -= 1
            if -self.times <= self.fine < 0:
                raise self.error
            commit(update, end=end)

        lease.commit = failing  # type: ignore[method-assign]
        return lease


def test_a_snapshot_that_was_changed_meanwhile_is_read_again(site: Site) -> None:
    site.store = Failing(error=SnapshotChanged(), times=1)
    outcome = site.run()
    assert (outcome.result, outcome.attempts) == ("written", 2)
    assert outcome.reading and outcome.reading.reason == "the stored snapshot was changed by another writer"
    assert site.health().ok and site.health().attempts == 2


def test_a_reading_that_the_store_does_not_take_is_lost(site: Site) -> None:
    site.store = Failing()
    outcome = site.run()
    assert (outcome.result, str(outcome.error)) == ("lost", "the store is gone")
    assert outcome.reading and outcome.health is None
    assert site.store.memory.locks == {}


def test_a_failure_that_the_store_does_not_take_is_lost(site: Site) -> None:
    site.store = Failing()
    site.ecflow.replies = [REFUSED]
    outcome = site.run()
    assert (outcome.result, outcome.reading) == ("lost", None)


def test_a_failure_counts_though_another_run_has_taken_over(site: Site) -> None:
    site.store = Failing(error=LeaseLost("another run has it"))
    site.ecflow.replies = [REFUSED]
    assert site.run().result == "failed"


# ----------------------------------------------------------------------------- failures that are reported


def failing(site: Site, *kinds: bytes) -> Outcome:
    site.ecflow.replies = [*kinds]
    return site.run()


def test_failure_is_reported_as_it_begins_and_as_it_ends(site: Site) -> None:
    outcomes = [failing(site, REFUSED) for _ in range(3)]
    assert [outcome.told for outcome in outcomes] == ["now", "withheld", "withheld"]
    assert site.failures == [str(outcomes[0].error)]
    since = site.health().failing_since or ""
    assert failing(site, full_reply()).result == "written"
    words = f"since {since[:10]} {since[11:19]} UTC ({outcomes[0].error})"
    assert site.reported == [f"recovered after 3 failed runs, {words}"]
    assert site.health().reported_failure is None
    failing(site, changes_reply())
    assert len(site.reported) == 1
    assert site.store.memory.locks == {}


def test_failure_that_ends_early_is_not_reported(site: Site) -> None:
    site.options["report_after"] = 3
    assert [failing(site, REFUSED).told for _ in range(2)] == ["withheld", "withheld"]
    failing(site, full_reply())
    assert (site.failures, site.reported) == ([], [])
    assert [failing(site, REFUSED).told for _ in range(4)] == ["withheld", "withheld", "now", "withheld"]
    assert len(site.failures) == 1


def test_failure_that_standard_error_did_not_take_is_reported_again(site: Site) -> None:
    site.takes_lines = False
    assert failing(site, REFUSED).told == "now"
    assert site.health().reported_failure is None
    site.takes_lines = True
    failing(site, REFUSED)
    assert len(site.failures) == 2
    site.takes_lines = False
    failing(site, full_reply())
    assert site.health().reported_failure
    site.takes_lines = True
    failing(site, changes_reply())
    assert len(site.reported) == 2 and site.reported[0] == site.reported[1]
    assert site.health().reported_failure is None


def test_failure_that_follows_an_unreported_end_begins_anew(site: Site) -> None:
    failing(site, REFUSED)
    site.takes_lines = False
    failing(site, full_reply())
    site.takes_lines = True
    assert failing(site, REFUSED).told == "now"


def test_failure_is_reported_after_its_record_was_written(site: Site) -> None:
    site.store = Failing(fine=1)
    outcome = failing(site, REFUSED)
    assert outcome.warnings == ("the next run reports this again: the store is gone",)
    assert (len(site.failures), site.health().failures) == (1, 1)
    assert failing(site, REFUSED).result == "lost"


def test_failure_of_a_run_that_was_overtaken_is_not_reported(site: Site) -> None:
    site.store = Failing(error=LeaseLost("another run has it"))
    assert failing(site, REFUSED).told == "withheld"
    assert site.failures == []


def test_dry_run_keeps_no_reports(site: Site) -> None:
    site.ecflow.replies = [REFUSED]
    assert site.run(dry=True).told == "untold"


# --------------------------------------------------------------------------------- misses of deadlines

LATE = Deadline("/s/t", 0, "aborted")


def with_a_miss(site: Site) -> None:
    """Make runs after which a deadline was missed and not reported."""
    site.options["deadlines"] = (LATE,)
    site.run()
    document = orjson.loads(site.store.memory.values[NAME, "health"])
    document["deadlines"][0] |= {"misses": 1, "reported": 0}
    site.store.memory.values[NAME, "health"] = orjson.dumps(document)
    site.ecflow.replies = [changes_reply(), changes_reply(stats=9), changes_reply(stats=10)]


def test_a_miss_is_reported_once_and_then_acknowledged(site: Site) -> None:
    with_a_miss(site)
    assert site.run().result == "written"
    assert site.reported == [f"deadline missed: {LATE}; it is not aborted"]
    (state,) = site.health().deadlines
    assert (state.misses, state.reported) == (1, 1)
    assert site.store.memory.locks == {}
    site.run()
    assert len(site.reported) == 1


def test_a_miss_that_standard_error_did_not_take_is_reported_again(site: Site) -> None:
    with_a_miss(site)
    site.takes_lines = False
    assert site.run().result == "written"
    assert site.health().deadlines[0].reported == 0
    assert site.store.memory.locks == {}
    site.takes_lines = True
    site.run()
    assert len(site.reported) == 2
    assert site.health().deadlines[0].reported == 1


def test_a_miss_is_reported_after_its_record_was_written(site: Site) -> None:
    with_a_miss(site)
    store = Failing(fine=1)
    store.memory = site.store.memory
    site.store = store
    outcome = site.run()
    assert outcome.result == "written"
    assert outcome.warnings == ("the next run reports this again: the store is gone",)
    assert len(site.reported) == 1
    (state,) = site.health().deadlines
    assert (state.misses, state.reported) == (1, 0)
    assert outcome.health == site.health()


def test_a_miss_whose_record_is_not_written_is_not_reported(site: Site) -> None:
    with_a_miss(site)
    store = Failing()
    store.memory = site.store.memory
    site.store = store
    assert site.run().result == "lost"
    assert site.reported == []


def test_a_failure_reports_an_earlier_miss(site: Site) -> None:
    with_a_miss(site)
    site.ecflow.replies = [REFUSED]
    assert site.run().result == "failed"
    assert len(site.reported) == 1
    assert site.health().deadlines[0].reported == 1


# ---------------------------------------------------------------------------------------- verification


def bindings(site: Site, folder: Path, status: str, state_change_no: int = 5) -> None:
    """Have an interpreter with bindings that read these nodes, and a verification that is due."""
    details = [None] * len(VERIFIED)
    nodes = [["/s", "active", "", details], ["/s/t", status, "", details]]
    document = {
        "state": "queued", "server_state": "RUNNING", "version": "5.9.2", "cut": [], "nodes": nodes,
        "state_change_no": state_change_no, "modify_change_no": 3,
    }  # fmt: skip
    script = folder / "python3"
    lines = json.dumps({"ecflow": "5.9.9", "python": "3.11"}), json.dumps(document)
    script.write_text("#!/bin/sh\ncat >/dev/null\n" + "".join(f"echo '{line}'\n" for line in lines))
    script.chmod(0o755)
    site.interpreter = str(script)


def due(site: Site) -> None:
    """Make a first run, after which a verification is due, and nothing changes any more."""
    site.options["reader"] = "auto"
    site.run()
    document = orjson.loads(site.store.memory.values[NAME, "health"])
    document["sync"]["next_verification"] = "2026-01-01T00:00:00+00:00"
    site.store.memory.values[NAME, "health"] = orjson.dumps(document)
    site.ecflow.replies = [changes_reply()]


def test_a_verification_is_written_after_the_snapshot(site: Site, tmp_path: Path) -> None:
    bindings(site, tmp_path, "complete")
    due(site)
    outcome = site.run()
    assert (outcome.result, outcome.verification) == ("written", "equal, node by node")
    written = site.health()
    assert (written.verification, written.bindings_version) == ("equal, node by node", "5.9.9")
    assert written.disabled is None
    assert site.store.memory.locks == {}


def test_missing_bindings_are_noted(site: Site, tmp_path: Path) -> None:
    site.interpreter = str(tmp_path / "absent")
    due(site)
    outcome = site.run()
    assert outcome.result == "written"
    assert outcome.verification and outcome.verification.startswith("not verified: no Python with")
    assert site.health().verification == outcome.verification


def test_after_a_difference_the_bindings_reading_is_written(site: Site, tmp_path: Path) -> None:
    site.options["changes"] = True
    bindings(site, tmp_path, "aborted")
    due(site)
    outcome = site.run()
    difference = (
        "the protocol's reading differs from the bindings': /s/t complete; the bindings have /s/t aborted"
    )
    assert (outcome.result, outcome.verification, outcome.warnings) == ("written", difference, (difference,))
    assert site.records()[-1].status == "aborted"
    written = site.health()
    assert written.disabled and written.disabled.reason == written.reason == difference
    assert site.store.value(NAME, "sync") is None
    requests = site.ecflow.requests
    again = site.run()
    assert again.reading and again.reading.reason == f"incremental syncs are off: {difference}"
    assert site.ecflow.requests == requests, "only the bindings read it"


def test_a_reset_turns_incremental_syncs_on_again(site: Site, tmp_path: Path) -> None:
    bindings(site, tmp_path, "aborted")
    due(site)
    site.run()
    site.ecflow.replies = [full_reply()]
    outcome = site.run(reset_sync=True)
    assert outcome.reading and outcome.reading.reason == "incremental syncs were reset"
    assert site.health().disabled is None
    assert site.records()[-1].status == "complete"


def test_a_verification_that_is_not_written_costs_not_the_snapshot(site: Site, tmp_path: Path) -> None:
    bindings(site, tmp_path, "complete")
    due(site)
    store = Failing(fine=1)
    store.memory = site.store.memory
    site.store = store
    outcome = site.run()
    assert outcome.result == "written"
    assert outcome.warnings == ("the verification's result was not written: the store is gone",)
    assert site.health().mode == "unchanged"


def before_each(monkeypatch: pytest.MonkeyPatch, call: str, act: Callable[[MemoryLease, int], None]) -> None:
    """Have `act` be called before each such call of the store, with its number from 1 on."""
    original, numbers = getattr(MemoryLease, call), count(1)

    def acting(lease: MemoryLease, *arguments: Any, **options: Any) -> Any:
        act(lease, next(numbers))
        return original(lease, *arguments, **options)

    monkeypatch.setattr(MemoryLease, call, acting)


@pytest.mark.parametrize(
    ("read", "verification"),
    [
        ("value", "not verified: the store is gone"),
        ("details", "equal, node by node; their details were not compared: the store is gone"),
    ],
)
def test_a_store_that_fails_as_it_is_verified_costs_not_the_snapshot(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str, verification: str
) -> None:
    """The snapshot was written before, so that it is not lost."""
    bindings(site, tmp_path, "complete")
    site.options["details"] = True
    due(site)
    first = site.health().collected_time

    def gone_after_the_write(lease: MemoryLease, _: int) -> None:
        if lease.stored.head and lease.stored.head.collected_time != first:
            raise StoreError("the store is gone")

    before_each(monkeypatch, read, gone_after_the_write)
    outcome = site.run()
    assert (outcome.result, outcome.error, outcome.verification) == ("written", None, verification)
    assert site.health().verification == verification
    assert site.health().collected_time != first


def test_difference_that_cannot_be_written_is_reported(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The changes to the bindings' reading need the stored snapshot again, after it was compared."""
    bindings(site, tmp_path, "aborted")
    site.options["changes"] = True
    due(site)

    def gone_at_the_third(_: MemoryLease, number: int) -> None:
        if number == 3:
            raise StoreError("the store is gone")

    before_each(monkeypatch, "value", gone_at_the_third)
    outcome = site.run()
    assert (outcome.result, outcome.error) == ("written", None)
    difference, not_written = outcome.warnings
    assert difference == outcome.verification and "aborted" in difference
    assert not_written == "the verification's result was not written: the store is gone"


# ------------------------------------------------------------------------------- past its deadline


@contextmanager
def hanging(
    site: Site, monkeypatch: pytest.MonkeyPatch, call: str, number: int = 1
) -> Iterator[ServerCollector]:
    """Yield what reads the server, while the call with that number of the store hangs."""
    entered, released = threading.Event(), threading.Event()

    def hang(_: MemoryLease, now: int) -> None:
        if now == number:
            entered.set()
            released.wait(30)

    before_each(monkeypatch, call, hang)
    run = site.collector()
    thread = threading.Thread(target=run.run, args=(lambda outcome: None,))
    thread.start()
    try:
        assert entered.wait(30)
        yield run._collectors[NAME]
    finally:
        released.set()
        thread.join(30)


def test_store_that_hangs_loses_the_snapshot(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(site, monkeypatch, "commit") as collector:
        outcome = collector.abandoned()
        assert (outcome.result, str(outcome.error)) == ("lost", NO_ANSWER_OF_STORE)
        assert outcome.reading and outcome.reading.pieces is None and outcome.warnings == ()


def test_work_that_does_not_end_is_too_slow(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(site, monkeypatch, "commit") as collector:
        collector.work.is_underway = True
        outcome = collector.abandoned()
        assert outcome.result == "failed" and outcome.error
        assert "was not written by the deadline of 20 s" in str(outcome.error)


def test_verification_that_hangs_costs_not_the_snapshot(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bindings(site, tmp_path, "complete")
    site.options["details"] = True
    due(site)
    with hanging(site, monkeypatch, "details") as collector:
        outcome = collector.abandoned()
        assert (outcome.result, outcome.error, outcome.warnings) == ("written", None, (LATE_VERIFICATION,))
        assert outcome.reading and outcome.health and outcome.health.ok


def test_failure_that_was_written_is_no_success(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store hangs as it is asked to note that the failure was reported."""
    site.ecflow.replies = [REFUSED]
    with hanging(site, monkeypatch, "commit", 2) as collector:
        assert site.failures and not site.health().ok
        assert collector.abandoned().result == "lost"


# ----------------------------------------------------------------------------------------- the sync cache


def test_a_sync_cache_of_the_hosts_own(site: Site, tmp_path: Path) -> None:
    site.sync_cache = str(tmp_path)
    site.run()
    assert (tmp_path / NAME / "sync").exists()
    assert site.store.value(NAME, "sync") is None
    site.ecflow.replies = [changes_reply()]
    outcome = site.run()
    assert outcome.reading and outcome.reading.mode == "unchanged"


def test_a_sync_cache_that_cannot_be_written_is_reported(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    site.sync_cache = str(tmp_path / "file")
    outcome = site.run()
    assert outcome.result == "written"
    (warning,) = outcome.warnings
    assert warning.startswith("sync_cache: ") and warning.endswith("; the next run reads in full")


def test_two_configurations_of_one_name_are_reported(site: Site) -> None:
    site.run()
    document = orjson.loads(site.store.memory.values[NAME, "health"])
    site.store.memory.values[NAME, "health"] = orjson.dumps(document | {"address": "h:1"})
    (warning,) = site.run().warnings
    assert warning.startswith("the last run under this name read h:1, this one 127.0.0.1:")
