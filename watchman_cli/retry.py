"""Trying again, as tenacity does it, which is imported only when a first try has failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def retry(
    action: Callable[[], T],
    worth_another: Callable[[BaseException], bool],
    how: Callable[[], Mapping[str, Any]],
) -> T:
    """What `action` returns, tried again while what it raises is `worth_another`.

    `how` gives the arguments of tenacity.Retrying; the first try counts among its attempts. Raises
    what the last try raised.
    """
    try:
        return action()
    except Exception as error:
        if not worth_another(error):
            raise
        failures = [error]

    from tenacity import Retrying, retry_if_exception

    def again() -> T:
        if failures:
            raise failures.pop()
        return action()

    return Retrying(retry=retry_if_exception(worth_another), reraise=True, **how())(again)
