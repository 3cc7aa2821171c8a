"""Changes put into records, in whatever order a server names the nodes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from watchman_cli.ecflow_client import Changes, NodeChange
from watchman_cli.snapshot import StatusRecord, join_records
from watchman_cli.sync.patch import MAX_BACKWARDS, Finder, Patched, PatchError, patch

PATHS = [f"/s/t{n}" for n in range(400)] + ['/s/a"b', "/s/\\", "/s/t1x"]
RECORDS = join_records([StatusRecord("/", "queued"), *(StatusRecord(path, "queued") for path in PATHS)])


class Counted(bytes):
    """Bytes that count how often they are searched."""

    searches = 0

    def find(self, *arguments: Any) -> int:
        Counted.searches += 1
        return super().find(*arguments)


def patched(paths: Sequence[str]) -> Patched:
    nodes = tuple(NodeChange(path, "complete", 0) for path in paths)
    return patch(memoryview(RECORDS), Changes(2, 1, nodes), {}, {})


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
    find = Finder(Counted(RECORDS), tuple(NodeChange(path) for path in PATHS))
    starts = [find(path) for path in reversed(PATHS)]
    assert starts == sorted(starts, reverse=True)
    assert Counted.searches < 3 * (MAX_BACKWARDS + 1)


@pytest.mark.parametrize("before", [0, 2 * MAX_BACKWARDS])
def test_a_node_that_is_not_there_is_an_error(before: int) -> None:
    with pytest.raises(PatchError, match="not in the snapshot"):
        patched([*PATHS[before::-1], "/s/none"])
