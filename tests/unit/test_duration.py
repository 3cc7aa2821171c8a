"""Durations as a user writes them, and as they are shown."""

from __future__ import annotations

import pytest

from watchman_cli.duration import format_duration, format_lasting, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("3m", 180), ("2h", 7200), ("1d", 86400), ("1h30m", 5400), ("1.5h", 5400), ("45", 45)],
)
def test_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2 h", "-1h", "1w", "1h30", "inf", "nan", "1e3", "٣m", "٣"])
def test_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^invalid duration '{text}': use 90s, 3m, 2h, 1d or 1h30m$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (7800, "2 h 10 min"),
        (7201, "2 h"), (97200, "1 d 3 h"), (86400 + 120, "1 d"),
    ],
)  # fmt: skip
def test_duration_is_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "less than a minute"),
        (59.9, "less than a minute"),
        (60, "1 min"),
        (200, "3 min"),
        (7859, "2 h 10 min"),
    ],
)
def test_duration_of_a_status_is_in_minutes(seconds: float, text: str) -> None:
    assert format_lasting(seconds) == f"for {text}"
