"""The result for one server: its phases, its failures, and the advice to an operator."""

from __future__ import annotations

import time

import pytest

from tests.unit.collect.scenarios import server
from watchman_cli.collect.result import (
    LATE,
    Phases,
    describe,
    explain_timeout,
    server_error,
    unexpected,
)
from watchman_cli.ecflow_client import (
    CertificateMissing,
    CertificateUntrusted,
    EcflowError,
    HttpRefused,
    NoAnswer,
    OtherName,
    Redirected,
    ReplyTooLarge,
    TokenWithheld,
    WrongProtocol,
)
from watchman_cli.errors import ErrorKind, ServerError

URL = "http://h:1"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (WrongProtocol("tcp", "ssl"), "the server speaks ssl, not tcp: set `protocol: ssl`"),
        (
            Redirected({"protocol": "https", "port": 443}),
            "an HTTP server redirects to another address: set `protocol: https`, `port: 443`",
        ),
        (
            OtherName("h"),
            "the server's certificate is not for the host h: set `host` to a name that it has, or name the "
            "server's own certificate as `certificate`",
        ),
        (
            CertificateUntrusted("self-signed"),
            "the server's certificate is not trusted (self-signed): name it, or its authority's, as "
            "`certificate`",
        ),
        (
            CertificateMissing(),
            "no certificate of the server in ~/.ecflowrc/ssl: copy the server's server.crt there, or name it "
            "as `certificate`",
        ),
        (CertificateMissing("/x", "no such file"), "the certificate /x cannot be used: no such file"),
        (ReplyTooLarge(3 << 20), "the reply is larger than 3 MB: raise `max_reply` if that is right"),
        (
            TokenWithheld("/t", URL),
            "/t: the token for http://h:1 is not sent in clear: set `protocol: https`, or let the entry's "
            "`server` begin with http://",
        ),
        (
            HttpRefused(401, "fred", URL, "token", "/t"),
            "the server refused the user fred (HTTP 401): check the token that /t has for http://h:1",
        ),
        (
            HttpRefused(403, None, URL, "password"),
            "the server refused the request (HTTP 403): check `user` and the password, which was sent as "
            "basic authentication",
        ),
        (
            HttpRefused(401, None, URL, tokens="/t", withheld=True),
            "the server refused the request (HTTP 401): no token of /t is for http://h:1: the entry's "
            "`server` must match all of that",
        ),
        (
            HttpRefused(401, None, URL, withheld=True),
            "the server refused the request (HTTP 401): the password is sent as basic authentication over "
            "https only: set `protocol: https`",
        ),
        (
            HttpRefused(401, None, URL),
            "the server refused the request (HTTP 401): no token or password was sent: set `tokens`, or "
            "`user` and `password`",
        ),
        (NoAnswer(), "no answer in time"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, EcflowError) else "",
)
def test_error_is_described_with_the_setting_to_change(error: EcflowError, message: str) -> None:
    assert describe(error) == message
    failure = server_error(error)
    assert (failure.kind, failure.transient, str(failure)) == (error.kind, error.transient, message)


def test_phases_add_up_to_the_time_since_the_start() -> None:
    started = time.monotonic() - 5
    phases = Phases(started)
    for phase in ("lease", "read", "write", "write"):
        phases.end(phase)
    ended = time.monotonic()
    assert list(phases.seconds) == ["lease", "read", "write"]
    assert phases.seconds["lease"] >= 5
    assert min(phases.seconds.values()) >= 0
    assert 5 <= sum(phases.seconds.values()) <= ended - started


def test_an_unexpected_error_is_named_without_its_text() -> None:
    error = unexpected(ValueError("a reply with a password"))
    assert (error.kind, str(error)) == (
        "server",
        "unexpected ValueError: a bug in watchman, please report it",
    )
    assert not error.transient
    assert isinstance(error.__cause__, ValueError)


def test_a_lack_of_memory_is_not_a_bug() -> None:
    assert unexpected(MemoryError()).kind == "resources"


@pytest.mark.parametrize(
    ("kind", "seconds", "message"),
    [
        ("no answer", 20.0, "no answer from h:3141 within 20 s"),
        ("too slow", 20.0, "as it was"),
        ("no answer", 20 + LATE, "no answer from h:3141 within 20 s"),
        ("no answer", 81.0, "this run was stopped, or had no processor, until 61 s after its deadline"),
        ("too slow", 81.0, "this run was stopped, or had no processor, until 61 s after its deadline"),
        ("refused", 81.0, "as it was"),
    ],
)
def test_a_failure_by_the_deadline_names_it(kind: ErrorKind, seconds: float, message: str) -> None:
    error = explain_timeout(ServerError(kind, "as it was"), server(), seconds)
    assert (error.kind, str(error)) == (kind, message)
