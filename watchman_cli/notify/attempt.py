"""A delivery that a receiver did not accept, and its retries until a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class NotDelivered(Exception):
    """A receiver did not accept something; `transient` says whether another attempt may succeed."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


def deliver_until(deadline: float, stopped: threading.Event, func: Callable[[], None]) -> None:
    """Call `func`, and retry a transient failure until `deadline`, a time.monotonic(), or until `stopped`.

    Raises NotDelivered.
    """
    from watchman_cli import retry

    def options() -> dict[str, Any]:
        from tenacity import RetryCallState, sleep_using_event, wait_random_exponential

        def is_over(state: RetryCallState) -> bool:
            return stopped.is_set() or time.monotonic() + state.upcoming_sleep > deadline

        return {
            "stop": is_over,
            "wait": wait_random_exponential(multiplier=0.1, max=0.5),
            "sleep": sleep_using_event(stopped),
        }

    retry.call(func, _is_transient, options)


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, NotDelivered) and error.transient
