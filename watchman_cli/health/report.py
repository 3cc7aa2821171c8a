"""Decide when a server's failure is reported: as it begins, as another kind follows, and as it ends.

The health record says what was reported, so that one of all the runs that share a store reports it. As with a
missed deadline, the record says so after the report: if a run is killed in between, the next one reports.
"""

from __future__ import annotations

from watchman_cli.health.record import Health, ReportedFailure
from watchman_cli.snapshot import parse_time


def is_due(health: Health, report_after: int) -> bool:
    """Return whether the failure in a new record must be reported now, after so many failed runs."""
    if health.error is None or health.failures < report_after:
        return False
    reported = health.reported_failure
    return reported is None or health.error.kind not in reported.kinds


def while_failing(previous: Health) -> ReportedFailure | None:
    """Return what the record of a failed run keeps of the previous one."""
    return None if previous.ok else previous.reported_failure


def at_end(previous: Health) -> ReportedFailure | None:
    """Return the failure whose end the record of a good run must report, or None."""
    reported = previous.reported_failure
    if reported is None or previous.error is None:
        return reported
    since = previous.failing_since or reported.since
    return ReportedFailure(reported.kinds, since, previous.failures, previous.error.message)


def with_report(health: Health) -> Health:
    """Return the record after its failure was reported."""
    if health.error is None:
        return health
    kinds = health.reported_failure.kinds if health.reported_failure else ()
    since = health.failing_since or health.checked_time
    reported = ReportedFailure((*kinds, health.error.kind), since, health.failures, health.error.message)
    return health._replace(reported_failure=reported)


def describe_end(health: Health) -> str | None:
    """Return the line for a failure that ended, or None."""
    reported = health.reported_failure
    if not health.ok or reported is None:
        return None
    runs = "run" if reported.failures == 1 else "runs"
    since = f"{parse_time(reported.since):%Y-%m-%d %H:%M:%S} UTC"
    return f"recovered after {reported.failures} failed {runs}, since {since} ({reported.message})"
