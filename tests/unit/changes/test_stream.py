"""The batch that continues a stream of changes, and whether the stream leads to the snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.collect.scenarios import ABORTED, CHANGED, NEW, OLD, READ_TIME, TASK, revision_of, value_of
from watchman_cli import snapshot
from watchman_cli.changes.batch import Batch
from watchman_cli.changes.stream import NOT_KEPT, News, Stream
from watchman_cli.snapshot import HEAD_SIZE, Head, RecordChange, StatusRecord, parse_head

BATCH = Batch("o/r", READ_TIME, "a", "b", "RUNNING")


def head_of(records: Sequence[StatusRecord]) -> Head:
    head = parse_head(value_of(records, READ_TIME)[:HEAD_SIZE])
    assert head
    return head


def unread() -> bytes:
    raise AssertionError("the stored snapshot is read")


def continued(
    stream: Stream,
    new: Sequence[StatusRecord] | None = NEW,
    changes: Sequence[RecordChange] | None = CHANGED,
    missed: tuple[str, ...] = (),
) -> Batch | None:
    pieces = (snapshot.join_records(new or ()),)
    return stream.continue_with(READ_TIME, head_of(new) if new else None, pieces, changes, News(missed))


KEPT = Stream("o/r", head_of(OLD), unread, True)


def test_known_changes_are_in_the_batch() -> None:
    batch = continued(KEPT)
    assert batch
    assert (batch.source, batch.time, batch.server_state) == ("o/r", READ_TIME, "RUNNING")
    assert (batch.before, batch.after) == (revision_of(OLD), revision_of(NEW))
    assert (batch.changes, batch.missed, batch.reason) == (CHANGED, (), None)


def test_unknown_changes_are_found_in_the_stored_snapshot() -> None:
    batch = continued(KEPT._replace(snapshot=lambda: value_of(OLD)), changes=None)
    assert batch
    assert (list(batch.changes), batch.before) == ([(TASK, ABORTED)], revision_of(OLD))


def test_no_batch_without_a_change() -> None:
    assert continued(KEPT, None) is None
    assert continued(KEPT, OLD, ()) is None


def test_a_miss_alone_has_a_batch_of_its_own() -> None:
    for new in (None, OLD):
        batch = continued(KEPT, new, (), missed=("/s by 05:30 UTC",))
        assert batch
        assert (batch.source, batch.time, batch.server_state) == ("o/r", READ_TIME, "RUNNING")
        assert (batch.before, batch.after) == (revision_of(OLD), revision_of(OLD))
        assert (batch.changes, batch.missed) == ((), ("/s by 05:30 UTC",))


def test_a_miss_without_a_snapshot_is_in_no_batch() -> None:
    assert continued(KEPT._replace(head=None), None, missed=("/s by 05:30 UTC",)) is None


def test_a_miss_is_in_the_batch_of_the_changes() -> None:
    batch = continued(KEPT, missed=("/s by 05:30 UTC",))
    assert batch
    assert (batch.changes, batch.missed) == (CHANGED, ("/s by 05:30 UTC",))


def test_a_stream_with_a_gap_continues_with_a_reset() -> None:
    for missed in ((), ("/s by 05:30 UTC",)):
        batch = continued(KEPT._replace(is_kept=False), missed=missed)
        assert batch
        assert (batch.before, batch.after, batch.changes) == (None, revision_of(NEW), ())
        assert (batch.reason, batch.missed) == (NOT_KEPT, missed)


def test_a_reset_keeps_its_reason() -> None:
    batch = continued(Stream("o/r", None, lambda: b"", False), changes=None)
    assert batch
    assert (batch.before, batch.reason) == (None, "there was no snapshot")


@pytest.mark.parametrize(
    ("kept", "new", "batch", "wanted"),
    [
        (True, None, None, True),
        (True, OLD, None, True),
        (True, NEW, None, False),
        (False, None, None, False),
        (False, OLD, None, False),
        (False, NEW, BATCH, True),
        (True, NEW, BATCH, True),
    ],
)
def test_a_stream_leads_to_the_snapshot_with_a_batch_or_the_same_records(
    kept: bool, new: Sequence[StatusRecord] | None, batch: Batch | None, wanted: bool
) -> None:
    assert KEPT._replace(is_kept=kept).leads_to(head_of(new) if new else None, batch) is wanted


def test_a_stream_leads_to_no_new_snapshot_without_a_stored_one() -> None:
    assert not KEPT._replace(head=None).leads_to(head_of(NEW), None)
