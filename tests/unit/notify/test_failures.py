"""A receiver's failure is reported as it begins and as it ends."""

from __future__ import annotations

import pytest

from tests.unit.causes.examples import text
from watchman_cli.notify.failures import ReceiverFailure, after_run, decode, encode

NAME = "webhook http://h:1"


def test_failure_and_its_end_are_reported_once() -> None:
    first, lines = after_run({}, {NAME: "connection refused"}, [NAME], text())
    assert lines == [f"notify: {NAME}: connection refused; each run tries again"]
    second, lines = after_run(first, {NAME: "HTTP 503"}, [NAME], text(60))
    assert lines == []
    assert second == {NAME: ReceiverFailure(text(), 2, "HTTP 503")}
    over, lines = after_run(second, {NAME: None}, [NAME], text(120))
    assert lines == [
        f"notify: {NAME}: recovered after 2 failed runs, since 2026-11-28 12:00:00 UTC (HTTP 503)"
    ]
    assert over == {}
    assert after_run(over, {NAME: None}, [NAME], text(180)) == ({}, [])


def test_receiver_that_was_not_tried_stays_as_it_is() -> None:
    failures = {NAME: ReceiverFailure(text(), 1, "HTTP 503")}
    assert after_run(failures, {"ping http://h": None}, [NAME], text(60)) == (failures, [])


def test_receiver_that_is_no_longer_configured_is_forgotten() -> None:
    failures = {NAME: ReceiverFailure(text(), 1, "HTTP 503")}
    assert after_run(failures, {}, [], text(60)) == ({}, [])


def test_failures_are_read_back() -> None:
    failures = {NAME: ReceiverFailure(text(), 1, "HTTP 503")}
    assert decode(encode(failures)) == failures
    assert decode(None) == {}


@pytest.mark.parametrize(
    "value", [b"{", b"[]", b"3", b'{"a": 1}', b'{"a": {"since": 1, "runs": 1, "why": ""}}']
)
def test_invalid_value_counts_as_empty(value: bytes) -> None:
    assert decode(value) == {}
