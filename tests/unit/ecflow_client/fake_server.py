"""Servers over real sockets that answer as no ecflow_server does."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.support.faulty_server import Connection, FakeServer
from watchman_cli.ecflow_client import Access, Answer, Client, Limits, Stats

SIZE = 1 << 20  # bytes, the limit of a reply


def framed(body: bytes) -> bytes:
    return b"%8x" % len(body) + body


def drain(client: socket.socket) -> None:
    """Read the request, so that closing does not reset the connection."""
    client.settimeout(5.0)
    try:
        receive_whole(client)
    except OSError:
        pass
    client.settimeout(None)


def receive_whole(client: socket.socket) -> bytes:
    """Return a request with all of its body; of TLS, its beginning."""
    got = client.recv(1 << 16)
    while not is_whole(got) and (more := client.recv(1 << 16)):
        got += more
    return got


def is_whole(request: bytes) -> bool:
    """Return whether a request has come with all of its body; also for the beginning of TLS."""
    head, blank, body = request.partition(b"\r\n\r\n")
    if length := re.search(rb"Content-Length: (\d+)", head):
        return bool(blank) and len(body) >= int(length[1])
    return re.match(rb"[ 0-9a-f]{8}", request) is None or len(request) >= 8 + int(request[:8], 16)


@contextmanager
def answering(*pieces: bytes, close: bool = True) -> Iterator[FakeServer]:
    """A server that answers every connection with these bytes."""

    def behave(connection: Connection) -> None:
        drain(connection.client)
        for piece in pieces:
            connection.forward(piece)
        if close:
            connection.client.shutdown(socket.SHUT_RDWR)

    with FakeServer(behave) as server:
        assert isinstance(server, FakeServer)
        yield server


@contextmanager
def trickling(head: bytes, drip: bytes) -> Iterator[FakeServer]:
    """A server that goes on sending a byte now and then, until the other end goes."""
    stop = threading.Event()

    def behave(connection: Connection) -> None:
        connection.forward(head)
        while not stop.wait(0.05):
            connection.forward(drip)

    with FakeServer(behave) as server:
        assert isinstance(server, FakeServer)
        yield server
        stop.set()


def limits(seconds: float = 20.0, first: float | None = None, size: int = SIZE) -> Limits:
    now = time.monotonic()
    return Limits(now + (seconds if first is None else first), now + seconds, size)


def ask(
    server: FakeServer,
    protocol: str = "tcp",
    within: Limits | None = None,
    tokens: str | None = None,
    commands: Sequence[Stats] = (Stats(),),
) -> Answer:
    access = Access(server.host, server.port, protocol, user="fred", tokens=tokens)
    return Client(access).ask(commands, within or limits())
