"""The nodes that match a deadline's path, in a snapshot and after changes."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from watchman_cli.deadlines import Deadline, DeadlineState, Matches, count_changes, count_matches, match_again
from watchman_cli.snapshot import StatusRecord, encode, join_records

RECORDS = [
    StatusRecord("/", "active"),
    StatusRecord("/s", "active"),
    StatusRecord("/s/a", "complete", None, ("late",)),
    StatusRecord("/s/a/t", "complete"),
    StatusRecord("/s/ab", "queued"),
    StatusRecord("/s/b", "complete"),
    StatusRecord("/s/a.b", "aborted", "2026-11-24T00:00:00+00:00"),
    StatusRecord("/sxa", "complete"),
]
VALUE = encode("2026-11-24T00:00:00+00:00", "RUNNING", [join_records(RECORDS)])


@pytest.mark.parametrize(
    ("path", "nodes", "mismatched"),
    [
        ("/", 1, 1),
        ("/s", 1, 1),
        ("/s/a", 1, 0),
        ("/s/*", 4, 2),
        ("/s/a*", 3, 2),
        ("/s/*b", 3, 2),
        ("/*/a", 1, 0),
        ("/s/*/*", 1, 0),
        ("/s.a", 0, 0),
        ("/s/a.b", 1, 1),
        ("/none", 0, 0),
    ],
)
def test_nodes_in_a_snapshot(path: str, nodes: int, mismatched: int) -> None:
    assert count_matches(Deadline(path, 0), VALUE) == Matches(nodes, mismatched)


def test_another_status() -> None:
    assert count_matches(Deadline("/s/*", 0, "queued"), VALUE) == Matches(4, 3)


@pytest.mark.parametrize(
    ("path", "changes", "mismatched"),
    [
        ("/s/*", [("/s/a", "complete", "queued")], 6),
        ("/s/*", [("/s/a", "queued", "complete")], 4),
        ("/s/*", [("/s/a", "queued", "active")], 5),
        ("/s/*", [("/s/a", "complete", "complete")], 5),
        ("/s/*", [("/s/a/t", "queued", "complete"), ("/t/a", "queued", "complete")], 5),
        ("/s/*", [("/s/a", "queued", "complete"), ("/s/b", "aborted", "complete")], 3),
        ("/s/a", [("/s/ab", "queued", "complete")], 5),
        ("/s.a", [("/sxa", "queued", "complete")], 5),
    ],
)
def test_nodes_after_changes(path: str, changes: list[tuple[str, str, str]], mismatched: int) -> None:
    updates = [(StatusRecord(each, old), StatusRecord(each, new)) for each, old, new in changes]
    assert count_changes(Deadline(path, 0), Matches(9, 5), updates) == Matches(9, mismatched)


def test_states_get_the_matches_of_another_snapshot() -> None:
    time = datetime(2026, 11, 24, tzinfo=timezone.utc)
    first = DeadlineState(str(Deadline("/s/*", 0)), time, "met", "other", time, Matches(9, 9))
    other = first._replace(deadline=str(Deadline("/s/*", 1)))
    found = match_again([Deadline("/s/*", 0)], [first, other], VALUE)
    assert found == (first._replace(matches=Matches(4, 2)), other)
