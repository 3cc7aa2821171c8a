"""Why the bindings did not read a server: the first cause that fits, in words of watchman's own."""

from __future__ import annotations

import signal

import pytest

from watchman_cli.bindings.failures import (
    HOW_TO_GET_BINDINGS,
    BindingsMissing,
    classify_failure,
    describe_exit,
)

SAID = {
    "RuntimeError: authentication failed": ("authentication", "the server refused the user", False),
    "Error: Request not accepted, due to": ("authentication", "the server refused the user", False),
    "connect: Connection refused": ("refused", "connection refused", True),
    "resolve: Host not found (authoritative)": ("unresolved", "the host's name does not resolve", True),
    "Host not found": ("unresolved", "the host's name does not resolve", True),
    "x resolve: y": ("unresolved", "the host's name does not resolve", True),
    "connect: No route to host": ("unreachable", "the host cannot be reached", True),
    "Network is unreachable": ("unreachable", "the host cannot be reached", True),
    "the connection timed out": ("no answer", "no answer in time", True),
    "AttributeError: 'Client' object has no attribute 'enable_http'": (
        "protocol", "the bindings do not speak this protocol", False,
    ),
    "Openssl::enable: no certificate": ("tls", "TLS could not be negotiated", False),
    "handshake: certificate verify failed": ("tls", "TLS could not be negotiated", False),
    "std::bad_alloc": ("crashed", "not enough memory for the server's reply", False),
    "MemoryError: ": ("crashed", "not enough memory for the server's reply", False),
    "read: Connection reset by peer": ("reset", "the server closed the connection", True),
    "write: Broken pipe": ("reset", "the server closed the connection", True),
    "End of file": ("reset", "the server closed the connection", True),
    "EOF(2)": ("reset", "the server closed the connection", True),
}  # fmt: skip


@pytest.mark.parametrize("text", SAID)
@pytest.mark.parametrize("lines", ["{}", "secret\n{}\nsecret"])
def test_each_cause_is_found_in_any_line_and_case(text: str, lines: str) -> None:
    for said in (text, text.upper()):
        failure = classify_failure(lines.format(said), "5.9.2", "5.19.0")
        assert (failure.kind, str(failure), failure.transient) == SAID[text]


def test_first_cause_counts() -> None:
    assert classify_failure("Connection refused\nauthentication failed", "5", None).kind == "authentication"


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ("5.19.0", "the server, 5.19.0, has something that these bindings, 5.9.2, cannot read"),
        (None, "the server has something that these bindings, 5.9.2, cannot read"),
    ],
)
def test_other_failures_name_the_versions_and_nothing_that_was_printed(
    server: str | None, message: str
) -> None:
    failure = classify_failure("edit PASSWORD 'hunter2'", "5.9.2", server)
    assert (failure.kind, str(failure), failure.transient) == ("protocol", message, False)


def test_missing_bindings_are_named_with_the_way_to_get_them() -> None:
    message = str(BindingsMissing("python3: none"))
    assert message == f"no Python with the ecflow bindings (python3: none): {HOW_TO_GET_BINDINGS}"
    assert "python3-ecflow" in message and "ecflow_python" in message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-signal.SIGKILL, "SIGKILL"),
        (-signal.SIGHUP, "SIGHUP"),
        (-200, "signal 200"),
    ],
)
def test_end_of_a_process(code: int, words: str) -> None:
    assert describe_exit(code) == words
