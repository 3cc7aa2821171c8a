"""Retries, as tenacity does them, which is imported only when a first attempt has failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def call(
    func: Callable[[], T],
    is_transient: Callable[[BaseException], bool],
    options: Callable[[], Mapping[str, Any]],
) -> T:
    """Return what `func` returns, called again while what it raises is transient.

    `options` gives the arguments of tenacity.Retrying; the first call counts among its attempts. Raises
    what the last call raised.
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
