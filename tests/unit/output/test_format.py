"""Ages, counts and statuses as text."""

from __future__ import annotations

import pytest

from watchman_cli.output.format import COLOURS, colourize, format_age, format_counts
from watchman_cli.status import NodeStatus


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "in the future"),
        (0, "0 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172799, "47 h"),
        (172800, "2 d"),
    ],
)
def test_age_in_its_largest_unit(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_counts_are_in_the_order_of_statuses() -> None:
    assert format_counts({"complete": 17, "aborted": 2, "queued": 0}, False) == "2 aborted, 17 complete"
    assert format_counts({}, False) == "no nodes"


def test_colour_is_the_statuss() -> None:
    assert colourize("x", "aborted", False) == "x"
    assert colourize("x", "aborted", True) == f"\x1b[38;5;{COLOURS[NodeStatus.aborted]}mx\x1b[0m"
    assert format_counts({"aborted": 2}, True) == colourize("2 aborted", "aborted", True)
