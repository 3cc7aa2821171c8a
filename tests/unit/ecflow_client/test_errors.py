"""Each failure of a request: its kind for programs, whether a retry may succeed, and its message."""

from __future__ import annotations

import pytest

from watchman_cli.ecflow_client import errors
from watchman_cli.ecflow_client.errors import EcflowError

URL = "http://h:1"
TRANSIENT = True
# Each error, its kind, whether a retry may succeed, and its message.
ERRORS: list[tuple[EcflowError, str, bool, str]] = [
    (errors.EcflowError("it failed"), "server", False, "it failed"),
    (errors.NameUnresolved(), "unresolved", TRANSIENT, "the host's name does not resolve"),
    (errors.ConnectionRefused(), "refused", TRANSIENT, "connection refused"),
    (errors.HostUnreachable(), "unreachable", TRANSIENT, "the host cannot be reached"),
    (errors.NoAnswer(), "no answer", TRANSIENT, "no answer in time"),
    (errors.ConnectionClosed(), "reset", TRANSIENT, "the server closed the connection"),
    (errors.CertificateMissing(), "tls", False, "no certificate of the server in ~/.ecflowrc/ssl"),
    (errors.CertificateMissing("/c", "No such file"), "tls", False,
     "the certificate /c cannot be used: No such file"),
    (errors.HandshakeFailed("no shared cipher"), "tls", False, "no shared cipher"),
    (errors.CertificateRefused("no"), "tls", False, "no"),
    (errors.CertificateUntrusted("it has expired"), "tls", False,
     "the server's certificate is not trusted (it has expired)"),
    (errors.OtherName("login01"), "tls", False, "the server's certificate is not for the host login01"),
    (errors.WrongProtocol("tcp", "https"), "protocol", False, "the server speaks https, not tcp"),
    (errors.NotEcflow(), "protocol", False, "what answers there does not speak ecFlow's protocol"),
    (errors.NotEcflow("it is empty"), "protocol", False, "it is empty"),
    (errors.OtherHttpServer(), "protocol", False, "an HTTP server answers there, not ecFlow"),
    (errors.Redirected({"port": 443}), "protocol", False, "an HTTP server redirects to another address"),
    (errors.ProxyFailed(502), "server", TRANSIENT, "the HTTP proxy before the server answered 502"),
    (errors.NotUnderstood("an unknown command"), "protocol", False, "an unknown command"),
    (errors.TreeUnproved("two suites"), "protocol", False, "two suites"),
    (errors.ReplyTooLarge(64 << 20), "too large", False, "the reply is larger than 64 MB"),
    (errors.OutOfResources("no more threads"), "resources", TRANSIENT,
     "this machine or its limits (ulimit) allow no more: no more threads"),
    (errors.TooSlow("decoding took too long"), "too slow", False, "decoding took too long"),
    (errors.AccessRefused("fred"), "authentication", False, "the server refused the user fred"),
    (errors.AccessRefused("fred", "no password"), "authentication", False,
     "the server refused the user fred: no password"),
    (errors.HttpRefused(403, "fred", URL), "authentication", False,
     "the server refused the user fred (HTTP 403)"),
    (errors.HttpRefused(401, None, URL), "authentication", False,
     "the server refused the request (HTTP 401)"),
    (errors.TokenError("/t: No such file"), "authentication", False, "/t: No such file"),
    (errors.TokenWithheld("/t", URL), "authentication", False,
     "/t: the token for http://h:1 is not sent in clear"),
    (errors.PasswordUnusable("no libcrypt"), "authentication", False, "no libcrypt"),
    (errors.RequestRefused(), "server", False, "the server answered the request with an error"),
    (errors.HandleGone(), "server", TRANSIENT, "the client handle is not registered on the server"),
    (errors.FullReadingRequired("nodes were moved"), "server", False, "nodes were moved"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "kind", "transient", "message"), ERRORS, ids=lambda value: type(value).__name__
)
def test_kind_transience_and_message(error: EcflowError, kind: str, transient: bool, message: str) -> None:
    assert (error.kind, error.transient, str(error)) == (kind, transient, message)


def test_every_error_is_in_the_table() -> None:
    defined = {
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, EcflowError)
    }
    assert {type(error) for error, *_ in ERRORS} == defined


def test_facts_for_a_program() -> None:
    assert not errors.ConnectionClosed().began and errors.ConnectionClosed(began=True).began
    assert (errors.CertificateMissing().path, errors.CertificateMissing("/c", "x").path) == (None, "/c")
    assert errors.OtherName("login01").host == "login01"
    assert (errors.WrongProtocol("tcp", "ssl").asked, errors.WrongProtocol("tcp", "ssl").spoken) == (
        "tcp",
        "ssl",
    )
    assert errors.Redirected({"port": 443}).differences == {"port": 443}
    assert errors.ProxyFailed(502).status == 502
    assert errors.ReplyTooLarge(5).limit == 5
    assert "several lines" in str(errors.TreeUnproved())


def test_refusal_over_http_says_which_proof_was_sent() -> None:
    nothing = errors.HttpRefused(401, "fred", URL)
    assert (nothing.status, nothing.url, nothing.sent, nothing.tokens, nothing.withheld) == (
        401, URL, "nothing", None, False,
    )  # fmt: skip
    sent = errors.HttpRefused(403, None, URL, "token", "/t", withheld=True)
    assert (sent.status, sent.sent, sent.tokens, sent.withheld) == (403, "token", "/t", True)
