"""The values that a run writes, decided from the values that it read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.causes.examples import NODE, told
from tests.unit.collect.scenarios import (
    ABORTED,
    CACHE,
    CHANGED,
    NEW,
    NOW,
    OLD,
    OTHER,
    PREVIOUS_TIME,
    READ_TIME,
    ROOT,
    SUITE,
    TASK,
    reading,
    record,
    revision_of,
    server,
    state,
    value_of,
)
from watchman_cli import health, snapshot
from watchman_cli.bindings import Bindings, BindingsReading
from watchman_cli.causes.model import Rules
from watchman_cli.changes.batch import Batch
from watchman_cli.changes.stream import NOT_KEPT
from watchman_cli.collect.result import Attempts, Commit, Stored
from watchman_cli.collect.update import (
    after_failure,
    after_reading,
    after_report,
    after_verification,
)
from watchman_cli.collect.verify import Verification
from watchman_cli.config import Server
from watchman_cli.deadlines import Deadline
from watchman_cli.details import KeptDetails
from watchman_cli.details.changed import Changed
from watchman_cli.details.fields import Base
from watchman_cli.details.stored import NO_DETAILS, DetailsUpdate
from watchman_cli.errors import ServerError, StoreError
from watchman_cli.health import Disabled, Failure, Health, ReportedFailure
from watchman_cli.snapshot import StatusRecord, parse_head
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.reading import Reading

UNCHANGED = reading("unchanged", None, ())
INCREMENTAL = reading("incremental", NEW, CHANGED)
DEADLINE = Deadline("/s/t", 11 * 60 + 59, after=6 * 60)  # due a minute before the reading
WITH_DEADLINE = server(deadlines=(DEADLINE,), changes=True)
THEIRS = BindingsReading(Bindings("python3", "5.9.9", "3.11"), "5.9.2", "HALTED", (40, 5), [ROOT, OTHER])


def unread() -> bytes:
    raise AssertionError("the stored snapshot is read")


def unreachable() -> bytes:
    raise StoreError("unreachable")


def stored(
    value: bytes = value_of(OLD), previous: bytes | None = None, *, may_read: bool = True, **fields: Any
) -> Stored:
    """Return the values in a store: a snapshot, and a health record with other fields."""
    found = health.salvage(previous if previous is not None else record(**fields))
    content = (lambda: value) if may_read else unread
    return Stored(found, parse_head(value[: snapshot.HEAD_SIZE]), content)


NOTHING = stored(b"", b"")
MISSED_BEFORE: dict[str, Any] = {"deadlines": [state(DEADLINE, others=1)]}


def facts(**fields: Any) -> Attempts:
    return Attempts(NOW, 1.2345, 2, 3, True, None, 0.25)._replace(**fields)


def decide(
    kept: Stored = NOTHING, read: Reading = UNCHANGED, *, of: Server | None = None, count: bool = True
) -> Commit:
    return after_reading(of or server(changes=True), kept, read, facts(), count=count)


def failure(kept: Stored, of: Server | None = None, **fields: Any) -> Commit:
    error = ServerError("refused", "connection refused")
    return after_failure(of or server(suites=("s",)), kept, error, facts(**fields))


@pytest.mark.parametrize("there", [True, False])
def test_details_that_are_not_wanted_are_deleted_by_a_full_reading(there: bool) -> None:
    """Without a sync cache it is not known whether there are any, so the store is asked."""
    kept = stored()._replace(may_have_details=lambda: there, changed_details=lambda paths: NO_DETAILS)
    found = decide(kept, reading("full", NEW))
    assert found.update.details == ("delete" if there else None)


def test_a_reading_with_a_sync_cache_does_not_ask_the_store_for_details() -> None:
    def asked() -> bool:
        raise AssertionError("the store is asked")

    for read in (UNCHANGED, INCREMENTAL):
        found = decide(stored()._replace(may_have_details=asked), read)
        assert (found.update.details, found.update.details_life) == (None, "keep")


@pytest.mark.parametrize("changed", [None, Changed({}, set())])
@pytest.mark.parametrize(("expire", "life"), [(60, "set"), (None, "remove"), (None, "keep")])
def test_details_of_an_unchanged_server_stay(expire: int | None, life: str, changed: Changed | None) -> None:
    head = stored().head
    assert head
    details = KeptDetails([""], f"{head.revision} t1", None if life == "keep" else 30, ["/s/t"])
    cache = CACHE._replace(revision=head.revision)
    of = server(details=True, expire=expire)
    read = UNCHANGED._replace(cache=cache, changed=changed)
    found = decide(stored()._replace(kept_details=details), read, of=of)
    assert (found.update.details, found.update.details_life) == (None, life)
    after = sync_cache.decode(found.update.sync or b"")
    assert after and after.kept_details == details._replace(expire=expire)


def test_detail_may_change_without_a_node() -> None:
    head = stored().head
    assert head
    stamp = f"{head.revision} t1"
    there = NO_DETAILS._replace(stamp=stamp, base_stamp=stamp)
    kept = stored()._replace(
        kept_details=KeptDetails([""], stamp, None, []), changed_details=lambda paths: there
    )
    read = UNCHANGED._replace(changed=Changed({"/s/t": {"label": "x"}}, set()))
    update = decide(kept, read, of=server(details=True, expire=60)).update
    details = update.details
    assert isinstance(details, DetailsUpdate) and set(details.changed) == {"/s/t"}
    assert (details.stamp, details.before) == (f"{head.revision} {READ_TIME}", stamp)
    assert update.details_life == "set"


def test_a_full_reading_of_the_same_nodes_replaces_their_details() -> None:
    """An attribute may differ where no status does."""
    head = stored().head
    assert head
    kept = stored()._replace(kept_details=KeptDetails([""], f"{head.revision} t1", None, []))
    read = reading("full", OLD)._replace(base=Base({"/": b"x"}, []))
    details = decide(kept, read, of=server(details=True)).update.details
    assert isinstance(details, DetailsUpdate) and details.base == {"/": b"x"}


def test_a_full_reading_replaces_all_details() -> None:
    kept = stored()._replace(kept_details=KeptDetails(["old"], "r0 t0", 30, ["/s/t"]))
    read = reading("full", NEW)._replace(base=Base({"/": b"x"}, []), cache=CACHE)
    update = decide(kept, read, of=server(details=True, expire=60)).update
    head = parse_head(update.snapshot or b"")
    assert head
    stamp = f"{head.revision} {read.read_time}"
    assert (update.details, update.details_life) == (DetailsUpdate(stamp, {"/": b"x"}, {}), "set")
    after = sync_cache.decode(update.sync or b"")
    assert after and after.kept_details == KeptDetails([""], stamp, 60, [])


def test_a_full_reading_without_details_deletes_them() -> None:
    """The bindings do not read them."""
    kept = stored()._replace(kept_details=KeptDetails([""], "r0 t0", None, []))
    update = decide(kept, reading("full", NEW), of=server(details=True)).update
    assert (update.details, update.details_life) == ("delete", "keep")


def test_details_that_were_switched_off_are_deleted() -> None:
    head = stored().head
    assert head
    kept = stored()._replace(
        kept_details=KeptDetails([""], f"{head.revision} t1", None, []),
        changed_details=lambda paths: NO_DETAILS,
    )
    assert decide(kept).update.details == "delete"


# --------------------------------------------------------------------------------- the update


def test_an_unchanged_snapshot_gets_only_a_new_time() -> None:
    found = decide(stored(may_read=False))
    assert (found.update.snapshot, found.update.new_time) == (None, READ_TIME)
    assert found.update.changes is None
    assert found.health.changes_kept
    assert (found.lines, found.verify) == ((), False)


def test_a_new_snapshot_has_its_own_time() -> None:
    found = decide(stored(may_read=False), INCREMENTAL)
    assert (found.update.snapshot, found.update.new_time) == (value_of(NEW, READ_TIME), None)


def test_the_sync_cache_names_the_snapshot_that_is_left() -> None:
    for read, records in ((UNCHANGED, OLD), (INCREMENTAL, NEW)):
        found = decide(stored(), read)
        assert found.update.sync is not None
        assert sync_cache.decode(found.update.sync) == CACHE._replace(revision=revision_of(records))
    found = decide(NOTHING, UNCHANGED._replace(cache=CACHE))
    assert found.update.sync is not None
    assert sync_cache.decode(found.update.sync) == CACHE


def test_a_reading_without_a_sync_cache_deletes_it() -> None:
    assert decide(stored(), UNCHANGED._replace(cache=None)).update.sync == b""


def test_a_failure_keeps_snapshot_and_sync_cache() -> None:
    update = failure(stored(), of=server(expire=60, publish="snapshot")).update
    assert (update.snapshot, update.new_time, update.sync, update.changes) == (None, None, None, None)
    assert (update.expire, update.publish_snapshot) == (60, False)


def test_options_of_the_server_are_in_the_update() -> None:
    options = server(expire=60, publish="snapshot")
    assert decide(stored(), INCREMENTAL, of=options).update.publish_snapshot
    assert decide(stored(), INCREMENTAL, of=options).update.expire == 60
    assert not decide(stored(), UNCHANGED, of=options).update.publish_snapshot
    assert not decide(stored(), INCREMENTAL, of=server()).update.publish_snapshot
    assert decide(stored(), INCREMENTAL, of=server()).update.expire is None


def test_the_update_has_the_health_record() -> None:
    for found in (decide(stored()), failure(stored())):
        assert health.decode(found.update.health) == found.health


def test_invalid_numbers_are_not_written() -> None:
    found = decide(stored(), UNCHANGED._replace(nodes=-1))
    assert health.decode(found.update.health) == found.health._replace(nodes=None)


def test_each_stage_is_entered_before_its_work() -> None:
    entered: list[str] = []
    options: dict[str, Any] = {"count": False, "enter": entered.append}
    after_reading(server(), stored(), INCREMENTAL, facts(), **options)
    assert entered == ["encoded", "counted", "compared"]
    entered.clear()
    after_reading(server(), stored(), UNCHANGED, facts(), **options)
    assert entered == ["counted", "compared"]


# ---------------------------------------------------------------------------------- the health record


def test_health_after_a_success() -> None:
    failing: dict[str, Any] = {
        "ok": False, "failures": 3, "failing_since": PREVIOUS_TIME, "address": "h:1",
        "bindings_version": "5.9",
        "error": {"kind": "reset", "message": "x"},
        "sync": {
            "stale_handle": True, "verification": "equal",
            "disabled": {"since": PREVIOUS_TIME, "reason": "x"},
        },
    }  # fmt: skip
    read = INCREMENTAL._replace(reason="why", nodes=5, server_version="5.13.8")
    began = datetime.fromisoformat(READ_TIME)
    found = after_reading(server(changes=True), stored(**failing), read, facts(began=began), count=True)
    assert found.health == Health(
        began_time=READ_TIME,
        checked_time="2026-11-28T12:00:05.250000+00:00", ok=True, failures=0, failing_since=None,
        address="h:3141", attempts=2, seconds=1.234, collected_time=READ_TIME, nodes=5,
        counts=snapshot.count_nodes(value_of(NEW)), counted_revision=revision_of(NEW), requests=3,
        server_version="5.13.8", bindings_version="5.9", error=None, mode="incremental", reason="why",
        verification="equal", next_verification="2026-11-28T12:20:00+00:00", disabled=None,
        stale_handle=False, deadlines=(), changes_kept=True,
    )  # fmt: skip


def test_health_after_a_failure() -> None:
    found = failure(stored(collected_time=READ_TIME, changes_kept=False))
    previous = stored().health
    assert found.health == previous._replace(
        checked_time="2026-11-28T12:00:05.250000+00:00", ok=False, failures=1,
        failing_since="2026-11-28T12:00:05.250000+00:00", attempts=2, seconds=1.234, requests=3,
        collected_time=PREVIOUS_TIME, error=Failure("refused", "connection refused"), stale_handle=True,
        changes_kept=False,
    )  # fmt: skip


def test_a_failure_after_failures_counts_from_the_first() -> None:
    found = failure(stored(ok=False, failures=2, failing_since=PREVIOUS_TIME)).health
    assert (found.failures, found.failing_since) == (3, PREVIOUS_TIME)


def test_a_failure_without_a_snapshot_has_no_time_of_one() -> None:
    assert failure(NOTHING).health.collected_time is None
    assert failure(stored(b"{}")).health.collected_time is None


@pytest.mark.parametrize(
    ("connected", "suites", "stale"), [(True, ("s",), True), (False, ("s",), False), (True, (), False)]
)
def test_a_handle_may_be_left_if_the_server_answered(
    connected: bool, suites: tuple[str, ...], stale: bool
) -> None:
    found = failure(stored(), of=server(suites=suites), connected=connected)
    assert found.health.stale_handle is stale


def test_the_attempts_say_if_incremental_syncs_are_disabled() -> None:
    disabled = Disabled(PREVIOUS_TIME, "they differ")
    assert failure(stored(), disabled=disabled).health.disabled == disabled
    assert failure(stored(sync={"disabled": disabled._asdict()})).health.disabled is None


def test_an_unknown_version_of_the_server_keeps_the_last_one() -> None:
    assert decide(stored(), UNCHANGED._replace(server_version="")).health.server_version == "5.9.2"


def test_the_first_verification_is_at_a_random_time() -> None:
    found = decide(stored(sync={"next_verification": None}))
    assert found.health.next_verification == "2026-11-28T12:09:50+00:00"
    assert not found.verify


def test_verification_whose_result_is_not_written_is_due_again_soon() -> None:
    """The run may be killed, or the store fail, in between; what differs must not stay for an interval."""
    found = decide(stored(sync={"next_verification": "2026-11-28T11:20:00+00:00"}))
    assert found.verify
    assert found.health.next_verification == "2026-11-28T12:03:05+00:00"


# ------------------------------------------------------------------------------ counts and deadlines


def test_counts_follow_the_changes_without_the_snapshot() -> None:
    quiet = reading("incremental", MORE_ACTIVE, ((TASK, ACTIVE),))
    found = decide(stored(may_read=False, counts={**COUNTS, "suites": 77}), quiet)
    assert found.health.counts is not None
    assert found.health.counts == {**COUNTS, "suites": 77, "complete": 0, "active": 2}
    assert found.health.counted_revision == revision_of(MORE_ACTIVE)


ACTIVE = StatusRecord("/s/t", "active")
MORE_ACTIVE = (ROOT, SUITE, ACTIVE)
COUNTS = snapshot.count_nodes(value_of(OLD))


@pytest.mark.parametrize("fields", [{"counts": None}, {"counted_revision": "another"}])
def test_counts_of_another_snapshot_are_not_used(fields: dict[str, Any]) -> None:
    wrong = {"counts": {"complete": 99, "root_causes": 9}} | fields
    assert decide(stored(**wrong)).health.counts == COUNTS
    assert decide(stored(**wrong), INCREMENTAL).health.counts == snapshot.count_nodes(value_of(NEW))


def test_a_full_reading_is_counted() -> None:
    found = decide(stored(counts={"complete": 99, "root_causes": 9}), reading("full", NEW))
    assert found.health.counts == snapshot.count_nodes(value_of(NEW))


def test_nothing_is_counted_without_metrics() -> None:
    found = decide(stored(), count=False)
    assert found.health.counts is None
    assert found.health.counted_revision == revision_of(OLD)
    assert decide(NOTHING, count=False).health.counted_revision == ""


def test_the_stored_snapshot_is_read_once() -> None:
    times: list[int] = []

    def content() -> bytes:
        times.append(1)
        return value_of(OLD)

    kept = stored(counts=None)._replace(snapshot=content)
    found = decide(kept, of=server(deadlines=(DEADLINE, Deadline("/s", 60))))
    assert len(times) == 1
    assert [each.matches for each in found.health.deadlines] == [(1, 0), (1, 1)]


def test_deadlines_follow_the_changes_without_the_snapshot() -> None:
    found = decide(stored(may_read=False, **MISSED_BEFORE), INCREMENTAL, of=WITH_DEADLINE)
    (judged,) = found.health.deadlines
    assert judged.matches == (1, 2)  # the stored numbers, and one more that is no longer complete
    assert judged.judged.isoformat() == READ_TIME


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"deadlines": [state(DEADLINE, others=7)], "counted_revision": "another"}, INCREMENTAL),
        ({"deadlines": [state(DEADLINE, others=7, configured=False)]}, INCREMENTAL),
        ({"deadlines": [state(DEADLINE, others=7)]}, reading("full", NEW)),
        ({}, INCREMENTAL),
    ],
)
def test_deadlines_of_another_snapshot_are_counted(fields: dict[str, Any], read: Reading) -> None:
    (judged,) = decide(stored(**fields), read, of=WITH_DEADLINE).health.deadlines
    assert judged.matches == (1, 1)


def test_a_state_of_a_deadline_that_is_not_configured_is_kept_for_a_week() -> None:
    old = datetime.fromisoformat(READ_TIME) - timedelta(days=7)
    older = old - timedelta(microseconds=1)
    states = [state("/a", judged=old.isoformat()), state("/b", judged=older.isoformat())]
    found = decide(stored(deadlines=states), of=server()).health
    assert [(each.deadline, each.configured) for each in found.deadlines] == [("/a", False)]


def test_a_failure_counts_the_stored_snapshot_if_another_one_was_counted() -> None:
    value = value_of(NEW, READ_TIME)
    states = [state(DEADLINE, others=7), state("/x complete by 09:00 UTC", others=7)]
    found = failure(stored(value, deadlines=states), of=WITH_DEADLINE).health
    assert found.counts == snapshot.count_nodes(value)
    assert [each.matches for each in found.deadlines] == [(1, 1), (1, 7)]
    assert found.counted_revision == revision_of(NEW)


def test_a_failure_counts_only_the_parts_that_are_in_the_record() -> None:
    value = value_of(NEW, READ_TIME)
    only_counts = failure(stored(value)).health
    assert (only_counts.counts, only_counts.deadlines) == (snapshot.count_nodes(value), ())
    only_deadlines = failure(stored(value, counts=None, deadlines=[state(DEADLINE)]), of=WITH_DEADLINE).health
    assert (only_deadlines.counts, len(only_deadlines.deadlines)) == (None, 1)
    assert only_deadlines.counted_revision == revision_of(NEW)
    neither = failure(stored(value, counts=None, may_read=False)).health
    assert neither.counted_revision == revision_of(OLD)


def test_a_failure_reads_no_snapshot_that_was_counted() -> None:
    assert failure(stored(may_read=False)).health.counted_revision == revision_of(OLD)
    assert failure(stored(b"", may_read=False)).health.counts == COUNTS


@pytest.mark.parametrize("value", [value_of(NEW, READ_TIME)[:-1], value_of(OLD), b""])
def test_a_failure_counts_no_damaged_snapshot(value: bytes) -> None:
    kept = stored(value_of(NEW, READ_TIME))._replace(snapshot=lambda: value)
    assert failure(kept).health.counts == COUNTS


def test_a_failure_is_written_though_the_snapshot_cannot_be_read() -> None:
    found = failure(stored(value_of(NEW, READ_TIME))._replace(snapshot=unreachable))
    assert (found.health.counts, found.health.failures) == (COUNTS, 1)


# ------------------------------------------------------------------------------------------- misses


def test_a_new_miss_is_reported_and_in_the_batch() -> None:
    found = decide(stored(value_of(MORE_ACTIVE), counted_revision=None, **MISSED_BEFORE), of=WITH_DEADLINE)
    line = f"deadline missed: {DEADLINE}; it is not complete"
    assert found.lines == (line,)
    batch = found.update.changes
    assert batch is not None
    assert (batch.missed, batch.changes, batch.server_state) == ((str(DEADLINE),), (), "RUNNING")
    assert (batch.before, batch.after) == (revision_of(MORE_ACTIVE), revision_of(MORE_ACTIVE))
    assert (batch.source, batch.time) == ("o/r", READ_TIME)


def test_a_miss_of_a_server_without_changes_is_reported() -> None:
    found = decide(stored(value_of(MORE_ACTIVE), **MISSED_BEFORE), of=server(deadlines=(DEADLINE,)))
    assert len(found.lines) == 1
    assert found.update.changes is None


def test_a_miss_with_changes_is_in_their_batch() -> None:
    active = ((StatusRecord("/s/t", "active"), ABORTED),)
    found = decide(
        stored(value_of(MORE_ACTIVE), counted_revision=revision_of(MORE_ACTIVE), **MISSED_BEFORE),
        reading("incremental", NEW, active),
        of=WITH_DEADLINE,
    )
    batch = found.update.changes
    assert batch is not None
    assert batch.missed == (str(DEADLINE),)
    assert batch.changes == active


def test_a_miss_that_was_reported_is_not_in_the_next_batch() -> None:
    again: dict[str, Any] = {"deadlines": [state(DEADLINE, state="missed", misses=1, reported=1)]}
    found = decide(stored(**again), INCREMENTAL, of=WITH_DEADLINE)
    assert found.lines == ()
    assert found.update.changes and not found.update.changes.missed


def test_a_miss_without_a_snapshot_is_in_no_batch() -> None:
    found = decide(
        stored(b"", **MISSED_BEFORE)._replace(snapshot=lambda: value_of(MORE_ACTIVE)), of=WITH_DEADLINE
    )
    assert len(found.lines) == 1
    assert found.update.changes is None


def test_a_failure_reports_a_miss_that_an_earlier_run_did_not() -> None:
    found = failure(stored(deadlines=[state(DEADLINE, misses=2, reported=1)]))
    assert len(found.lines) == 1


def test_after_the_report_each_miss_is_acknowledged() -> None:
    previous = stored(deadlines=[state(DEADLINE, misses=2, reported=1), state("/x", misses=3)]).health
    found = after_report(server(expire=60), previous, lines=True, failure=False)
    assert [each.reported for each in found.health.deadlines] == [2, 3]
    assert found.lines == ()
    assert health.decode(found.update.health) == found.health
    assert found.health._replace(deadlines=()) == previous._replace(deadlines=())
    update = found.update
    assert (update.snapshot, update.new_time, update.sync, update.changes) == (None, None, None, None)
    assert update.expire == 60


def test_a_failure_that_lasts_stays_reported_after_a_report_of_misses() -> None:
    reported = ReportedFailure(("refused",), PREVIOUS_TIME, 1, "connection refused")
    for ok, wanted in ((False, reported), (True, None)):
        previous = stored().health._replace(ok=ok, reported_failure=reported)
        found = after_report(server(), previous, lines=True, failure=False)
        assert found.health.reported_failure == wanted


# ------------------------------------------------------------------------------------------ changes


def batch_of(kept: Stored, read: Reading) -> Batch:
    batch = decide(kept, read).update.changes
    assert batch is not None
    return batch


def test_an_incremental_reading_has_the_changes() -> None:
    batch = batch_of(stored(may_read=False), INCREMENTAL)
    assert batch.changes == CHANGED
    assert (batch.before, batch.after) == (revision_of(OLD), revision_of(NEW))
    assert (batch.source, batch.time, batch.server_state) == ("o/r", READ_TIME, "RUNNING")


def test_a_full_reading_is_compared_with_the_stored_snapshot() -> None:
    batch = batch_of(stored(), reading("full", NEW))
    assert (list(batch.changes), batch.before) == ([(TASK, ABORTED)], revision_of(OLD))


def test_a_full_reading_of_the_same_nodes_has_no_changes() -> None:
    found = decide(stored(), reading("full", OLD))
    assert found.update.changes is None
    assert found.health.changes_kept


def test_changes_after_a_gap_are_a_reset() -> None:
    for read in (INCREMENTAL, reading("full", NEW)):
        found = decide(stored(changes_kept=False), read)
        batch = found.update.changes
        assert batch is not None
        assert (batch.before, batch.reason, batch.changes) == (None, NOT_KEPT, ())
        assert found.health.changes_kept


def test_a_reset_keeps_its_reason() -> None:
    batch = batch_of(stored(b"", changes_kept=False), reading())
    assert (batch.before, batch.reason) == (None, "there was no snapshot")


def test_a_server_without_changes_has_no_batch() -> None:
    found = decide(stored(may_read=False), INCREMENTAL, of=server())
    assert found.update.changes is None
    assert not found.health.changes_kept
    assert decide(stored(may_read=False), of=server()).health.changes_kept


@pytest.mark.parametrize(
    ("kept", "time", "wanted"),
    [(True, PREVIOUS_TIME, True), (False, PREVIOUS_TIME, False), (True, READ_TIME, False)],
)
def test_a_record_of_another_snapshot_does_not_prove_that_changes_are_kept(
    kept: bool, time: str, wanted: bool
) -> None:
    """A run without `changes` was killed after it had replaced the snapshot in a directory."""
    found = stored(changes_kept=kept, collected_time=time)
    assert found.changes_kept is wanted
    assert failure(found).health.changes_kept is wanted
    assert not found._replace(head=None).changes_kept


# --------------------------------------------------------------------------------------- verification


def verified(
    verification: Verification, theirs: BindingsReading | None = THEIRS, *, kept: Stored | None = None
) -> Commit:
    options = server(changes=True, publish="snapshot", expire=60)
    return after_verification(options, kept or stored(), verification, theirs, NOW, count=True)


def test_a_verification_without_a_difference_is_only_noted() -> None:
    found = verified(Verification("equal, node by node"))
    previous = stored().health
    assert found.health == previous._replace(
        verification="equal, node by node", bindings_version="5.9.9",
        next_verification="2026-11-28T12:30:05+00:00",
    )  # fmt: skip
    update = found.update
    assert (update.snapshot, update.new_time, update.sync, update.changes) == (None, None, None, None)
    assert (update.expire, found.verify) == (60, False)


def test_bindings_that_did_not_read_keep_their_last_version() -> None:
    found = verified(Verification("not verified: missing"), None, kept=stored(bindings_version="5.9.8"))
    assert (found.health.verification, found.health.bindings_version) == ("not verified: missing", "5.9.8")
    assert found.health.next_verification == "2026-11-28T12:30:05+00:00"
    assert found.update.snapshot is None


def test_after_a_difference_the_bindings_reading_is_written() -> None:
    found = verified(Verification("in words", "they differ"))
    time = "2026-11-28T12:00:05.250000+00:00"
    value = snapshot.encode(time, "HALTED", (snapshot.join_records([ROOT, OTHER]),))
    revision = parse_head(value[: snapshot.HEAD_SIZE]).revision  # type: ignore[union-attr]
    update = found.update
    assert (update.snapshot, update.new_time, update.sync, update.expire) == (value, None, b"", 60)
    assert update.publish_snapshot
    assert found.health == stored().health._replace(
        collected_time=time, mode="full", reason="they differ", verification="in words",
        bindings_version="5.9.9", disabled=Disabled(time, "they differ"), counts=snapshot.count_nodes(value),
        counted_revision=revision, next_verification="2026-11-28T12:30:05+00:00",
    )  # fmt: skip
    batch = update.changes
    assert batch is not None
    assert (batch.before, batch.after) == (revision_of(OLD), revision)
    assert [new and new.path for _, new in batch.changes] == [None, None, "/s/u"]
    assert (batch.server_state_before, batch.server_state) == ("RUNNING", "HALTED")
    assert batch.time == time
    assert update.details is None


def test_the_bindings_reading_has_no_details() -> None:
    differs = Verification("x", "they differ")
    found = after_verification(server(details=True), stored(), differs, THEIRS, NOW, count=False)
    assert found.update.details == "delete"
    assert found.update.snapshot is not None


def test_deadlines_are_judged_by_the_bindings_reading() -> None:
    found = after_verification(
        WITH_DEADLINE, stored(**MISSED_BEFORE), Verification("x", "they differ"), THEIRS, NOW, count=False
    )
    (judged,) = found.health.deadlines
    assert (judged.matches, judged.judged) == ((0, 0), NOW)
    assert found.health.counts is None
    assert found.update.changes and found.update.changes.missed == (str(DEADLINE),)
    assert found.update.changes.time == found.health.collected_time
    assert len(found.lines) == 1


def test_without_changes_the_stream_does_not_lead_to_the_bindings_reading() -> None:
    for theirs, kept in ((THEIRS, False), (THEIRS._replace(server_state="RUNNING", records=list(OLD)), True)):
        found = after_verification(
            server(), stored(), Verification("x", "they differ"), theirs, NOW, count=False
        )
        assert (found.update.changes, found.health.changes_kept) == (None, kept)


RULES = Rules(0, ("webhook",))


def test_causes_are_told_with_the_snapshot() -> None:
    before = stored(value_of(OLD), may_read=False)._replace(rules=RULES)
    commit = after_reading(server(changes=True), before, INCREMENTAL, facts(), count=False)
    notices = health.decode(commit.update.health).notices
    assert notices
    assert [each.cause.name for each in notices.told] == ["/s/t"]
    assert notices.revision == revision_of(NEW)
    assert len(notices.events) == 1
    assert commit.update.changes
    assert [each["cause"] for each in commit.update.changes.began] == ["/s/t"]


def test_causes_of_an_unchanged_snapshot_stay_without_a_look_at_it() -> None:
    before = stored(may_read=False)._replace(rules=RULES)
    notices = told(NODE)._replace(revision=revision_of(OLD))
    before = before._replace(health=before.health._replace(notices=notices))
    commit = decide(before)
    assert commit.health.notices == notices


def test_causes_are_found_in_the_stored_snapshot_if_no_run_has_judged_it() -> None:
    commit = decide(stored(value_of(NEW))._replace(rules=RULES))
    assert commit.health.notices
    assert [each.cause.name for each in commit.health.notices.told] == ["/s/t"]
    assert commit.health.notices.revision == revision_of(NEW)


def test_halted_server_is_a_cause() -> None:
    commit = decide(stored()._replace(rules=RULES), UNCHANGED._replace(server_state="HALTED"))
    assert commit.health.notices
    assert [each.cause.name for each in commit.health.notices.told] == ["halted"]


def test_failure_that_is_told_has_a_batch_of_its_own() -> None:
    error = ServerError("refused", "connection refused")
    before = stored(value_of(OLD), may_read=False)._replace(rules=RULES)
    commit = after_failure(server(changes=True), before, error, facts())
    batch = commit.update.changes
    assert batch
    assert batch.before == batch.after == revision_of(OLD)
    assert [each["cause"] for each in batch.began] == ["failing"]
    assert batch.time == commit.health.checked_time
    assert commit.health.changes_kept
    early = after_failure(server(changes=True, report_after=2), before, error, facts())
    assert early.update.changes is None
    assert early.health.notices and not early.health.notices.known


def test_notices_stay_without_rules() -> None:
    before = stored(value_of(OLD), may_read=False)
    kept = before.health._replace(notices=told(NODE))
    commit = after_reading(server(), before._replace(health=kept), INCREMENTAL, facts(), count=False)
    assert commit.health.notices == told(NODE)
