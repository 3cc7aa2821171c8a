"""The outcome of a run in words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.collect.scenarios import READ_TIME, reading, server
from watchman_cli.collect import Outcome, Result
from watchman_cli.errors import ServerError, StoreError
from watchman_cli.health import Mode
from watchman_cli.output.outcome import describe_failure, describe_run, describe_success

SERVER = server()
REFUSED = ServerError("refused", "connection refused")


def outcome(result: Result, **fields: Any) -> Outcome:
    return Outcome(SERVER, result, 1.234, **fields)


def test_a_failure_names_the_server_and_the_snapshot_that_is_kept() -> None:
    assert describe_failure(outcome("failed", attempts=1, error=REFUSED, kept=READ_TIME)) == (
        "connection refused (h:3141); the snapshot of 2026-11-28 12:00:04 UTC is kept"
    )


def test_a_failure_without_a_snapshot() -> None:
    assert describe_failure(outcome("failed", attempts=1, error=REFUSED, kept="")) == (
        "connection refused (h:3141); no snapshot is kept"
    )


def test_nothing_is_said_of_a_store_that_was_not_asked() -> None:
    assert describe_failure(outcome("failed", attempts=1, error=REFUSED)) == "connection refused (h:3141)"


def test_a_failure_that_names_the_server_does_not_name_it_twice() -> None:
    error = ServerError("no answer", "no answer from h:3141 within 20 s")
    assert describe_failure(outcome("failed", attempts=1, error=error, kept="")) == (
        "no answer from h:3141 within 20 s; no snapshot is kept"
    )


def test_a_failure_after_retries_has_their_number() -> None:
    assert describe_failure(outcome("failed", attempts=2, error=REFUSED, kept="")) == (
        "connection refused (h:3141) (tried 2 times); no snapshot is kept"
    )


def test_a_failure_of_the_store() -> None:
    error = StoreError("redis://h: connection refused")
    assert describe_failure(outcome("lost", attempts=2, error=error, kept=READ_TIME)) == (
        "redis://h: connection refused; it was not read"
    )
    assert describe_failure(outcome("lost", attempts=1, error=error, reading=reading())) == (
        "redis://h: connection refused; its snapshot was read, and is lost"
    )


@pytest.mark.parametrize(
    ("mode", "words"),
    [("unchanged", "nothing changed"), ("incremental", "incremental sync"), ("full", "full sync")],
)
def test_a_success_says_how_the_server_was_read(mode: Mode, words: str) -> None:
    found = describe_success(outcome("written", reading=reading(mode), requests=1))
    assert found == f"2 nodes, {words}, 1 request, 1.23 s"


def test_a_success_has_its_reason_and_its_verification() -> None:
    found = outcome("written", reading=reading(reason="no earlier run"), requests=2, verification="equal")
    assert describe_success(found) == (
        "2 nodes, full sync (no earlier run), verification: equal, 2 requests, 1.23 s"
    )


def test_a_server_that_was_skipped() -> None:
    assert describe_success(outcome("skipped")) == "skipped: another run is reading it"
    skipped = outcome("skipped", skipped="another run has taken over", reading=reading())
    assert describe_success(skipped) == "skipped: another run has taken over"


def test_a_server_without_a_reading() -> None:
    assert describe_success(outcome("interrupted", reading=reading())) == "interrupted"
    assert describe_success(outcome("written")) == "written"


def test_the_run_has_the_number_of_servers_for_each_result_and_mode() -> None:
    outcomes = [
        outcome("written", reading=reading("full")),
        outcome("written", reading=reading("unchanged")),
        outcome("written", reading=reading("unchanged")),
        outcome("written", reading=reading("incremental")),
        outcome("skipped"),
        outcome("failed", error=REFUSED),
        outcome("lost", error=StoreError("x")),
        outcome("interrupted"),
    ]
    assert describe_run(outcomes, 2.345) == (
        "4 written, 1 skipped, 1 failed, 1 lost in 2.35 s"
        " (2 unchanged, 1 synced incrementally, 1 synced in full)"
    )
    assert describe_run([outcome("failed", error=REFUSED)], 0.5) == "1 failed in 0.50 s"


def test_failures_that_earlier_runs_reported_are_counted_apart() -> None:
    outcomes = [
        outcome("failed", error=REFUSED, told="withheld"),
        outcome("failed", error=REFUSED, told="withheld"),
        outcome("failed", error=REFUSED, told="now"),
    ]
    assert describe_run(outcomes, 0.5) == "3 failed in 0.50 s; 2 not reported again, see -v"
    assert describe_run(outcomes, 0.5, always=True) == "3 failed in 0.50 s"
