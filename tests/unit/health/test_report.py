"""A failure is reported as it begins, once for each kind, and as it ends."""

from __future__ import annotations

import pytest

from watchman_cli.errors import ErrorKind
from watchman_cli.health import Failure, Health, ReportedFailure, decode, encode
from watchman_cli.health.report import at_end, describe_end, is_due, while_failing, with_report

SINCE = "2026-11-24T22:53:40.123456+00:00"
REPORTED = ReportedFailure(("refused",), SINCE, 1, "connection refused")
FAILED = Health(
    checked_time=SINCE, failures=1, failing_since=SINCE, error=Failure("refused", "connection refused")
)


@pytest.mark.parametrize(
    ("report_after", "failures", "reported", "kind", "due"),
    [
        (1, 1, None, "refused", True),
        (1, 7, None, "refused", True),  # an earlier run was killed, or of an older version
        (1, 2, REPORTED, "refused", False),
        (1, 2, REPORTED, "tls", True),
        (1, 3, REPORTED._replace(kinds=("refused", "tls")), "refused", False),
        (3, 2, None, "refused", False),
        (3, 3, None, "refused", True),
        (3, 2, REPORTED, "tls", False),
    ],
)
def test_when_a_failure_is_due(
    report_after: int, failures: int, reported: ReportedFailure | None, kind: ErrorKind, due: bool
) -> None:
    error = Failure(kind, "in words")
    assert (
        is_due(FAILED._replace(failures=failures, reported_failure=reported, error=error), report_after)
        is due
    )


def test_success_is_never_due() -> None:
    assert not is_due(Health(checked_time=SINCE, ok=True), 1)


def test_record_says_which_kinds_were_reported() -> None:
    first = with_report(FAILED)
    assert first.reported_failure == REPORTED
    second = with_report(first._replace(failures=4, error=Failure("tls", "no TLS")))
    assert second.reported_failure == ReportedFailure(("refused", "tls"), SINCE, 4, "no TLS")
    assert decode(encode(second)) == second
    good = Health(checked_time=SINCE, ok=True)
    assert with_report(good) is good


def test_what_a_failed_run_keeps() -> None:
    assert while_failing(with_report(FAILED)) == REPORTED
    assert while_failing(Health(checked_time=SINCE, ok=True, reported_failure=REPORTED)) is None


def test_end_has_the_last_failure() -> None:
    last = with_report(FAILED)._replace(failures=12, error=Failure("refused", "connection refused by h:1"))
    ended = Health(checked_time=SINCE, ok=True, reported_failure=at_end(last))
    words = "since 2026-11-24 22:53:40 UTC (connection refused by h:1)"
    assert describe_end(ended) == f"recovered after 12 failed runs, {words}"
    assert at_end(ended) == ended.reported_failure, "its end was not reported yet"
    once = Health(checked_time=SINCE, ok=True, reported_failure=REPORTED)
    assert (describe_end(once) or "").startswith("recovered after 1 failed run, since")


def test_end_of_a_failure_that_was_not_reported() -> None:
    assert at_end(FAILED) is None
    assert describe_end(Health(checked_time=SINCE, ok=True)) is None
    assert describe_end(with_report(FAILED)) is None
