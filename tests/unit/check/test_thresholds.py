"""The ranges of a measure, and the state of a value."""

from __future__ import annotations

import pytest

from tests.support.stored_servers import thresholds
from watchman_cli.check import DEFAULT_THRESHOLDS, MeasureName, Range, State


def test_defaults() -> None:
    assert (DEFAULT_THRESHOLDS.path, DEFAULT_THRESHOLDS.max_age) == ("/", 180)
    assert DEFAULT_THRESHOLDS.for_measure("aborted") == (None, Range(0, 0))
    assert DEFAULT_THRESHOLDS.for_measure("late") == (Range(0, 0), None)
    assert DEFAULT_THRESHOLDS.for_measure("queued") == (None, None)
    assert DEFAULT_THRESHOLDS.for_measure("active_for") == (None, None)


def test_any_own_range_replaces_both_defaults() -> None:
    given = thresholds(warning="aborted=3", critical="late=5")
    assert given.for_measure("aborted") == (Range(0, 3), None)
    assert given.for_measure("late") == (None, Range(0, 5))


@pytest.mark.parametrize(
    ("name", "value", "state"),
    [
        ("queued", 0, State.OK),
        ("queued", 5, State.OK),
        ("queued", 6, State.WARNING),
        ("queued", 9, State.WARNING),
        ("queued", 10, State.CRITICAL),
        ("aborted", 0, State.OK),
        ("aborted", 1, State.CRITICAL),
        ("late", 1, State.WARNING),
        ("active_for", 1e9, State.OK),
    ],
)
def test_state_of_a_value(name: MeasureName, value: float, state: State) -> None:
    assert thresholds("queued=5", "queued=9").judge(name, value) is state
