"""Failures of Redis: the message for an operator, and whether a retry may succeed."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from redis import exceptions

from watchman_cli.errors import StoreError
from watchman_cli.text import printable

# The answers of Redis while a script runs, a slot moves, or a failover or synchronization is in progress.
_PASSING = (
    exceptions.TryAgainError,
    exceptions.AskError,  # MovedError is one
    exceptions.ClusterDownError,  # MasterDownError is one
)
_PASSING_CODES = ("BUSY ", "NOREPLICAS ", "TRYAGAIN ", "CLUSTERDOWN ", "MASTERDOWN ", "LOADING ")


class RedisTooOld(exceptions.RedisError):
    """Redis does not know a command that `changes: true` needs."""


class KeepsChanging(exceptions.RedisError):
    """Another client changes a key again and again; the message is the key."""


_REFUSALS = (
    (exceptions.AuthenticationError, "refused the user or password"),
    (exceptions.AuthorizationError, "refused the user or password"),
    (exceptions.ReadOnlyError, "it is a read-only replica"),
    (exceptions.OutOfMemoryError, "it is out of memory (maxmemory)"),
    (RedisTooOld, "it is older than Redis 6.2, which `changes: true` needs"),
)


def describe(error: Exception, waited: str, *, follows_master: bool) -> tuple[str, bool]:
    """Return the message of `error`, and whether a retry may succeed.

    `waited` is the message of a timeout. With `follows_master`, another Redis may be the master soon, so a
    read-only replica is a passing failure.
    """
    if isinstance(error, exceptions.NoPermissionError) or "NOPERM" in str(error):
        return f"the user lacks a permission ({_reason(error)})", False
    if isinstance(error, KeepsChanging):
        return f"another client keeps changing {printable(str(error))}, and no run has its lock", False
    for kind, message in _REFUSALS:
        if isinstance(error, kind):
            return message, kind is exceptions.ReadOnlyError and follows_master
    if isinstance(error, exceptions.BusyLoadingError):
        return "still loading its data set", True
    if isinstance(error, (exceptions.TimeoutError, TimeoutError)):
        return waited, True
    if isinstance(error, (exceptions.ConnectionError, OSError)):
        return _connection_failure(error)
    reason = _reason(error)
    passing = isinstance(error, _PASSING) or reason.startswith(_PASSING_CODES)
    return (f"temporarily unavailable: {reason}" if passing else f"refused: {reason}"), passing


def unwrapped(error: Exception) -> Exception:
    """Return the reason why a connection was lost while it watched keys; return any other error as it is.

    redis-py raises WatchError for a lost connection as for a race: only the error's context differs.
    """
    cause = error.__context__ if isinstance(error, exceptions.WatchError) else None
    lost = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)
    return cause if isinstance(cause, lost) else error


def is_race(error: exceptions.WatchError) -> bool:
    """Return whether a watched key was changed by another writer."""
    return unwrapped(error) is error


def is_timeout(error: BaseException | None) -> bool:
    """Return whether `error` is a timeout."""
    return isinstance(error, (exceptions.TimeoutError, TimeoutError))


def is_ask(answer: object) -> bool:
    """Return whether an answer says that a key has moved to a node that is just taking over its slot."""
    return isinstance(answer, exceptions.AskError) and not isinstance(answer, exceptions.MovedError)


def is_wrong_type(answer: object) -> bool:
    """Return whether an answer says that the key has another type than a string."""
    return isinstance(answer, exceptions.ResponseError) and "WRONGTYPE" in str(answer)


def value_or_none(answer: Any) -> Any:
    """Return an answer, or None if the key has another type: the next commit replaces it."""
    if isinstance(answer, Exception):
        if not is_wrong_type(answer):
            raise answer
        return None
    return answer


def get_or_none(get: Callable[[], Any]) -> Any:
    """Return the result of `get`, or None if the key has another type."""
    try:
        return get()
    except exceptions.ResponseError as error:
        return value_or_none(error)


def no_master(service: str) -> StoreError:
    """Return the error for a service that the Sentinels do not know."""
    return StoreError(f"the Sentinels do not know the service {printable(service)}")


def _connection_failure(error: Exception) -> tuple[str, bool]:
    cause = error if isinstance(error, OSError) else error.__cause__ or error.__context__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}", False
    reason = getattr(cause, "strerror", None) or _reason(error) or "the connection was lost"
    return f"cannot be reached: {reason}", True


def _reason(error: Exception) -> str:
    """Return Redis's own message, without the command that redis-py puts before it."""
    text = str(error).rpartition("of pipeline caused error: ")[2]
    code = type(error).__name__.removesuffix("Error") if isinstance(error, _PASSING) else ""
    return printable(f"{code}: {text}" if code else text)[:200].rstrip(".")
