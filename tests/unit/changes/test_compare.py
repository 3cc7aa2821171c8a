"""The changes between two snapshots' records."""

from __future__ import annotations

import pytest

from tests.support.trees import records
from watchman_cli.changes.compare import Ambiguous, compare_records
from watchman_cli.snapshot import StatusRecord, join_records


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
