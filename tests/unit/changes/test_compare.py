"""The changes between two snapshots' records."""

from __future__ import annotations

import pytest

from tests.support.trees import records
from watchman_cli.changes.compare import Ambiguous, compare_records, compare_snapshots
from watchman_cli.snapshot import HEAD_SIZE, StatusRecord, encode, join_records, parse_head


def test_another_order_is_not_a_change() -> None:
    one, two = records({"/a": ("", "queued"), "/b": ("", "queued")}), StatusRecord("/b", "queued")
    assert compare_records(memoryview(join_records(one)), [join_records([one[0], two, one[1]])]) == []


@pytest.mark.parametrize("second", ["queued", "active"])
def test_two_nodes_with_one_path_are_ambiguous(second: str) -> None:
    twice = join_records([*records({"/a": ("", "queued")}), StatusRecord("/a", second)])
    once = join_records(records({"/b": ("", "queued")}))
    for old, new in ((twice, once), (once, twice)):
        with pytest.raises(Ambiguous):
            compare_records(memoryview(old), [new])


def test_vanished_nodes_come_first_and_others_in_the_new_order() -> None:
    gone, changed, same = (StatusRecord(path, "queued") for path in ("/gone", "/changed", "/same"))
    now, new = changed._replace(status="active"), StatusRecord("/new", "queued")
    old = memoryview(join_records([gone, changed, same]))
    pieces = [join_records([new, same]), b",", join_records([now])]
    assert compare_records(old, pieces) == [(gone, None), (None, new), (changed, now)]


def test_equal_records_are_not_a_change() -> None:
    some = join_records(records({"/a": ("", "queued")}))
    assert compare_records(memoryview(some), [some]) == []


TIME, LATER = "2026-11-24T00:00:00.000000+00:00", "2026-11-24T00:01:00.000000+00:00"
QUEUED, ACTIVE = StatusRecord("/s", "queued"), StatusRecord("/s", "active")
OLD = encode(TIME, "RUNNING", [join_records([QUEUED])])


def test_stored_snapshot_is_compared_with_new_records() -> None:
    found = compare_snapshots(OLD, [join_records([ACTIVE])])
    assert found == (parse_head(OLD[:HEAD_SIZE]), [(QUEUED, ACTIVE)], None)


@pytest.mark.parametrize(
    ("old", "reason"),
    [
        (b"", "there was no snapshot"),
        (b'{"collected_time": ""}', "there was no snapshot of this watchman's"),
        (OLD.replace(b"queued", b"active"), "the snapshot in the store is damaged"),
        (encode(TIME, "RUNNING", [join_records([QUEUED, ACTIVE])]), "two nodes have one path"),
    ],
)
def test_changes_to_an_unusable_snapshot_are_unknown(old: bytes, reason: str) -> None:
    assert compare_snapshots(old, [join_records([ACTIVE])]) == (None, [], reason)
