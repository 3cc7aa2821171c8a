"""Retries by tenacity, which is imported only after a first attempt has failed."""

from __future__ import annotations

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
