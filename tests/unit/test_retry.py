"""Retries: only of transient errors, and the first call counts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from watchman_cli import retry


class Transient(Exception):
    pass


class Calls:
    """A function that fails with these errors in turn, and then returns the number of its calls."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.number = list(errors), 0

    def __call__(self) -> int:
        self.number += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.number


def options() -> Mapping[str, Any]:
    from tenacity import stop_after_attempt, wait_none

    return {"stop": stop_after_attempt(3), "wait": wait_none()}


def call(calls: Calls) -> int:
    return retry.call(calls, lambda error: isinstance(error, Transient), options)


def test_a_call_that_succeeds_is_made_once() -> None:
    assert call(Calls()) == 1


def test_a_transient_error_is_retried() -> None:
    assert call(Calls(Transient())) == 2
    assert call(Calls(Transient(), Transient())) == 3


def test_the_first_call_counts_among_the_attempts() -> None:
    last = Transient("last")
    calls = Calls(Transient(), Transient(), last, Transient())
    with pytest.raises(Transient) as raised:
        call(calls)
    assert raised.value is last
    assert calls.number == 3


def test_another_error_is_not_retried() -> None:
    for calls in (Calls(ValueError()), Calls(Transient(), ValueError(), Transient())):
        number = len(calls.errors)
        with pytest.raises(ValueError, match=r"^$"):
            call(calls)
        assert calls.number == min(number, 2)


def backing_off(calls: Calls, attempts: int, seconds: float) -> tuple[list[str], BaseException | None]:
    """Return the errors that were told before a wait, none of which is waited for, and the last one."""
    told: list[str] = []
    stopped = threading.Event()
    stopped.set()
    try:
        retry.call(
            calls,
            lambda error: isinstance(error, Transient),
            lambda: retry.backing_off(attempts, seconds, stopped, lambda error: told.append(str(error))),
        )
    except Transient as error:
        return told, error
    return told, None


def test_each_retry_is_told_with_its_error() -> None:
    calls = Calls(Transient("a"), Transient("b"))
    assert backing_off(calls, 3, 3600) == (["a", "b"], None)
    last = Transient("b")
    assert backing_off(Calls(Transient("a"), last, Transient("c")), 2, 3600) == (["a"], last)


def test_no_retry_begins_after_the_time_is_over() -> None:
    only = Transient("a")
    calls = Calls(only)
    assert backing_off(calls, 3, 0) == ([], only)
    assert calls.number == 1
