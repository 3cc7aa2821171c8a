"""The misses of deadlines in a health record, which a run reports on standard error: each at least once.

A miss is reported after its record was written, and the record says so after it was reported. So the next run
reports what a run that was killed in between did not.
"""

from __future__ import annotations

from dataclasses import replace

from watchman_cli.deadlines import new_misses, unreported, with_all_reported
from watchman_cli.health import Health


def lines_of(record: Health) -> list[str]:
    """Return a line for each deadline with a miss that was not reported yet."""
    states = unreported(record.deadlines or ())
    return [f"deadline missed: {each.deadline}; {each.why_missed}" for each in states]


def as_reported(record: Health) -> Health:
    """Return the record once all of its misses are reported."""
    return replace(record, deadlines=with_all_reported(record.deadlines or ()))


def missed_since(before: Health, record: Health) -> tuple[str, ...]:
    """Return the deadlines that were missed between two records, in words."""
    return tuple(each.deadline for each in new_misses(before.deadlines or (), record.deadlines or ()))
