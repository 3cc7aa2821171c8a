"""Decide whether a server is skipped, because its last reading began less than `min_interval` ago.

The health record says when the last reading began, and it is read and written under the server's lease. So of
all the runs of all hosts, one reads the server in an interval. The beginning is written before the server is
asked: a run that is killed then costs one interval, and no second reading within it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from watchman_cli.health.record import Health, encode_repaired
from watchman_cli.snapshot import parse_time


def why_skipped(previous: Health, min_interval: float, now: datetime) -> str | None:
    """Return why a server is skipped `now`, by its stored record; None if it must be read.

    `min_interval` is in seconds. A beginning further in the future than that is ignored: a clock was ahead.
    """
    began = began_of(previous)
    if began is None:
        return None
    ago = (now - began).total_seconds()
    if not -min_interval < ago < min_interval:
        return None
    return f"its last reading began {max(ago, 0):.1f} s ago, and min_interval is {min_interval:g} s"


def began_of(previous: Health) -> datetime | None:
    """Return when the last reading began, or None; without that, it is the end less its seconds."""
    if previous.began_time:
        return parse_time(previous.began_time)
    if not previous.checked_time:
        return None
    return parse_time(previous.checked_time) - timedelta(seconds=previous.seconds)


def beginning(previous: Health, began: datetime) -> bytes:
    """Return the record before a reading: the previous one, with the time at which this reading begins."""
    time = began.isoformat(timespec="microseconds")
    marked = previous._replace(began_time=time, checked_time=previous.checked_time or time)
    return encode_repaired(marked)
