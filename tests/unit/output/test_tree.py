"""What `show` prints of a node, and which nodes it shows."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from watchman_cli.beside import Shown
from watchman_cli.details.attributes import Label, Meter
from watchman_cli.output.tree import ASCII, LABEL, TreeFilter, describe_shown, tree
from watchman_cli.snapshot import Snapshot, StatusRecord

SNAPSHOT = Snapshot(
    datetime(2026, 11, 24, 12, 10, tzinfo=timezone.utc),
    "RUNNING",
    [
        StatusRecord("/", "active"),
        StatusRecord("/s", "active", "2026-11-24T10:00:00+00:00"),
        StatusRecord("/s/long", "active", "2026-11-24T10:00:00+00:00", ("late", "zombie")),
        StatusRecord("/s/short", "active", "2026-11-24T12:09:18+00:00"),
        StatusRecord("/s/waits", "queued", None, ("late",)),
        StatusRecord("/s/ahead", "active", "2026-11-24T12:11:00+00:00"),
        StatusRecord("/s/no_day", "active", "2026-02-31T12:11:00+00:00"),
    ],
)


def shown(**wanted: object) -> list[str]:
    return [line.lstrip("├└─│ ") for line in tree(SNAPSHOT, TreeFilter(**wanted), False)]  # type: ignore[arg-type]


def test_a_tree_in_ascii() -> None:
    nodes = [StatusRecord(path, "queued") for path in ("/", "/s", "/s/f", "/s/f/a", "/s/t", "/u")]
    found = tree(Snapshot(SNAPSHOT.collected_time, "RUNNING", nodes), TreeFilter(), False, lines=ASCII)
    assert [line.removesuffix("  queued") for line in found] == [
        "/",
        "|-- s",
        "|   |-- f",
        "|   |   `-- a",
        "|   `-- t",
        "`-- u",
    ]


def test_durations_and_flags() -> None:
    assert shown() == [
        "/  active",
        "s  active for 2 h 10 min",
        "long  active for 2 h 10 min, late, zombie",
        "short  active for less than a minute",
        "waits  queued, late",
        "ahead  active for less than a minute",
        "no_day  active",
    ]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"flags": {"late"}}, ["long", "waits"]),
        ({"flags": {"zombie", "killed"}}, ["long"]),
        ({"flags": {"late"}, "statuses": {"queued"}}, ["waits"]),
        ({"longer_than": 42.0, "path": "/s"}, ["long", "short"]),
        ({"longer_than": 43.0, "path": "/s"}, ["long"]),
        ({"longer_than": 7801.0, "path": "/s"}, []),
    ],
)
def test_only_matching_nodes_are_shown(wanted: dict[str, object], names: list[str]) -> None:
    found = [line.split()[0] for line in shown(**wanted)]
    assert [name for name in found if name not in ("/", "s", "/s")] == names


def test_what_is_beside_a_node() -> None:
    shown = Shown([Label("info", "step 5\nof 9"), Label("x", "y" * 500)], [Meter("progress", 0, 100, 90, 40)])
    words = describe_shown(shown)
    assert words == f"info: step 5 of 9; x: {'y' * (LABEL - 3)}...; progress 40 of 100"
    lines = list(tree(SNAPSHOT, TreeFilter(), False, {"/s/waits": "info: \x1b[31mred"}))
    assert lines[4] == "   ├─ waits  queued, late  info: ?[31mred"
    assert lines[3] == "   ├─ short  active for less than a minute"
