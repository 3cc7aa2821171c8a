"""The result for one server: the advice to an operator, which the client of the protocol does not know."""

from __future__ import annotations

import pytest

from watchman_cli.collect.result import describe, server_error
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
