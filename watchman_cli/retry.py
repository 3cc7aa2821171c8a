"""Retries by tenacity, which is imported only after a first attempt has failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def call(
    func: Callable[[], T],
    is_transient: Callable[[BaseException], bool],
    options: Callable[[], Mapping[str, Any]],
) -> T:
    """Return the result of `func`, and retry the call if its error is transient.

    `options` returns the arguments of tenacity.Retrying; the first call counts among its attempts. Raises the
    last call's error.
    """
    try:
        return func()
    except Exception as error:
        if not is_transient(error):
            raise
        failures = [error]

    from tenacity import Retrying, retry_if_exception

    def again() -> T:
        if failures:
            raise failures.pop()
        return func()

    return Retrying(retry=retry_if_exception(is_transient), reraise=True, **options())(again)


def backing_off(
    attempts: int, seconds: float, stopped: threading.Event, on_retry: Callable[[BaseException | None], None]
) -> Mapping[str, Any]:
    """Return the arguments of tenacity.Retrying for a few attempts, with growing waits between them.

    No retry begins after `seconds`, and `stopped` ends a wait. `on_retry` is called with the error before
    each wait.
    """
    from tenacity import (
        RetryCallState,
        sleep_using_event,
        stop_after_attempt,
        stop_before_delay,
        wait_exponential,
        wait_random,
    )

    def before_sleep(state: RetryCallState) -> None:
        on_retry(state.outcome.exception() if state.outcome else None)

    return {
        "stop": stop_after_attempt(attempts) | stop_before_delay(seconds),
        "wait": wait_exponential(multiplier=0.25, max=5) + wait_random(0, 0.5),
        "sleep": sleep_using_event(stopped),
        "before_sleep": before_sleep,
    }
