"""Which server is skipped, because its last reading began less than min_interval ago."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from watchman_cli.health import Health, decode
from watchman_cli.health.interval import began_of, beginning, why_skipped

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=timezone.utc)


def at(seconds: float) -> str:
    """A time, so many seconds from now, ISO 8601."""
    return (NOW + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


@pytest.mark.parametrize(
    ("began", "skipped"),
    [(-50.001, False), (-50, False), (-49.999, True), (0, True), (2, True), (50, False), (3600, False)],
)
def test_a_reading_that_began_less_than_this_ago(began: float, skipped: bool) -> None:
    for ok in (True, False):  # a failed reading counts, too
        assert bool(why_skipped(Health(began_time=at(began), ok=ok), 50, NOW)) is skipped


def test_a_record_of_an_earlier_release() -> None:
    record = Health(checked_time=at(-45), seconds=4)
    assert began_of(record) == NOW - timedelta(seconds=49)
    assert why_skipped(record, 50, NOW) == "its last reading began 49.0 s ago, and min_interval is 50 s"
    assert why_skipped(record, 49, NOW) is None


def test_a_server_that_was_never_read() -> None:
    assert why_skipped(Health(), 50, NOW) is None


def test_the_beginning_changes_nothing_else() -> None:
    previous = Health(checked_time=at(-60), ok=True, seconds=1.5, nodes=7, collected_time=at(-61))
    marked = decode(beginning(previous, NOW))
    assert (marked.began_time, marked.checked_time, marked.nodes, marked.ok) == (at(0), at(-60), 7, True)


def test_the_beginning_of_the_first_reading() -> None:
    marked = decode(beginning(Health(), NOW))
    assert (marked.began_time, marked.checked_time, marked.ok) == (at(0), at(0), False)
    assert marked.summary == "its first reading has begun, and has not ended"
