"""One list of node statuses: the enumeration's, which schemas and outputs follow."""

from __future__ import annotations

from watchman_cli import schema
from watchman_cli.output.format import COLOURS, format_counts
from watchman_cli.status import NodeStatus


def test_the_snapshots_schema_has_the_same_statuses() -> None:
    assert set(schema.load("snapshot")["$defs"]["status"]["enum"]) == {each.value for each in NodeStatus}


def test_each_status_has_a_colour_and_is_counted() -> None:
    assert set(COLOURS) == set(NodeStatus)
    counts = {each.value: 1 for each in NodeStatus}
    assert format_counts(counts, False) == ", ".join(f"1 {each.value}" for each in NodeStatus)
