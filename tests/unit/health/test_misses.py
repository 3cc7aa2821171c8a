"""The missed deadlines of a health record, and their report."""

from __future__ import annotations

from typing import Any

from tests.unit.collect.scenarios import record, state
from watchman_cli import health
from watchman_cli.health import Health
from watchman_cli.health.misses import describe_misses, new_misses, with_misses_reported


def of(*states: dict[str, Any]) -> Health:
    return health.salvage(record(deadlines=list(states) or None))


def test_new_misses() -> None:
    before = of(state("/a", misses=1), state("/b", misses=1))
    after = of(state("/a", misses=2), state("/b", misses=1), state("/c", misses=1))
    assert new_misses(before, after) == ("/a", "/c")
    assert new_misses(before, of()) == ()


def test_a_miss_that_was_not_reported_has_a_line() -> None:
    found = of(state("/a", misses=2, reported=1), state("/b", misses=2, reported=2))
    (line,) = describe_misses(found)
    assert line == f"deadline missed: /a; {found.deadlines[0].why_missed}"
    assert describe_misses(of()) == ()


def test_after_the_report_each_miss_is_acknowledged() -> None:
    before = of(state("/a", misses=2, reported=1), state("/b", misses=3))
    found = with_misses_reported(before)
    assert [each.reported for each in found.deadlines] == [2, 3]
    assert found._replace(deadlines=()) == before._replace(deadlines=())
    assert describe_misses(found) == ()
    assert with_misses_reported(of()) == of()
