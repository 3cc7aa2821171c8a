"""What `show` prints of a node, and which nodes it shows."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from watchman_cli.duration import format_duration, format_lasting, parse_duration
from watchman_cli.output.tree import TreeFilter, tree
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


def test_how_long_and_which_flags() -> None:
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
def test_only_what_matches_is_shown(wanted: dict[str, object], names: list[str]) -> None:
    found = [line.split()[0] for line in shown(**wanted)]
    assert [name for name in found if name not in ("/", "s", "/s")] == names


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("3m", 180), ("2h", 7200), ("1d", 86400), ("1h30m", 5400), ("1.5h", 5400), ("45", 45)],
)
def test_a_time_span_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2 h", "-1h", "1w", "1h30", "inf", "nan", "1e3", "٣m"])
def test_what_is_no_time_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (7800, "2 h 10 min"),
        (7201, "2 h"), (97200, "1 d 3 h"), (86400 + 120, "1 d"),
    ],
)  # fmt: skip
def test_a_time_span_is_written(seconds: float, text: str) -> None:
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
def test_how_long_a_status_lasts_has_the_grain_of_a_calendar(seconds: float, text: str) -> None:
    assert format_lasting(seconds) == f"for {text}"
