"""The counts and deadlines of a record: by the changes if that is proved, else by the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.collect.scenarios import CHANGED, NEW, OLD, READ_TIME, record, revision_of, state, value_of
from watchman_cli import health, snapshot
from watchman_cli.deadlines import Deadline
from watchman_cli.errors import StoreError
from watchman_cli.health import Health, count_again, with_counts
from watchman_cli.snapshot import RecordUpdate

DEADLINE = Deadline("/s/t", 11 * 60 + 59, after=6 * 60)
HEALTH = Health(checked_time=READ_TIME, collected_time=READ_TIME)
COUNTS = snapshot.count_nodes(value_of(OLD))
COUNTS_OF_NEW = snapshot.count_nodes(value_of(NEW))


def unread() -> bytes:
    raise AssertionError("the snapshot is read")


def unreachable() -> bytes:
    raise StoreError("unreachable")


def previous(**fields: Any) -> Health:
    return health.salvage(record(**fields))


def counted(
    before: Health,
    changes: Sequence[RecordUpdate] | None = CHANGED,
    content: Any = unread,
    deadlines: Sequence[Deadline] = (),
    count: bool = True,
) -> Health:
    return with_counts(HEALTH, before, changes, content, deadlines, count=count)


def test_counts_follow_the_changes() -> None:
    found = counted(previous(counts={**COUNTS, "suites": 77}), content=lambda: value_of(NEW))
    assert found == HEALTH._replace(counts={**COUNTS_OF_NEW, "suites": 77})


@pytest.mark.parametrize(("changes", "counts"), [(None, COUNTS), (CHANGED, None)])
def test_a_snapshot_is_counted_without_changes_or_counts(
    changes: Sequence[RecordUpdate] | None, counts: Any
) -> None:
    found = counted(previous(counts=counts), changes, lambda: value_of(NEW))
    assert found.counts == COUNTS_OF_NEW


def test_nothing_is_counted_if_no_count_is_wanted() -> None:
    assert counted(previous(), None, count=False) == HEALTH


def test_the_snapshot_is_read_once() -> None:
    times: list[int] = []

    def content() -> bytes:
        times.append(1)
        return value_of(OLD)

    found = counted(previous(), None, content, (DEADLINE, Deadline("/s", 60)))
    assert len(times) == 1
    assert [each.matches for each in found.deadlines] == [(1, 0), (1, 1)]


def test_deadlines_follow_the_changes() -> None:
    before = previous(deadlines=[state(DEADLINE, others=1)])
    (judged,) = counted(before, deadlines=(DEADLINE,), count=False).deadlines
    assert (judged.matches, judged.judged.isoformat()) == ((1, 2), READ_TIME)


def test_a_deadline_that_is_not_configured_any_more_is_kept() -> None:
    (judged,) = counted(previous(deadlines=[state("/a")]), count=False).deadlines
    assert (judged.deadline, judged.configured) == ("/a", False)


def test_a_record_is_counted_again() -> None:
    before = previous(deadlines=[state(DEADLINE, others=7), state("/x complete by 09:00 UTC", others=7)])
    found = count_again(before, revision_of(NEW), lambda: value_of(NEW), (DEADLINE,))
    assert found.counts == COUNTS_OF_NEW
    assert [each.matches for each in found.deadlines] == [(1, 1), (1, 7)]
    assert found.counted_revision == revision_of(NEW)


def test_only_the_numbers_in_a_record_are_counted_again() -> None:
    before = previous()
    found = count_again(before, revision_of(NEW), lambda: value_of(NEW), (DEADLINE,))
    assert (found.counts, found.deadlines) == (COUNTS_OF_NEW, ())
    before = previous(counts=None, deadlines=[state(DEADLINE)])
    found = count_again(before, revision_of(NEW), lambda: value_of(NEW), (DEADLINE,))
    assert (found.counts, len(found.deadlines), found.counted_revision) == (None, 1, revision_of(NEW))
    before = previous(counts=None)
    assert count_again(before, revision_of(NEW), unread, (DEADLINE,)) == before


@pytest.mark.parametrize(
    "content", [lambda: value_of(NEW)[:-1], lambda: value_of(OLD), lambda: b"", unreachable]
)
def test_a_record_stays_if_its_snapshot_cannot_be_read(content: Any) -> None:
    assert count_again(previous(), revision_of(NEW), content, ()) == previous()
