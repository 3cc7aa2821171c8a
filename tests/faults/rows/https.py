"""Rows: certificates, tokens and the HTTP server before ecFlow."""

from __future__ import annotations

from tests.faults.arrangements import https
from tests.faults.case import FaultCase

HTTPS_ROWS = (
    FaultCase(
        "untrusted certificate",
        "`protocol: https`, and the server's certificate is not trusted",
        https.untrusted,
        "the server's certificate is not trusted (",
        "not retried; neither the token nor the password is sent",
        kind="tls",
        attempts=1,
    ),
    FaultCase(
        "another host's certificate",
        "`protocol: https`, and the certificate is another host's, from a trusted authority",
        https.another_name,
        "the server's certificate is not for the host 127.0.0.1: set `host` to a name that it has",
        "not retried; nothing is sent",
        kind="tls",
        attempts=1,
    ),
    FaultCase(
        "no token for it",
        "The HTTP server in front of ecFlow needs a token, and the file has none for this server",
        https.token_of_another,
        "the server refused the user NAME (HTTP 401): no token of",
        "not retried",
        kind="authentication",
        attempts=1,
    ),
    FaultCase(
        "redirected",
        "The HTTP server redirects to https",
        https.redirected,
        "an HTTP server redirects to another address: set `protocol: https`, `port: 8443`",
        "not retried; a redirection is not followed",
        kind="protocol",
        attempts=1,
    ),
)
