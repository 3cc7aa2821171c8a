"""Reading nodes back from a store: all of one time, and of the snapshot's."""

from __future__ import annotations

import pytest

from tests.unit.details.definitions import base_of
from watchman_cli import snapshot
from watchman_cli.details.stored import DetailsUpdate, make_stamp
from watchman_cli.details.tree import StoredTree
from watchman_cli.errors import NoDetails, NoSnapshot
from watchman_cli.node_details import OtherSnapshot, require, with_details
from watchman_cli.snapshot import Head
from watchman_cli.store import Update
from watchman_cli.store.memory import MemoryStore

NAME = "o/r"


def write(store: MemoryStore, state: str, *, details: bool = True, revision: str | None = None) -> None:
    """Write a snapshot of one suite, with its details."""
    value = snapshot.encode(
        "2026-01-01T00:00:00.000001+00:00", "RUNNING", [b'{"path":"/","status":"%s"}' % state.encode()]
    )
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert head
    base = base_of(f"suite s # state:{state}", "task t", "endsuite").fields
    update = DetailsUpdate(make_stamp(revision or head.revision, "t"), base, {})
    lease = store.lease(NAME, 1e9)
    assert lease
    lease.commit(Update(b"{}", snapshot=value, details=update if details else None))


def state_of(tree: StoredTree, _: Head) -> str | None:
    node = tree.node("/s")
    return node.state if node else None


def test_a_node_is_read() -> None:
    store = MemoryStore()
    write(store, "active")
    assert with_details(store, NAME, state_of) == "active"


def test_without_a_snapshot_or_details() -> None:
    store = MemoryStore()
    with pytest.raises(NoSnapshot):
        with_details(store, NAME, state_of)
    write(store, "active", details=False)
    with pytest.raises(NoDetails, match="set `details: true`"):
        with_details(store, NAME, state_of)


def test_details_of_another_snapshot_are_not_used() -> None:
    store = MemoryStore()
    write(store, "active", revision="0" * 32)
    with pytest.raises(NoDetails, match="belong to another snapshot"):
        with_details(store, NAME, state_of)


def test_what_is_replaced_meanwhile_is_read_once_more() -> None:
    store = MemoryStore()
    write(store, "active")
    states = []

    def read_twice(tree: StoredTree, head: Head) -> list[str | None]:
        states.append(state_of(tree, head))
        if len(states) == 1:
            write(store, "complete")
        children = tree.children("/s")
        return [state_of(tree, head), *(child.name for child in children)]

    assert with_details(store, NAME, read_twice) == ["complete", "t"]
    assert states == ["active", "complete"]


def test_damaged_details() -> None:
    store = MemoryStore()
    write(store, "active")
    found = store.memory.details[NAME]
    store.memory.details[NAME] = found._replace(fields={"/": b"damaged"})
    with pytest.raises(NoDetails, match="damaged"):
        with_details(store, NAME, state_of)


def test_only_those_of_the_snapshot_that_was_read_before() -> None:
    store = MemoryStore()
    write(store, "active")
    revision = with_details(store, NAME, lambda _, head: head.revision)
    assert with_details(store, NAME, state_of, revision) == "active"
    write(store, "complete")
    with pytest.raises(OtherSnapshot, match=r"o/r: a run has replaced the snapshot in .*: try again"):
        with_details(store, NAME, state_of, revision)


def test_kinds_that_a_task_needs() -> None:
    store = MemoryStore()
    write(store, "active")
    with_details(store, NAME, lambda tree, _: require(tree, NAME, ["labels"], "a test"))
