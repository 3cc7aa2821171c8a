"""Faults that a real server can not be made to show, over real sockets."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Connection:
    """One connection through a Proxy, or to a FakeServer."""

    number: int  # from 0, in the order in which they came
    client: socket.socket
    sent: int = 0  # bytes, to the client

    def forward(self, data: bytes) -> None:
        self.client.sendall(data)
        self.sent += len(data)

    def reset(self) -> None:
        """Close it with a TCP reset."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()


class Listener:
    """Accepts on a free loopback port, and serves each connection from a thread; a context manager."""

    host = "127.0.0.1"

    def __init__(self, address: str = host) -> None:
        self._listener = socket.create_server((address, 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        self.connections: list[Connection] = []
        self.accepted = threading.Semaphore(0)  # released for each connection
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            connection = Connection(len(self.connections), client)
            self.connections.append(connection)
            self.accepted.release()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            self.serve(connection)
        except OSError:  # the other end went, which is its right
            pass

    def serve(self, connection: Connection) -> None:
        raise NotImplementedError

    @property
    def sent(self) -> int:
        """Bytes sent to all clients so far."""
        return sum(connection.sent for connection in self.connections)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.client.close()


class FakeServer(Listener):
    """A server of which each connection is given to `behave`, and then kept open."""

    def __init__(self, behave: Callable[[Connection], None], address: str = Listener.host) -> None:
        self._behave = behave
        super().__init__(address)

    def serve(self, connection: Connection) -> None:
        self._behave(connection)


@dataclass
class Reply:
    """A part of what the real server answers, on its way through a Proxy."""

    connection: Connection
    data: bytes
    before: int  # bytes of this reply that came earlier


def losing_answers(armed: threading.Event) -> Callable[[Reply], None]:
    """Return what a Proxy loses of Redis's answers: once it is armed, the next one to a transaction."""

    def on_reply(reply: Reply) -> None:
        if armed.is_set() and b"QUEUED" in reply.data:
            armed.clear()
            reply.connection.reset()
        else:
            reply.connection.forward(reply.data)

    return on_reply


class Proxy(Listener):
    """A way to a real server that passes on what it answers, or gives it to `on_reply` to spoil.

    `on_request` is given what is sent to it.

    ecFlow makes a connection for each request, so a connection's number is that of the request.
    """

    def __init__(
        self,
        port: int,
        on_reply: Callable[[Reply], None] | None = None,
        on_request: Callable[[bytes], None] = lambda data: None,
    ) -> None:
        self.target = port
        self.on_reply = on_reply
        self.on_request = on_request
        super().__init__()

    def serve(self, connection: Connection) -> None:
        try:
            self._serve_from_target(connection)
        finally:
            connection.client.shutdown(socket.SHUT_RDWR)  # close() would wait for _pass_on

    def _serve_from_target(self, connection: Connection) -> None:
        with socket.create_connection((self.host, self.target)) as server:
            threading.Thread(target=self._pass_on, args=(connection.client, server), daemon=True).start()
            before = 0
            while data := server.recv(1 << 16):
                if self.on_reply:
                    self.on_reply(Reply(connection, data, before))
                else:
                    connection.forward(data)
                before += len(data)
        connection.client.shutdown(socket.SHUT_WR)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(1 << 16):
                self.on_request(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """The address of a listener whose backlog is full: the kernel drops who knocks."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((Listener.host, 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


@contextmanager
def http_server() -> Iterator[tuple[str, int]]:
    """The address of a real HTTP server."""

    class Quiet(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((Listener.host, 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield Listener.host, server.server_port
        server.shutdown()


@contextmanager
def http_front(port: int, chain: Path | None = None) -> Iterator[tuple[str, int]]:
    """Return the address of an HTTP way to a real ecFlow server, over TLS where `chain` has a certificate.

    It speaks as `ecflow_server --http` does, which there is since ecFlow 5.14.
    """

    class Front(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with socket.create_connection((Listener.host, port)) as server:
                server.sendall(b"%8x" % len(body) + body)
                answer = server.makefile("rb").read()[8:]
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of a client that speaks something else."""

    with Quiet((Listener.host, 0), Front) as server:
        if chain is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain / "server.crt", chain / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield Listener.host, server.server_port
        server.shutdown()
