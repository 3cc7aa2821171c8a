"""Host names into addresses, by a deadline: the resolver itself knows none, and cannot be interrupted."""

from __future__ import annotations

import errno
import socket
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from .errors import NameUnresolved, NoAnswer, OutOfResources

Address = tuple[int, tuple[str, int]]  # the family, and what connect() takes

# What the system says of a socket or a file that this process may not open any more.
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_lock = threading.Lock()
_pending: dict[tuple[str, int], Future[list[Address]]] = {}


def resolve(host: str, port: int, deadline: float) -> list[Address]:
    """Return the addresses of a host, no later than `deadline`, a time.monotonic().

    Whoever asks for a name that is being looked up waits for the same answer. A look-up that does not
    end is left behind in a daemon thread, which holds nothing. Raises NameUnresolved, NoAnswer
    or OutOfResources.
    """
    try:
        return _look_up(host, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):  # it is a name
        pass
    with _lock:
        future = _pending.get((host, port))
        if future is None:
            future = _pending[host, port] = Future()
            thread = threading.Thread(target=_answer, args=(host, port, future), daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError) as error:
                del _pending[host, port]
                raise OutOfResources("no more threads") from error
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError as error:
        raise NoAnswer from error
    except OSError as error:
        if error.errno in SHORTAGES:
            raise OutOfResources(error.strerror or "no more sockets") from error
        raise NameUnresolved from error
    except UnicodeError as error:  # a label that is too long or empty
        raise NameUnresolved from error


def _answer(host: str, port: int, future: Future[list[Address]]) -> None:
    """Look a name up; what comes of it is for those who wait now, and not for a later attempt."""
    try:
        found = _look_up(host, port, 0)
    except Exception as error:
        with _lock:
            del _pending[host, port]
        future.set_exception(error)
    else:
        with _lock:
            del _pending[host, port]
        future.set_result(found)


def _look_up(host: str, port: int, flags: int) -> list[Address]:
    # As bytes, since a text is encoded by Python's codec for international names, which takes a millisecond
    # to import.
    name = host.encode() if host.isascii() else host
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, *_, address in found]  # type: ignore[misc]
