"""A way to a real ecFlow server that notes whole requests and replies, and may rewrite a reply."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.faulty_server import Connection, Listener

HEADER_SIZE = 8  # ecFlow's own framing: the body's length in hexadecimal, then the body


@dataclass(frozen=True)
class Exchange:
    """One request and what it was answered, without their headers."""

    request: bytes
    reply: bytes


class Relay(Listener):
    """Passes each request on to the server at `port`, and its reply back, through `rewrite` if there is one.

    `rewrite` is given both, and returns the reply to send.
    """

    def __init__(self, port: int, rewrite: Callable[[bytes, bytes], bytes] | None = None) -> None:
        self.target = port
        self.rewrite = rewrite
        self.exchanges: list[Exchange] = []
        super().__init__()

    def __enter__(self) -> Relay:
        return self

    def serve(self, connection: Connection) -> None:
        try:
            request = _read(connection.client)
            with socket.create_connection((self.host, self.target)) as server:
                server.sendall(_framed(request))
                reply = _read(server)
            if self.rewrite:
                reply = self.rewrite(request, reply)
            self.exchanges.append(Exchange(request, reply))
            connection.forward(_framed(reply))
        finally:
            connection.client.close()

    def take(self) -> list[Exchange]:
        """Return what was exchanged since the last call."""
        taken, self.exchanges = self.exchanges, []
        return taken


def _read(link: socket.socket) -> bytes:
    """Return the body that comes; raise ConnectionError where it ends early, or is of another protocol."""
    header = _read_exactly(link, HEADER_SIZE)
    try:
        size = int(header, 16)
    except ValueError:
        raise ConnectionError("not ecFlow's own framing") from None
    return _read_exactly(link, size)


def _read_exactly(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = link.recv(min(1 << 16, size - len(data)))
        if not piece:
            raise ConnectionError("closed before all had come")
        data += piece
    return data


def _framed(body: bytes) -> bytes:
    return b"%8x" % len(body) + body
