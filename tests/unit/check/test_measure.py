"""The measures of a snapshot, and the nodes behind them."""

from __future__ import annotations

import pytest

from tests.support.stored_servers import IDLE, NOW, SUITE
from watchman_cli.check.measure import Measure, measure
from watchman_cli.snapshot import Snapshot, StatusRecord


def measured(records: list[StatusRecord], path: str = "/") -> dict[str, Measure]:
    return {each.name: each for each in measure(Snapshot(NOW, "RUNNING", records), path)}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/", (1, 1, 2, 7800)),
        ("/s/f", (1, 0, 1, 0)),
        ("/s/g", (0, 1, 0, 7800)),
        ("/s/g/runs_too", (0, 0, 0, 60)),
        ("/s/h", (0, 0, 1, 0)),
    ],
)
def test_values(path: str, values: tuple[float, ...]) -> None:
    found = measured(SUITE, path)
    assert tuple(each.value for each in found.values()) == values
    assert tuple(found) == ("aborted", "late", "queued", "active_for")


def test_nodes_have_their_values_the_longest_active_first() -> None:
    found = measured([*SUITE, StatusRecord("/s/x", "aborted")])
    assert [(node.path, value) for node, value in found["aborted"].nodes] == [("/s/f/t", 2), ("/s/x", 2)]
    assert [(node.path, value) for node, value in found["late"].nodes] == [("/s/g/runs", 1)]
    assert [(node.path, value) for node, value in found["active_for"].nodes] == [
        ("/s/g/runs", 7800),
        ("/s/g/runs_too", 60),
    ]
    assert found["queued"].nodes == ()


def test_longest_active_node_may_come_last() -> None:
    records = [
        StatusRecord("/s/brief", "active", "2026-11-24T12:09:00+00:00"),
        StatusRecord("/s/unknown", "active"),
        StatusRecord("/s/long", "active", "2026-11-24T12:00:00+00:00"),
    ]
    found = measured(records)["active_for"]
    assert (found.value, [node.path for node, _ in found.nodes]) == (600, ["/s/long", "/s/brief"])


def test_node_that_becomes_active_in_the_future_is_active_for_no_time() -> None:
    found = measured([StatusRecord("/s", "active", "2026-11-24T12:11:00+00:00")])["active_for"]
    assert (found.value, len(found.nodes)) == (0, 1)


def test_missing_node_has_no_measures() -> None:
    assert measured(IDLE, "/no") == {}
