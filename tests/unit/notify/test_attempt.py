"""Retries of a delivery."""

from __future__ import annotations

import threading
import time

import pytest

from watchman_cli.notify.attempt import NOT_IN_TIME, NotDelivered, deliver_until


class Calls:
    """Fails with some errors, one after the other."""

    def __init__(self, *errors: NotDelivered) -> None:
        self.errors, self.number = list(errors), 0

    def __call__(self) -> None:
        self.number += 1
        if self.errors:
            raise self.errors.pop(0)


BUSY = NotDelivered("HTTP 503", transient=True)
REFUSED = NotDelivered("HTTP 400")


def test_transient_failure_is_retried() -> None:
    calls = Calls(BUSY, BUSY)
    deliver_until(time.monotonic() + 30, threading.Event(), calls)
    assert calls.number == 3


def test_other_failure_is_not() -> None:
    calls = Calls(REFUSED)
    with pytest.raises(NotDelivered, match="HTTP 400"):
        deliver_until(time.monotonic() + 30, threading.Event(), calls)
    assert calls.number == 1


def test_no_attempt_begins_after_the_deadline() -> None:
    calls = Calls(BUSY, BUSY)
    with pytest.raises(NotDelivered, match="HTTP 503"):
        deliver_until(time.monotonic() - 1, threading.Event(), calls)
    assert calls.number == 1


def test_no_attempt_begins_after_the_end() -> None:
    calls, stopped = Calls(BUSY, BUSY), threading.Event()
    stopped.set()
    with pytest.raises(NotDelivered, match="HTTP 503"):
        deliver_until(time.monotonic() + 30, stopped, calls)
    assert calls.number == 1


def test_the_reason_of_an_attempt_stays_if_the_time_is_over_in_the_next_one() -> None:
    late = NotDelivered(NOT_IN_TIME)
    with pytest.raises(NotDelivered, match="HTTP 503"):
        deliver_until(time.monotonic() + 30, threading.Event(), Calls(BUSY, late))
    with pytest.raises(NotDelivered, match="HTTP 400"):
        deliver_until(time.monotonic() + 30, threading.Event(), Calls(BUSY, REFUSED))
    with pytest.raises(NotDelivered, match=NOT_IN_TIME):
        deliver_until(time.monotonic() + 30, threading.Event(), Calls(late))
