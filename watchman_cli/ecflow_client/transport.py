"""One request over one connection, by a deadline: TCP and TLS, in ecFlow's own framing.

Eight characters with the body's length in hexadecimal, then the body; the reply likewise
(libs/base/src/ecflow/base/Connection.hpp). Every wait ends at the deadline, which a server that sends a
byte now and then does not move.
"""

import errno
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import (
    ConnectionClosed,
    ConnectionRefused,
    EcflowError,
    HostUnreachable,
    NoAnswer,
    NotEcflow,
    OtherHttpServer,
    OutOfResources,
    ReplyTooLarge,
)
from .resolve import SHORTAGES, resolve
from .work import Work

if TYPE_CHECKING:
    import ssl

HEADER_SIZE = 8
PIECE = 1 << 18  # bytes that are received together
FIRST_PIECE = 1 << 14  # the header and the first part of a body: all of most replies
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_UNREACHABLE = (
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
)


class Limits(NamedTuple):
    """The end of a request, as time.monotonic(), and the largest size of a reply, in bytes.

    The first byte of the answer must come by `first_by`, the last by `deadline`. `work` bounds
    the work on it; None to bound that by `deadline` as well.
    """

    first_by: float
    deadline: float
    size: int
    work: Work | None = None

    @classmethod
    def within(cls, seconds: float = 60.0, size: int = 1 << 30) -> "Limits":
        """Return the limits of a request that begins now and takes at most so many seconds."""
        deadline = time.monotonic() + seconds
        return cls(deadline, deadline, size)


class TimedSocket(socket.socket):
    """A socket of which every wait ends at `deadline`, a time.monotonic()."""

    deadline = 0.0

    def recv_into(self, *arguments: Any) -> int:
        """Receive; raise NoAnswer at the deadline."""
        self.settimeout(time_left(self.deadline))
        return super().recv_into(*arguments)


def time_left(deadline: float) -> float:
    """Return the seconds until a time.monotonic(). Raises NoAnswer if it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise NoAnswer
    return left


def connect(host: str, port: int, deadline: float) -> TimedSocket:
    """Return a connection to the first address of a host that takes one. Raises EcflowError."""
    addresses = resolve(host, port, deadline)
    failure: EcflowError = HostUnreachable()
    for number, (family, address) in enumerate(addresses):
        try:
            connection = TimedSocket(family, socket.SOCK_STREAM)
        except OSError as error:  # no more descriptors, or this machine has no such addresses
            failure = translate(error)
            continue
        connection.deadline = deadline
        try:
            connection.settimeout(time_left(deadline) / (len(addresses) - number))
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            failure = translate(error)
        except EcflowError:
            connection.close()
            raise
    raise failure


def is_local(connection: socket.socket) -> bool:
    """Return whether both ends of a connection have one address: the server listens on this host."""
    return bool(connection.getsockname()[0] == connection.getpeername()[0])


def translate(error: OSError, *, began: bool = False) -> EcflowError:
    """Return the EcflowError for an error of a socket."""
    if isinstance(error, TimeoutError):
        return NoAnswer()
    if isinstance(error, ConnectionRefusedError):
        return ConnectionRefused()
    if error.errno in _UNREACHABLE:
        return HostUnreachable()
    if error.errno in SHORTAGES:
        return OutOfResources(error.strerror or "no more sockets")
    return ConnectionClosed(began=began)


def exchange(connection: "TimedSocket | ssl.SSLSocket", request: bytes, limits: Limits) -> bytearray:
    """Send a request's body and return the reply's. Raises EcflowError."""
    timed: Any = connection
    began = False
    try:
        connection.settimeout(time_left(limits.first_by))
        connection.sendall(b"%8x" % len(request) + request)
        timed.deadline = limits.first_by
        body = receive(connection.recv_into, HEADER_SIZE, most=FIRST_PIECE)
        size = _size(bytes(body[:HEADER_SIZE]))
        began = True
        if size > limits.size:
            raise ReplyTooLarge(limits.size)
        timed.deadline = limits.deadline
        del body[:HEADER_SIZE]
        receive(connection.recv_into, size - len(body), body)
        del body[size:]
    except ConnectionClosed as error:
        raise ConnectionClosed(began=began or error.began) from error
    except MemoryError as error:
        raise OutOfResources("not enough memory for the server's reply") from error
    except OSError as error:
        raise translate(error, began=began) from error
    return body


def receive(
    receive_into: Callable[[memoryview], int], size: int, body: bytearray | None = None, *, most: int = 0
) -> bytearray:
    """Receive `size` bytes, or more if they have come too and are not above `most`.

    Return `body` with them at its end. The memory that is used grows with the bytes that come: a server may
    announce any length. Raises ConnectionClosed if fewer bytes come.
    """
    body = bytearray() if body is None else body
    start, most = len(body), max(most, size)
    with memoryview(bytearray(min(most, PIECE))) as piece:
        while (received := len(body) - start) < size:
            count = receive_into(piece[: most - received])
            if not count:
                raise ConnectionClosed(began=received > 0)
            body += piece[:count]
    return body


def _size(header: bytes) -> int:
    """Return the length that a header announces. Raises NotEcflow if it is invalid."""
    if header.startswith((b"HTTP/", b"<")):  # a page, where the request was taken for HTTP 0.9
        raise OtherHttpServer
    digits = header.lstrip(b" ")
    if not digits or digits.strip(_HEX_DIGITS):
        raise NotEcflow
    return int(digits, 16)
