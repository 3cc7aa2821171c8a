"""Each failure of Redis: the message for an operator, and whether a retry may succeed."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from redis import exceptions

from watchman_cli.store.redis import errors
from watchman_cli.store.redis.errors import KeepsChanging, RedisTooOld, describe

WAITED = "no answer in 5 s"
REFUSED = "refused the user or password"


def lost(cause: BaseException) -> Exception:
    error = exceptions.ConnectionError("Error 104 while reading")
    error.__cause__ = cause
    return error


def untrusted() -> Exception:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "message", "transient"),
    [
        (exceptions.NoPermissionError("no permissions to run 'set'"),
         "the user lacks a permission (no permissions to run 'set')", False),
        (exceptions.ResponseError("EXECABORT NOPERM x."),
         "the user lacks a permission (EXECABORT NOPERM x)", False),
        (KeepsChanging("o/r\n"), "another client keeps changing o/r?, and no run has its lock", False),
        (exceptions.AuthenticationError("x"), REFUSED, False),
        (exceptions.AuthorizationError("x"), REFUSED, False),
        (exceptions.ReadOnlyError("x"), "it is a read-only replica", False),
        (exceptions.OutOfMemoryError("x"), "it is out of memory (maxmemory)", False),
        (RedisTooOld(), "it is older than Redis 6.2, which `changes: true` needs", False),
        (exceptions.BusyLoadingError("x"), "still loading its data set", True),
        (exceptions.TimeoutError("x"), WAITED, True),
        (TimeoutError(), WAITED, True),
        (OSError(113, "No route to host"), "cannot be reached: No route to host", True),
        (ConnectionRefusedError(111, "Connection refused"), "cannot be reached: Connection refused", True),
        (lost(ConnectionResetError(104, "Connection reset by peer")),
         "cannot be reached: Connection reset by peer", True),
        (exceptions.ConnectionError("Connection closed by server."),
         "cannot be reached: Connection closed by server", True),
        (exceptions.ConnectionError(), "cannot be reached: the connection was lost", True),
        (untrusted(), "its certificate is not trusted: self-signed certificate", False),
        (lost(untrusted()), "its certificate is not trusted: self-signed certificate", False),
        (exceptions.TryAgainError("x"), "temporarily unavailable: TryAgain: x", True),
        (exceptions.AskError("7 h:1"), "temporarily unavailable: Ask: 7 h:1", True),
        (exceptions.MovedError("7 h:1"), "temporarily unavailable: Moved: 7 h:1", True),
        (exceptions.ClusterDownError("x"), "temporarily unavailable: ClusterDown: x", True),
        (exceptions.MasterDownError("x"), "temporarily unavailable: MasterDown: x", True),
        *[(exceptions.ResponseError(f"{code} x"), f"temporarily unavailable: {code} x", True)
          for code in ("BUSY", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING")],
        (exceptions.ResponseError("BUSYKEY x"), "refused: BUSYKEY x", False),
        (exceptions.ResponseError("ERR unknown command"), "refused: ERR unknown command", False),
        (exceptions.ResponseError("Command # 1 (SET a s3cret) of pipeline caused error: BUSY \x1b"),
         "temporarily unavailable: BUSY ?", True),
        (exceptions.ResponseError("x" * 300), "refused: " + "x" * 200, False),
    ],
)  # fmt: skip
def test_message_and_transience(error: Exception, message: str, transient: bool) -> None:
    assert describe(error, WAITED, follows_master=False) == (message, transient)


def test_replica_may_be_followed_by_another_master() -> None:
    error = exceptions.ReadOnlyError("x")
    assert describe(error, WAITED, follows_master=True) == ("it is a read-only replica", True)
    assert describe(exceptions.AuthenticationError("x"), WAITED, follows_master=True) == (REFUSED, False)


@pytest.mark.parametrize(
    "cause", [exceptions.ConnectionError("x"), exceptions.TimeoutError("x"), OSError(1, "x")]
)
def test_connection_that_is_lost_while_it_watches_is_no_race(cause: Exception) -> None:
    error = exceptions.WatchError()
    assert errors.is_race(error) and errors.unwrapped(error) is error
    error.__context__ = ValueError()
    assert errors.is_race(error)
    error.__context__ = cause
    assert not errors.is_race(error) and errors.unwrapped(error) is cause
    other = exceptions.ResponseError("x")
    other.__context__ = cause
    assert errors.unwrapped(other) is other


def test_kinds_of_answers() -> None:
    assert errors.is_timeout(TimeoutError()) and errors.is_timeout(exceptions.TimeoutError())
    assert not errors.is_timeout(exceptions.ConnectionError()) and not errors.is_timeout(None)
    assert errors.is_ask(exceptions.AskError("7 h:1")) and not errors.is_ask(exceptions.MovedError("7 h:1"))
    assert not errors.is_ask(None) and not errors.is_ask(b"ASK")
    wrong = exceptions.ResponseError("WRONGTYPE Operation")
    assert errors.is_wrong_type(wrong) and not errors.is_wrong_type(exceptions.ResponseError("ERR"))
    assert not errors.is_wrong_type("WRONGTYPE") and not errors.is_wrong_type(
        exceptions.ConnectionError("WRONGTYPE")
    )


@pytest.mark.parametrize("answer", [b"1", None, 0])
def test_answer_is_returned(answer: Any) -> None:
    assert errors.value_or_none(answer) == answer == errors.get_or_none(lambda: answer)


def test_key_of_another_type_counts_as_missing() -> None:
    wrong, other = exceptions.ResponseError("WRONGTYPE x"), exceptions.ResponseError("ERR x")

    def fail(error: Exception) -> Any:
        raise error

    assert errors.value_or_none(wrong) is None and errors.get_or_none(lambda: fail(wrong)) is None
    for error in (other, exceptions.ConnectionError("x")):
        with pytest.raises(type(error)):
            errors.value_or_none(error)
        with pytest.raises(type(error)):
            errors.get_or_none(lambda error=error: fail(error))  # type: ignore[misc]


def test_unknown_service_is_shown_safely() -> None:
    assert str(errors.no_master("my\x1bmaster")) == "the Sentinels do not know the service my?master"
