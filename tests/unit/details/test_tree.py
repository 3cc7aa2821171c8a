"""Nodes that are read one by one from what is stored."""

from __future__ import annotations

import zlib

import pytest

from tests.unit.details.definitions import Kept, base_of, mementos
from tests.unit.details.test_fields import TREE
from watchman_cli.details.node import Tree
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import DetailsChanged
from watchman_cli.details.tree import DetailsDamaged, StoredTree


def test_nodes_come_back_in_their_order() -> None:
    tree: Tree = Kept(base_of(*TREE)).tree()
    assert [node.path for node in tree.children("/")] == ["/s", "/z"]
    assert [node.path for node in tree.children("/s/f")] == ["/s/f/t", "/s/f/u"]
    assert tree.children("/z") == []
    node = tree.node("/s/f/t/alias0")
    assert node
    assert (node.kind, node.status, dict(node.variables)) == ("alias", "queued", {"A": "a b"})


@pytest.mark.parametrize("path", ["/s/none", "/none/t", "/", "", "s", "server", "/s/f/t/", "//s"])
def test_a_path_of_no_node(path: str) -> None:
    assert Kept(base_of(*TREE)).tree().node(path) is None


def test_nothing_is_read_for_a_word_that_is_not_a_path() -> None:
    store = Kept(base_of(*TREE))
    assert store.tree().node("s") is None and store.reads == []


def test_only_the_fields_are_read_that_are_needed() -> None:
    store = Kept(base_of(*TREE))
    tree = store.tree()
    tree.node("/s/f/t")
    tree.node("/s/f/u")
    assert store.reads == [(["/s/f/", "/s/"], []), ([], ["/s/f/t", "/s/f/u"])]
    assert tree.node("/s/f/t/alias0")
    assert store.reads[2:] == [([], ["/s/f/t/alias0"])]
    tree.load()
    assert store.reads[3:] == [(None, None)]
    tree.children("/s")
    tree.children("/s/f/t")
    assert len(store.reads) == 4


def test_small_families_share_a_field_up_to_a_size() -> None:
    tasks = [f"task t{number}\nedit V '{'x' * 1000}'" for number in range(10)]
    families = [f"family f{number}\n" + "\n".join(tasks) + "\nendfamily" for number in range(10)]
    store = Kept(base_of("suite s", *families, "endsuite"))
    assert list(store.base.fields) == ["server", "/", "/s/", *(f"/s/f{number}/" for number in range(3, 10))]
    tree = store.tree()
    for number in range(10):
        assert [node.name for node in tree.children(f"/s/f{number}")] == [f"t{n}" for n in range(10)]


def test_of_two_nodes_with_one_path_the_first_is_found() -> None:
    twice = [
        "suite s", "task t", "alias alias0 # state:complete", "endalias", "alias alias0 # state:queued",
        "endalias", "endtask", "endsuite",
    ]  # fmt: skip
    node = Kept(base_of(*twice)).tree().node("/s/t/alias0")
    assert node
    assert node.state == "complete"


def test_what_was_replaced_meanwhile_is_not_joined() -> None:
    store = Kept(base_of(*TREE))
    tree = store.tree()
    assert tree.node("/s")
    store.change(mementos("/s/f/t", ("NodeStateMemento", {"state_": {"first": 1}})))
    with pytest.raises(DetailsChanged):
        tree.node("/s/f/t")
    found = store.tree().node("/s/f/t")
    assert found
    assert found.state == "complete"


def test_changes_that_were_lost_are_missed() -> None:
    """If only the first mapping is there, it is of another time."""
    store = Kept(base_of(*TREE))
    store.change(mementos("/s/f/t", ("NodeStateMemento", {"state_": {"first": 1}})))
    store.parts.clear()
    with pytest.raises(DetailsChanged):
        store.tree().node("/s/f/t")


@pytest.mark.parametrize(
    "value",
    [b"", b"no zlib", zlib.compress(b'{"/":""}')[:-3], zlib.compress(b"[]"), zlib.compress(b'{"/":1}')],
)
def test_a_damaged_field(value: bytes) -> None:
    store = Kept(base_of(*TREE))
    store.base.fields["/"] = value
    with pytest.raises(DetailsDamaged):
        store.tree().node("/s")


def test_a_damaged_change() -> None:
    store = Kept(base_of(*TREE))

    def read(parents: object, paths: object) -> object:
        found = store.read(parents, paths)  # type: ignore[arg-type]
        return found._replace(changed={"/s": b"no JSON"})

    with pytest.raises(DetailsDamaged):
        StoredTree(read, store.stamp).node("/s")  # type: ignore[arg-type]


def test_kinds_that_are_not_kept() -> None:
    lines = ("suite s", "task t", "endsuite")
    assert Kept(base_of(*lines)).tree().missing(["labels", "meters"]) == []
    policy = Policy(["labels"])
    store = Kept(base_of(*lines, policy=policy), policy)
    assert store.tree().missing(["meters", "labels"]) == ["meters"]
    store.base.fields.pop("server")
    assert store.tree().missing(["meters", "labels"]) == ["labels", "meters"]
