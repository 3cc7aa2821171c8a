"""What the bindings say when they fail, and how their process ends, as an error with a short cause."""

from __future__ import annotations

import re
import signal

from watchman_cli.errors import ServerError
from watchman_cli.text import printable


def ending(code: int) -> str:
    """How a process ended, in a word or two, from its exit code as subprocess has it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def crashed(code: int, noise: str) -> ServerError:
    """The error that the end of a probe amounts to, which reported neither success nor failure."""
    how = ending(code)
    if how == "SIGKILL":
        message = "the probe was killed, perhaps by the kernel for want of memory (SIGKILL)"
    else:
        message = f"the probe died ({how})"
    return ServerError("crashed", message, detail=one_line(noise), transient=False)


# What the bindings say (5.9.2, Client.cpp, SslClient.cpp, ClientInvoker.cpp and StcCmd.cpp), the first
# that fits: a pattern, the kind, the message, and whether another attempt may succeed.
_CLOSED = r"Connection reset|Broken pipe|End of file|truncated|short read|EOF\("
_SAYINGS = (
    (r"authentication failed \] User '?([^' ]*)", "authentication", "the server refused the user {}", False),
    (r"invalid_argument\(.* : (?:HTTP/|<)", "protocol", "an HTTP server answers there, not ecFlow", False),
    (r"invalid_argument\(", "protocol", "what answers there does not speak ecFlow's protocol", False),
    (r"_M_default_append", "protocol", "what answers there does not speak ecFlow's protocol", False),
    (r"bad_alloc", "crashed", "no memory for what the server sent", False),
    (r"Connection refused", "refused", "connection refused", True),
    (r"^resolve: |Host not found", "unresolved", "the host's name does not resolve", True),
    (r"No route to host|unreachable", "unreachable", "the host cannot be reached", True),
    (r"timed out", "no answer", "no answer in time", True),
    (_CLOSED, "reset", "the server closed the connection", True),
    (r"handshake: error\((wrong version|http req)", "tls", "ssl is set, and the server speaks no TLS", False),
    (r"handshake: error\((.*)\) on ", "tls", "the TLS handshake failed: {}", False),
    (r"Openssl::enable", "tls", "no certificate of the server in ~/.ecflowrc/ssl", False),
)


def explain(message: str, noise: str = "", tls: bool = False) -> ServerError:
    """The error that a failed request's message, and what the bindings printed, amount to.

    `tls` tells that the server speaks TLS, though the request did not.
    """
    detail = one_line(noise[-500:]) or one_line(message)
    if tls:
        return ServerError("tls", "the server speaks TLS, and ssl is not set", detail=detail)
    said = _cause(message, noise)
    for pattern, kind, words, transient in _SAYINGS:
        if match := re.search(pattern, said, re.I):
            return ServerError(kind, words.format(*match.groups()), detail=detail, transient=transient)
    return ServerError("server", said, detail=detail)


def _cause(message: str, noise: str) -> str:
    """The part of what the bindings say that tells the cause; no host's or node's name is in it."""
    connecting = re.findall(r"ClientInvoker: Connection error: \((.*)\)$", noise, re.M)
    if connecting and "Failed to connect" in message:
        return one_line(re.sub(r"for request\(.*", "", connecting[-1]))
    said = message.partition(" failed! ")[2] or message
    said = (said.partition("Server reply: ")[2] or said).strip()
    if "invalid_argument(" in said:
        said += "".join(re.findall(r"invalid header( : .*)", noise))
    return one_line(said)


def one_line(text: str, limit: int = 500) -> str:
    """Text from outside, fit for a terminal, a log and a health record: one line, no controls."""
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."
