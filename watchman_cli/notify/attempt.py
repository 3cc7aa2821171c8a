"""A delivery that a receiver did not accept, and its retries until a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

NOT_IN_TIME = "no answer in time"


class NotDelivered(Exception):
    """A receiver did not accept something; `transient` says whether another attempt may succeed."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


def deliver_until(deadline: float, stopped: threading.Event, func: Callable[[], None]) -> None:
    """Call `func`, and retry a transient failure until `deadline`, a time.monotonic(), or until `stopped`.

    Raises NotDelivered: the last one that says more than that the time was over, if there is one.
    """
    from watchman_cli import retry

    reasons: list[NotDelivered] = []

    def attempt() -> None:
        try:
            func()
        except NotDelivered as error:
            if str(error) != NOT_IN_TIME:
                reasons.append(error)
            raise

    def options() -> dict[str, Any]:
        from tenacity import RetryCallState, sleep_using_event, wait_random_exponential

        def is_over(state: RetryCallState) -> bool:
            return stopped.is_set() or time.monotonic() + state.upcoming_sleep > deadline

        return {
            "stop": is_over,
            "wait": wait_random_exponential(multiplier=0.1, max=0.5),
            "sleep": sleep_using_event(stopped),
        }

    try:
        retry.call(attempt, _is_transient, options)
    except NotDelivered as error:
        raise (reasons or [error])[-1] from error.__cause__


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, NotDelivered) and error.transient
