"""A real HTTP server that records what is sent to it, and answers as a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.loopback import free_port


class Request(NamedTuple):
    """A request that the receiver got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers requests with the next of `statuses`, and with 200 after the last one; a context manager.

    With the status 0 it does not answer until it is closed.
    """

    def __init__(self, statuses: Iterable[int] = (), port: int = 0) -> None:
        self.requests: list[Request] = []
        self.statuses = list(statuses)
        self.got = threading.Event()  # a request came
        self._closing = threading.Event()
        self._server = self._make(port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def bodies(self) -> list[Any]:
        return [each.document for each in self.requests if each.body]

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _make(self, port: int) -> ThreadingHTTPServer:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.requests.append(Request(self.command, self.path, dict(self.headers), body))
                receiver.got.set()
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status == 0:
                    receiver._closing.wait(60)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = _answer

            def log_message(self, *_: object) -> None:
                pass

        return ThreadingHTTPServer(("127.0.0.1", port or free_port()), Handler)
