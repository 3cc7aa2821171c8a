"""A line for a server that was asked: it answers, or the error and advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchman_cli.collect.result import describe
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.collect.connection import Connection

# Advice by the error's kind; describe() has it for the other kinds.
ADVICE = {
    "unresolved": "check `host`, or add the name to the DNS or /etc/hosts",
    "refused": "check `port`, and that ecflow_server runs there",
    "unreachable": "check `host`, the network and its firewalls",
    "no answer": "check that the server is not stopped, check firewalls, or raise `deadline`",
    "reset": "check that ecflow_server listens at that port, and read its log",
    "tls": "set `certificate`, or copy the server's certificate into ~/.ecflowrc/ssl",
    "protocol": "check `host`, `port` and `protocol`",
    "authentication": "check `user`, the password, and the server's password file, white list (an "
    "entry with paths does not let a user read everything) and PERMISSIONS",
}


def describe_connection(connection: Connection) -> str:
    """Return a server's line: its release and state, or the error and advice."""
    server, error = connection.server, connection.error
    head = f"{server.name} ({server.address}): "
    if error is not None:
        message = describe(error)
        advice = "" if "`" in message else ADVICE.get(error.kind, "")
        return printable(f"{head}{message}{advice and '; '}{advice}")
    statistics = connection.statistics
    instance = statistics.instance if statistics else None
    version = instance.version if instance else "of an unknown release"
    state = f", {statistics.server_state}" if statistics and statistics.server_state else ""
    return printable(f"{head}ok, ecFlow {version}{state}, {connection.seconds * 1000:.0f} ms")
