"""What a failure at Redis means: its message for an operator, and whether another attempt may succeed."""

from __future__ import annotations

import ssl

from redis import exceptions

from watchman_cli.errors import StoreError
from watchman_cli.text import printable

# What Redis answers while a script runs, a slot moves, a failover or a synchronization goes on.
_PASSING = (
    exceptions.TryAgainError,
    exceptions.AskError,  # MovedError is one
    exceptions.ClusterDownError,  # MasterDownError is one
)
_PASSING_CODES = ("BUSY ", "NOREPLICAS ", "TRYAGAIN ", "CLUSTERDOWN ", "MASTERDOWN ", "LOADING ")


class RedisTooOld(exceptions.RedisError):
    """Redis does not know a command that `changes: true` needs."""


class KeepsChanging(exceptions.RedisError):
    """Another client changes a key again and again, which names it."""


_REFUSALS = (
    (exceptions.AuthenticationError, "refused the user or password"),
    (exceptions.AuthorizationError, "refused the user or password"),
    (exceptions.ReadOnlyError, "it is a read-only replica"),
    (exceptions.OutOfMemoryError, "it is out of memory (maxmemory)"),
    (RedisTooOld, "it is older than Redis 6.2, which `changes: true` needs"),
)


def describe(error: Exception, waited: str, *, follows_master: bool) -> tuple[str, bool]:
    """Return what `error` means, and whether it passes by itself.

    `waited` says for how long an answer was waited for. With `follows_master`, a replica is asked only until
    its master is known.
    """
    if isinstance(error, exceptions.NoPermissionError) or "NOPERM" in str(error):
        return f"the user may not do this there ({_reason(error)})", False
    if isinstance(error, KeepsChanging):
        return f"another client changes {printable(str(error))} all the time, and no run has its lock", False
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
    return (f"not now: {reason}" if passing else f"refused: {reason}"), passing


def unwrapped(error: Exception) -> Exception:
    """Return why a connection was lost while it watched keys; any other error as it is.

    redis-py raises WatchError for it, as for a race: only the error that it was handling tells them apart.
    """
    cause = error.__context__ if isinstance(error, exceptions.WatchError) else None
    lost = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)
    return cause if isinstance(cause, lost) else error


def is_race(error: exceptions.WatchError) -> bool:
    """Return whether a watched key was changed by another writer."""
    return unwrapped(error) is error


def is_timeout(error: BaseException | None) -> bool:
    """Return whether `error` is that an answer did not come."""
    return isinstance(error, (exceptions.TimeoutError, TimeoutError))


def is_ask(answer: object) -> bool:
    """Return whether an answer is that a key has moved, to a node that is just taking its slot over."""
    return isinstance(answer, exceptions.AskError) and not isinstance(answer, exceptions.MovedError)


def is_wrong_type(answer: object) -> bool:
    """Return whether an answer is that the key holds another type than a string."""
    return isinstance(answer, exceptions.ResponseError) and "WRONGTYPE" in str(answer)


def no_master(service: str) -> StoreError:
    """Return the error that no Sentinel knows `service`."""
    return StoreError(f"the Sentinels know no service {printable(service)}")


def _connection_failure(error: Exception) -> tuple[str, bool]:
    cause = error if isinstance(error, OSError) else error.__cause__ or error.__context__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}", False
    reason = getattr(cause, "strerror", None) or _reason(error) or "the connection was lost"
    return f"cannot be reached: {reason}", True


def _reason(error: Exception) -> str:
    """Return Redis's own words, without the command that redis-py puts before them."""
    text = str(error).rpartition("of pipeline caused error: ")[2]
    code = type(error).__name__.removesuffix("Error") if isinstance(error, _PASSING) else ""
    return printable(f"{code}: {text}" if code else text)[:200].rstrip(".")
