"""Changes put into records, in whatever order a server names the nodes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from watchman_cli.ecflow_client import Changes, NodeChange, TooSlow, Work
from watchman_cli.snapshot import Head, Records, StatusRecord, join_records
from watchman_cli.sync.patch import MAX_BACKWARDS, Finder, Patched, patch
from watchman_cli.sync.reading import PatchError

PATHS = [f"/s/t{n}" for n in range(400)] + ['/s/a"b', "/s/\\", "/s/t1x"]
RECORDS = join_records([StatusRecord("/", "queued"), *(StatusRecord(path, "queued") for path in PATHS)])


class Counted(bytes):
    """Bytes that count how often they are searched."""

    searches = 0

    def find(self, *arguments: Any) -> int:
        Counted.searches += 1
        return super().find(*arguments)


def within(records: bytes) -> Records:
    """Return these records as they are in a snapshot."""
    before = b"head"
    return Records(Head("", "", "", len(before)), type(records)(before + records + b"]}"))


def patched(paths: Sequence[str]) -> Patched:
    nodes = tuple(NodeChange(path, "complete", 0) for path in paths)
    return patch(within(RECORDS), Changes(2, 1, nodes), {}, {})


@pytest.mark.parametrize("order", ["reverse", "random"])
def test_the_order_of_changes_does_not_matter(order: str) -> None:
    expected = patched(PATHS)
    paths = PATHS[::-1]
    if order == "random":
        random.Random(7).shuffle(paths)
    found = patched(paths)
    assert b"".join(found.pieces) == b"".join(expected.pieces)
    assert [new.path for _, new in found.changes] == PATHS
    assert (found.suspended, found.changes) == (expected.suspended, expected.changes)


def test_changes_in_reverse_order_cost_a_few_searches() -> None:
    """Each search may look at the whole snapshot: one for each change would be quadratic."""
    Counted.searches = 0
    find = Finder(within(Counted(RECORDS)), tuple(NodeChange(path) for path in PATHS))
    starts = [find(path) for path in reversed(PATHS)]
    assert starts == sorted(starts, reverse=True)
    assert Counted.searches == 1 + 2 * (MAX_BACKWARDS + 1)


@pytest.mark.parametrize("before", [0, 2 * MAX_BACKWARDS])
def test_a_node_that_is_not_there_is_an_error(before: int) -> None:
    with pytest.raises(PatchError, match=r"^a node changed that is not in the snapshot$"):
        patched([*PATHS[before::-1], "/s/none"])


BEGIN = {"s": "2026-Nov-25 20:00:00"}
SINCE = "2026-11-25T20:00:05+00:00"
ACTIVE = StatusRecord("/s", "active", SINCE)
SUSPENDED = StatusRecord("/s", "suspended")


@pytest.mark.parametrize(
    ("old", "under", "change", "new", "now_under"),
    [
        (ACTIVE, {}, NodeChange("/s", suspended=True), SUSPENDED, {"/s": ("active", SINCE)}),
        (SUSPENDED, {"/s": ("active", SINCE)}, NodeChange("/s", suspended=False), ACTIVE, {}),
        (
            SUSPENDED,
            {"/s": ("active", SINCE)},
            NodeChange("/s", "aborted", 6),
            SUSPENDED,
            {"/s": ("aborted", "2026-11-25T20:00:06+00:00")},
        ),
        (
            SUSPENDED,
            {"/s": ("queued", None)},
            NodeChange("/s", "active", 5, suspended=False),
            ACTIVE,
            {},
        ),
        (ACTIVE, {}, NodeChange("/s", "queued", 9), StatusRecord("/s", "queued"), {}),
        (StatusRecord("/s", "queued"), {}, NodeChange("/s", "active", 5), ACTIVE, {}),
        (ACTIVE, {}, NodeChange("/s", suspended=False), ACTIVE, {}),
        (StatusRecord("/s", "queued"), {}, NodeChange("/s", "active"),
         StatusRecord("/s", "active", "2026-11-25T20:00:00+00:00"), {}),
    ],
)  # fmt: skip
def test_state_and_suspension_as_a_full_reading_shows_them(
    old: StatusRecord,
    under: dict[str, tuple[str, str | None]],
    change: NodeChange,
    new: StatusRecord,
    now_under: dict[str, tuple[str, str | None]],
) -> None:
    records = join_records([StatusRecord("/", "queued"), old])
    found = patch(within(records), Changes(2, 1, (change,)), under, BEGIN)
    assert b"".join(found.pieces) == join_records([StatusRecord("/", "queued"), new])
    assert found.suspended == now_under
    assert [tuple(each) for each in found.changes] == ([] if new == old else [(old, new)])


@pytest.mark.parametrize("old", [ACTIVE, SUSPENDED])
def test_cache_that_does_not_fit_the_snapshot_is_refused(old: StatusRecord) -> None:
    under: dict[str, tuple[str, str | None]] = {} if old is SUSPENDED else {"/s": ("queued", None)}
    records = join_records([StatusRecord("/", "queued"), old])
    with pytest.raises(PatchError, match=r"^the sync cache does not fit the snapshot$"):
        patch(within(records), Changes(2, 1, (NodeChange("/s", "complete"),)), under, BEGIN)


@pytest.mark.parametrize(
    ("changes", "root"),
    [
        (Changes(2, 1, state="active"), StatusRecord("/", "active")),
        (Changes(2, 1, details={"flags": ("late",)}), StatusRecord("/", "queued", flags=("late",))),
        (Changes(2, 1), StatusRecord("/", "queued")),
    ],
)
def test_state_or_details_of_the_definition_change(changes: Changes, root: StatusRecord) -> None:
    before = StatusRecord("/", "queued")
    found = patch(within(join_records([before, ACTIVE])), changes, {}, BEGIN)
    assert b"".join(found.pieces) == join_records([root, ACTIVE])
    assert [tuple(each) for each in found.changes] == ([] if root == before else [(before, root)])


def test_merging_ends_with_the_deadline() -> None:
    change = Changes(2, 1, (NodeChange("/s", "queued"),))
    records = within(join_records([StatusRecord("/", "queued"), ACTIVE]))
    with pytest.raises(TooSlow, match=r"^the reply of 0 KB was not merged in time$"):
        patch(records, change, {}, BEGIN, Work(deadline=0.0))
    assert patch(records, Changes(2, 1), {}, BEGIN, Work(deadline=0.0)).changes == []


def test_definition_itself_changes() -> None:
    records = join_records([StatusRecord("/", "queued"), ACTIVE])
    changes = Changes(2, 1, state="active", details={"flags": ("late",)})
    found = patch(within(records), changes, {}, BEGIN)
    root = StatusRecord("/", "active").with_details({"flags": ("late",)})
    assert b"".join(found.pieces) == join_records([root, ACTIVE])
