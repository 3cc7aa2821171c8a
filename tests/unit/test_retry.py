"""Retries: only of transient errors, and the first call counts."""

from __future__ import annotations

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
