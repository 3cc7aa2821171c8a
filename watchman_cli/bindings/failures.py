"""Why the bindings did not read a server, in watchman's own words: their output may hold a whole reply."""

from __future__ import annotations

import re
import signal

from watchman_cli.errors import ErrorKind

HOW_TO_GET_BINDINGS = (
    "install Debian's python3-ecflow or conda-forge's ecflow, "
    "and name the interpreter that has them as ecflow_python in the configuration"
)


class BindingsMissing(Exception):
    """No interpreter has the bindings; the message names those that were tried, and how to get them."""

    def __init__(self, tried: str) -> None:
        super().__init__(f"no Python with the ecflow bindings ({tried}): {HOW_TO_GET_BINDINGS}")


class BindingsFailed(Exception):
    """The bindings did not read a server.

    `kind` is for programs, and `transient` says whether another attempt may succeed.
    """

    def __init__(self, kind: ErrorKind, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.transient = transient


# Messages of the bindings (Client.cpp, SslClient.cpp, ClientInvoker.cpp, StcCmd.cpp); the first match counts.
# Each has a pattern, the kind, watchman's message, and whether another attempt may succeed.
_FAILURES: tuple[tuple[str, ErrorKind, str, bool], ...] = (
    (r"authentication failed|not accepted, due to", "authentication", "the server refused the user", False),
    (r"Connection refused", "refused", "connection refused", True),
    (r"\bresolve: |Host not found", "unresolved", "the host's name does not resolve", True),
    (r"No route to host|unreachable", "unreachable", "the host cannot be reached", True),
    (r"timed out", "no answer", "no answer in time", True),
    (r"has no attribute 'enable_", "protocol", "the bindings do not speak this protocol", False),
    (r"Openssl::enable|handshake", "tls", "TLS could not be negotiated", False),
    (r"bad_alloc|MemoryError", "crashed", "not enough memory for the server's reply", False),
    (r"Connection reset|Broken pipe|End of file|EOF\(", "reset", "the server closed the connection", True),
)


def classify_failure(text: str, bindings: str, server: str | None) -> BindingsFailed:
    """Return the failure for the output of the bindings.

    `bindings` is their version, and `server` the server's, or None: the bindings cannot read a server that is
    newer than they are.
    """
    for pattern, kind, message, transient in _FAILURES:
        if re.search(pattern, text, re.IGNORECASE | re.MULTILINE):
            return BindingsFailed(kind, message, transient=transient)
    name = f"the server, {server}," if server else "the server"
    message = f"{name} has something that these bindings, {bindings}, cannot read"
    return BindingsFailed("protocol", message)


def describe_exit(code: int) -> str:
    """Return how a process ended, in a word or two, from the exit code that subprocess gives."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
