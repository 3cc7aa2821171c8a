"""The causes of a server."""

from __future__ import annotations

import pytest

from tests.unit.causes.examples import NODE, text, told
from tests.unit.collect.scenarios import (
    ABORTED,
    CHANGED,
    MISSED,
    NEW,
    OLD,
    OTHER,
    ROOT,
    SUITE,
    state,
    value_of,
)
from watchman_cli.causes.find import aborted_causes, failing_cause, halted_causes, missed_causes
from watchman_cli.causes.model import Cause, Notices
from watchman_cli.deadlines import DeadlineState
from watchman_cli.snapshot import StatusRecord

STATE = DeadlineState.from_json(state(MISSED, state="missed"))


def unread() -> bytes:
    raise AssertionError("the snapshot is read")


def test_only_nodes_without_an_aborted_node_below_are_causes() -> None:
    family = StatusRecord("/s/f", "aborted")
    task = StatusRecord("/s/f/t", "aborted", "2026-11-28T11:00:00+00:00")
    value = value_of((ROOT, replace_status(SUITE), family, task, StatusRecord("/s/g", "aborted")))
    causes = aborted_causes(Notices(), None, lambda: value, text(), judged=False)
    assert causes == [
        Cause("aborted", "/s/f/t", "2026-11-28T11:00:00+00:00"),
        Cause("aborted", "/s/g", text()),
    ]


def replace_status(record: StatusRecord) -> StatusRecord:
    return record._replace(status="aborted")


def test_snapshot_is_not_searched_if_no_node_became_aborted_or_is_no_longer() -> None:
    changes = ((StatusRecord("/s/u", "queued"), StatusRecord("/s/u", "active")),)
    assert aborted_causes(told(NODE), changes, unread, text(), judged=True) == [NODE]
    assert aborted_causes(told(NODE), (), unread, text(), judged=True) == [NODE]


@pytest.mark.parametrize("change", [CHANGED[0], CHANGED[0][::-1]])
def test_snapshot_is_searched_if_a_node_became_aborted_or_is_no_longer(
    change: tuple[StatusRecord, StatusRecord],
) -> None:
    found = aborted_causes(Notices(), (change,), lambda: value_of(NEW), text(), judged=True)
    assert [cause.name for cause in found] == [ABORTED.path]


def test_snapshot_is_searched_if_the_notices_are_of_another_one() -> None:
    found = aborted_causes(told(NODE), (), lambda: value_of((*OLD, OTHER)), text(), judged=False)
    assert found == []


def test_server_that_starts_no_jobs_is_a_cause() -> None:
    assert list(halted_causes("RUNNING", text())) == []
    assert [cause.text for cause in halted_causes("HALTED", text())] == ["server HALTED"]
    assert [cause.text for cause in halted_causes("SHUTDOWN", text())] == ["server SHUTDOWN"]


def test_missed_deadline_is_a_cause() -> None:
    (cause,) = missed_causes([STATE])
    assert cause.name == "/s/t complete by 11:59"
    assert cause.since == "2026-11-28T11:59:00+00:00"
    assert cause.text == f"deadline missed: {MISSED}; it is not complete"


@pytest.mark.parametrize(
    "other",
    [
        STATE._replace(state="met"),
        STATE._replace(state="pending"),
        STATE._replace(state="unknown"),
        STATE._replace(configured=False),
        STATE._replace(reached=STATE.judged),
    ],
)
def test_deadline_that_is_not_missed_now_is_no_cause(other: DeadlineState) -> None:
    assert list(missed_causes([other])) == []


def test_deadline_of_another_program_is_its_own_name() -> None:
    assert [cause.name for cause in missed_causes([STATE._replace(deadline="odd")])] == ["odd"]


def test_server_that_fails_is_a_cause() -> None:
    cause = failing_cause(text(-60), "connection refused")
    assert cause == Cause("failing", "failing", text(-60), "not read: connection refused")
    assert len(failing_cause(text(), "x" * 5000).text) == 1000
