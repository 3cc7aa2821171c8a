"""Names into addresses, by a deadline: look-ups that hang, fail and are shared by threads."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from watchman_cli.ecflow_client import EcflowError, NameUnresolved, NoAnswer, OutOfResources
from watchman_cli.ecflow_client import resolve as module
from watchman_cli.ecflow_client.resolve import resolve

FOUND = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 3141, 0, 2)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 3141)),
]


def soon() -> float:
    return time.monotonic() + 60


class Resolver:
    """The system's resolver: it knows numbers, and calls `answer` for a name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
        self.answer, self.names = answer, list[str]()
        self.asked = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: bytes | str, port: int, *, type: int, flags: int) -> Any:
        assert type == socket.SOCK_STREAM
        if flags == socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        assert (port, flags) == (3141, 0)
        self.names.append(host if isinstance(host, str) else host.decode("ascii"))
        self.asked.set()
        return self.answer()


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [("127.0.0.1", socket.AF_INET, ("127.0.0.1", 7)), ("::1", socket.AF_INET6, ("::1", 7, 0, 0))],
)
def test_number_needs_no_thread(
    monkeypatch: pytest.MonkeyPatch, host: str, family: int, address: tuple[Any, ...]
) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread was started"))
    assert resolve(host, 7, time.monotonic() - 1) == [(family, address)]


def test_name_in_ascii_needs_no_codec() -> None:
    code = "from watchman_cli.ecflow_client.resolve import resolve; import sys, time; "
    code += "resolve(sys.argv[1], 7, time.monotonic() + 60); print('encodings.idna' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code, "localhost"], capture_output=True, check=True, text=True
    )
    assert answer.stdout == "False\n"


def test_international_name_is_looked_up_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, lambda: FOUND)
    assert len(resolve("wetter.münchen.test", 3141, soon())) == 2
    assert resolver.names == ["wetter.münchen.test"]


def test_addresses_are_in_the_resolvers_order(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(monkeypatch, lambda: FOUND)
    assert resolve("login01", 3141, soon()) == [
        (socket.AF_INET6, ("fe80::1", 3141, 0, 2)),
        (socket.AF_INET, ("192.0.2.1", 3141)),
    ]


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), NameUnresolved, "does not resolve"),
        (UnicodeError("label too long"), NameUnresolved, "does not resolve"),
        (OSError(errno.EMFILE, "Too many open files"), OutOfResources, "no more: Too many open files"),
        (OSError(errno.ENFILE, "x"), OutOfResources, "x"),
        (OSError(errno.ENOBUFS, "x"), OutOfResources, "x"),
        (OSError(errno.ENOMEM, ""), OutOfResources, "no more sockets"),
        (OSError(errno.EIO, "x"), NameUnresolved, "does not resolve"),
    ],
)
def test_failed_look_up_is_named_each_time(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, kind: type[EcflowError], message: str
) -> None:
    def fail() -> Any:
        raise failure

    resolver = Resolver(monkeypatch, fail)
    for _ in range(2):
        with pytest.raises(kind, match=rf"(?:^|\W){message}$"):
            resolve("login01", 3141, soon())
    assert resolver.names == ["login01", "login01"] and module._pending == {}


def test_look_up_that_hangs_ends_with_the_deadline_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go = threading.Event()

    def hang() -> Any:
        assert threading.current_thread().daemon  # it does not hold up the end of the process
        go.wait()
        return FOUND

    resolver = Resolver(monkeypatch, hang)
    with pytest.raises(NoAnswer):
        resolve("login01", 3141, time.monotonic() - 1)
    assert resolver.asked.wait(60)
    with pytest.raises(NoAnswer):
        resolve("login01", 3141, time.monotonic() + 0.01)
    with pytest.raises(NoAnswer):
        resolve("login02", 3141, time.monotonic() - 1)
    threading.Timer(0.01, go.set).start()
    assert len(resolve("login01", 3141, soon())) == len(FOUND)
    assert len(resolve("login02", 3141, soon())) == len(FOUND)
    assert resolver.names[:2] == ["login01", "login02"]
