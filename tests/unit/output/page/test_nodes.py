"""The nodes of a page: one tree of all servers, and what of it is shown from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import pytest

from watchman_cli import Snapshot, StatusRecord
from watchman_cli.output.page.nodes import STATUSES, Nodes, rows

NOW = datetime(2026, 11, 26, tzinfo=timezone.utc)


def nodes_of(*records: tuple[str, str], server: str = "o/r") -> Nodes:
    nodes = Nodes()
    nodes.add(server, Snapshot(NOW, "RUNNING", [StatusRecord(*each) for each in (("/", "queued"), *records)]))
    return nodes


def named(nodes: Nodes, indices: Sequence[int]) -> list[str]:
    return [nodes.names[index] for index in indices]


def test_a_tree_in_flat_lists() -> None:
    nodes = nodes_of(("/s", "active"), ("/s/f", "active"), ("/s/f/t", "active"), ("/u", "complete"))
    start = nodes.add("o/second", Snapshot(NOW, None, [StatusRecord("/", "unknown")]))
    assert start == 5
    assert nodes.names == ["o/r", "s", "f", "t", "u", "o/second"]
    assert nodes.depths == [0, 1, 2, 3, 1, 0]
    assert nodes.parents == [-1, 0, 1, 2, 0, -1]
    assert nodes.ends == [5, 4, 4, 4, 5, 6]
    assert [STATUSES[int(code)] for code in nodes.statuses] == [each.status for each in nodes.records]
    assert list(nodes.children(0)) == [1, 4]
    assert nodes.counts((1, 5)) == "3 active, 1 complete"


def test_node_without_a_parent_is_below_the_nearest_node() -> None:
    nodes = nodes_of(("/s", "active"), ("/s/f/t", "active"), ("/sx", "active"), ("/s/late", "active"))
    assert nodes.names == ["o/r", "s", "f/t", "sx", "s/late"]
    assert nodes.depths == [0, 1, 2, 1, 1]


def test_names_are_printable() -> None:
    assert nodes_of(("/s\u202e\u2028", "active")).names[1] == "s??"


def families(count: int, status: str) -> list[tuple[str, str]]:
    return [(f"/s/{status}{number:03}", status) for number in range(count)]


@pytest.mark.parametrize("limit", [1, 2, 5, 20, 1000])
def test_nodes_that_need_an_operator_are_shown_first(limit: int) -> None:
    records = [("/s", "aborted"), *families(50, "complete"), *families(50, "active"), *families(5, "aborted")]
    nodes = nodes_of(*records)
    shown = nodes.choose(limit)
    assert len(shown) <= limit
    assert shown == sorted(set(shown))
    assert all(nodes.parents[index] in {-1, *shown} for index in shown)
    statuses = [STATUSES[int(nodes.statuses[index])] for index in shown]
    assert statuses.count("aborted") == min(6, limit - 1)
    assert statuses.count("active") == min(50, max(0, limit - 7))
    assert statuses.count("complete") == 0


def test_node_with_a_flag_is_shown_for_any_status() -> None:
    nodes = Nodes()
    records = [StatusRecord(path, status) for path, status in (("/", "queued"), *families(50, "complete"))]
    records.insert(1, StatusRecord("/s", "complete"))
    records[30] = records[30]._replace(flags=("zombie",))
    nodes.add("o/r", Snapshot(NOW, None, records))
    assert named(nodes, nodes.choose(500)) == ["o/r", "s", "complete028"]


def test_a_few_siblings_are_shown_too() -> None:
    nodes = nodes_of(("/s", "aborted"), ("/s/t", "aborted"), *families(12, "complete"))
    assert len(nodes.choose(500)) == 15
    assert len(nodes_of(("/s", "aborted"), ("/s/t", "aborted"), *families(13, "complete")).choose(500)) == 3


def test_rows_are_balanced_and_count_hidden_nodes() -> None:
    nodes = nodes_of(
        ("/s", "aborted"),
        ("/s/t", "aborted"),
        *families(13, "complete"),
        ("/u", "queued"),
        ("/u/t", "queued"),
    )
    found = list(rows(nodes, nodes.choose(500)))
    assert [(nodes.names[row.index], row.rest, row.folded, row.closed) for row in found] == [
        ("o/r", False, "2 aborted, 2 queued, 13 complete", 0),
        ("s", False, "1 aborted, 13 complete", 0),
        ("t", False, "", 0),
        ("s", True, "13 complete", 1),
        ("u", False, "1 queued", 1),
    ]
    assert sum(row.opened for row in found) == sum(row.closed for row in found)


def test_no_servers_have_no_rows() -> None:
    assert Nodes().choose(500) == []
    assert list(rows(Nodes(), [])) == []
