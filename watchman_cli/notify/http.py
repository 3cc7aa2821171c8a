"""Requests to a receiver over one connection, which ends at a deadline.

http.client is imported with the first connection: its import takes tens of milliseconds.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watchman_cli import __version__
from watchman_cli.notify.attempt import NOT_IN_TIME, NotDelivered

if TYPE_CHECKING:
    from http.client import HTTPConnection

_RETRIED = frozenset((408, 429))  # beside 500 and above
_READ = 1 << 16  # bytes of an answer's body; a longer one ends the connection


def shown(url: str) -> str:
    """Return a URL for a message: its path may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Connection:
    """A connection to the host of a URL; `deadline` is a time.monotonic()."""

    def __init__(self, url: str, deadline: float) -> None:
        self._url, self._deadline = urlsplit(url), deadline
        self._connection: HTTPConnection | None = None
        self._stopped = False

    def connect(self) -> None:
        """Connect, unless there is a connection. Raises NotDelivered."""
        if self._connection is not None:
            return
        from http.client import HTTPConnection, HTTPSConnection

        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._left())
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise NotDelivered(_why(error), transient=True) from error
        self._connection = connection
        if self._stopped:  # meanwhile
            self.close()
            raise NotDelivered(NOT_IN_TIME)

    def request(
        self, method: str, add: str = "", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Make a request to the URL, with `add` appended to its path.

        Raises NotDelivered unless the answer is 2xx.
        """
        self.connect()
        from http.client import HTTPException

        connection = self._connection
        assert connection is not None and connection.sock is not None
        path = (self._url.path.rstrip("/") + add) if add else self._url.path
        query = f"?{self._url.query}" if self._url.query else ""
        sent = {"User-Agent": f"watchman/{__version__}", **(headers or {})}
        try:
            connection.sock.settimeout(self._left())
            connection.request(method, (path or "/") + query, body, sent)
            answer = connection.getresponse()
            whole = len(answer.read(_READ)) < _READ
        except (OSError, HTTPException) as error:
            self.close()
            raise NotDelivered(_why(error), transient=True) from error
        if not whole or answer.will_close:
            self.close()
        status = answer.status
        if not 200 <= status < 300:
            raise NotDelivered(f"HTTP {status}", transient=status >= 500 or status in _RETRIED)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0 or self._stopped:
            raise NotDelivered(NOT_IN_TIME, transient=True)
        return left

    def stop(self) -> None:
        """End what another thread waits for."""
        self._stopped = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _why(error: Exception) -> str:
    """Return an error in words, without a part of the receiver's answer."""
    import ssl

    if isinstance(error, TimeoutError):
        return NOT_IN_TIME
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    if isinstance(error, socket.gaierror):
        return "unknown host name"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the connection was closed"
    if isinstance(error, OSError):
        return error.strerror or "it is unreachable"
    return "the answer is not HTTP"
