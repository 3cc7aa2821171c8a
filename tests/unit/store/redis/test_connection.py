"""Connections on which no wait outlasts a time budget: single waits, whole answers, names and threads."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.connection import AbstractConnection, HiredisRespSerializer, PythonRespSerializer

from tests.support.faulty_server import Connection, FakeServer
from tests.support.loopback import free_port
from watchman_cli.store.redis.connection import (
    LARGE,
    LATE_BUDGET,
    MAX_TIMEOUT,
    BoundedConnection,
    BoundedSocket,
    Packer,
    TimeBudget,
    connect,
    in_threads,
    resolve,
)
from watchman_cli.store.redis.url import Endpoint


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def spend(self, seconds: float) -> float:
        self.now += seconds
        return seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


# ---------------------------------------------------------------------------- the budget


def test_each_wait_uses_some_of_the_budget(clock: Clock) -> None:
    budget = TimeBudget()
    with budget.until(1012.0):
        assert budget.left == 12.0
        for allowed, left in ((5.0, 8.0), (5.0, 4.0), (4.0, 0.0)):
            assert budget.wait(lambda seconds: (clock.spend(4.0), seconds)[1]) == allowed
            assert (budget.left, budget.exhausted) == (left, left == 0)
        with pytest.raises(TimeoutError):
            budget.wait(lambda seconds: pytest.fail("it waited"))
    assert budget.left == MAX_TIMEOUT


def test_wait_may_have_a_limit_of_its_own(clock: Clock) -> None:
    budget = TimeBudget()
    budget.timeout = 3.0
    with budget.until(1010.0):
        assert budget.wait(lambda seconds: seconds) == 3.0
        assert budget.wait(lambda seconds: seconds, 7.0) == 7.0
        assert budget.wait(lambda seconds: seconds, 70.0) == 10.0
        with pytest.raises(TimeoutError):
            budget.wait(lambda seconds: seconds, 0)


def test_process_that_was_stopped_uses_only_what_it_asked_for(clock: Clock) -> None:
    budget = TimeBudget()
    with budget.until(1008.0):
        budget.wait(lambda seconds: clock.spend(3600.0))
        assert (budget.left, budget.exhausted) == (3.0, False)


@pytest.mark.parametrize("deadline", [1000.0, 900.0])
def test_run_that_continues_after_its_deadline_has_some_time(clock: Clock, deadline: float) -> None:
    budget = TimeBudget()
    with budget.until(deadline):
        assert budget.left == LATE_BUDGET


def test_failed_wait_counts_too(clock: Clock) -> None:
    budget = TimeBudget()
    with budget.until(1005.0):
        with pytest.raises(ZeroDivisionError):
            budget.wait(lambda seconds: clock.spend(2.0) / 0)
        assert budget.left == 3.0


def test_contexts_are_nested_and_begin_anew(clock: Clock) -> None:
    budget = TimeBudget()
    with budget.until(1005.0):
        budget.wait(lambda seconds: clock.spend(5.0))
        assert budget.exhausted
        with budget.until(1020.0):
            assert (budget.left, budget.exhausted) == (15.0, False)
        assert budget.left == 0.0


def test_each_thread_has_its_own_budget(clock: Clock) -> None:
    budget, found = TimeBudget(), queue.SimpleQueue[tuple[float, bool]]()
    with budget.until(1001.0):
        budget.wait(lambda seconds: clock.spend(1.0))
        thread = threading.Thread(target=lambda: found.put((budget.left, budget.exhausted)))
        thread.start()
        thread.join()
        assert budget.exhausted and found.get() == (MAX_TIMEOUT, False)


# ---------------------------------------------------------------------------- sockets


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_socket_reads_and_writes(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    bounded = BoundedSocket(ours, TimeBudget())
    bounded.sendall(b"question")
    assert theirs.recv(100) == b"question"
    theirs.sendall(b"answer")
    assert bounded.recv(3) == b"ans"
    buffer = bytearray(10)
    assert bounded.recv_into(buffer) == 3 and buffer[:3] == b"wer"
    assert bounded.fileno() == ours.fileno()


def test_all_of_a_long_question_is_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    data, found = bytes(range(256)) * 1000, queue.SimpleQueue[bytes]()

    def read() -> None:
        got = b""
        while len(got) < len(data):
            got += theirs.recv(1 << 16)
        found.put(got)

    thread = threading.Thread(target=read)
    thread.start()
    BoundedSocket(ours, TimeBudget()).sendall(memoryview(data))
    thread.join()
    assert found.get() == data


def test_silent_redis_uses_up_the_budget(pair: tuple[socket.socket, socket.socket]) -> None:
    budget = TimeBudget()
    bounded = BoundedSocket(pair[0], budget)
    bounded.settimeout(3600)  # redis-py's own limit does not count
    with budget.until(time.monotonic() + 0.01):
        with pytest.raises(TimeoutError):
            bounded.recv(1)
        assert budget.exhausted


def test_look_at_the_socket_does_not_wait(pair: tuple[socket.socket, socket.socket]) -> None:
    budget = TimeBudget()
    bounded = BoundedSocket(pair[0], budget)
    bounded.settimeout(0)
    with budget.until(time.monotonic() + 60):
        left = budget.left
        with pytest.raises(BlockingIOError):
            bounded.recv(1)
        assert budget.left == left
    bounded.settimeout(5)
    pair[1].sendall(b"x")
    assert bounded.recv(1) == b"x"


# ---------------------------------------------------------------------------- connecting


def test_connection_shows_its_endpoint_alone() -> None:
    made: Any = BoundedConnection  # redis-py has abstract attributes that no connection of its own sets
    connection = made(
        endpoint=Endpoint("h", 7), budget=TimeBudget(), context=None, username="u", password="s3cret"
    )
    assert connection.repr_pieces() == [("endpoint", "h:7")] and "s3cret" not in repr(connection)
    assert connection._host_error() == "h:7" and connection._error_message(OSError("why")) == "why"
    local = made(endpoint=Endpoint(path="/r.sock"), budget=TimeBudget(), context=None)
    assert local._host_error() == "/r.sock"


@pytest.mark.parametrize("size", [LARGE, LARGE + 1])
def test_large_value_is_not_copied(size: int) -> None:
    made: Any = BoundedConnection
    connection = made(endpoint=Endpoint("h", 7), budget=TimeBudget(), context=None)
    value = b"x" * size
    commands = [
        ("MULTI",),
        ("SET", "status", value, "EX", 60),
        ("SETRANGE", "health", 3, "é"),
        ("DEL", "sync"),
        ("SET", "status", value),
    ]
    packed = connection.pack_commands(commands)
    assert b"".join(packed) == b"".join(AbstractConnection.pack_commands(connection, commands))
    assert sum(part is value for part in packed) == (2 if size > LARGE else 0)
    assert any(b"SETRANGE" in part and b"DEL" in part for part in packed)  # small ones are sent together
    assert connection.pack_commands([("PING",)]) == [b"*1\r\n$4\r\nPING\r\n"]


COMMANDS: tuple[tuple[Any, ...], ...] = (
    ("PING",),
    ("SET", "a key", b"a value", "NX", "PX", 24999),
    ("XINFO STREAM", "changes"),
    (b"CLIENT SETINFO", "LIB-NAME", "watchman"),
    ("XADD", "é", "MAXLEN", "~", 1.5, memoryview(b"a value")),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_packed_as_redis_py_does(command: tuple[Any, ...]) -> None:
    made: Any = BoundedConnection
    connection = made(endpoint=Endpoint("h", 7), budget=TimeBudget(), context=None)
    assert isinstance(connection._command_packer, Packer)
    assert connection.pack_command(*command) == HiredisRespSerializer().pack(*command)


def test_without_hiredis_redis_py_packs() -> None:
    made: Any = BoundedConnection
    redis_py = PythonRespSerializer(LARGE, str.encode)
    connection = made(endpoint=Endpoint("h", 7), budget=TimeBudget(), context=None, command_packer=redis_py)
    assert connection._command_packer is redis_py


def greet(connection: Connection) -> None:
    connection.forward(b"hello")


def test_tcp() -> None:
    with FakeServer(greet) as server:
        with connect(Endpoint(server.host, server.port), TimeBudget(), None) as opened:
            assert opened.recv(5) == b"hello"
            assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("r.sock")
        listener.listen()
        with connect(Endpoint(path="r.sock"), TimeBudget(), None) as opened:
            assert opened.family == socket.AF_UNIX
    with pytest.raises(FileNotFoundError):
        connect(Endpoint(path="none.sock"), TimeBudget(), None)


def addresses(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name have these ports of this host."""

    def look_up(host: str, port: int, *, type: int, flags: int) -> list[Any]:
        if flags == socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, type, 6, "", ("127.0.0.1", each)) for each in ports]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer(greet) as server:
        addresses(monkeypatch, free_port(), server.port)
        with connect(Endpoint("login01", 1), TimeBudget(), None) as opened:
            assert opened.getpeername()[1] == server.port


def test_last_failure_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses(monkeypatch, free_port(), free_port())
    with pytest.raises(ConnectionRefusedError):
        connect(Endpoint("login01", 1), TimeBudget(), None)
    addresses(monkeypatch)
    with pytest.raises(OSError, match="its name has no address"):
        connect(Endpoint("login01", 1), TimeBudget(), None)


def test_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(socket.gaierror, match="Name or service not known"):
        resolve(Endpoint("login01", 1), TimeBudget())


def test_number_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread was started"))
    assert resolve(Endpoint("127.0.0.1", 7), TimeBudget()) == [(socket.AF_INET, ("127.0.0.1", 7))]


# ---------------------------------------------------------------------------- threads


def test_first_good_answer_counts() -> None:
    go = threading.Event()

    def fail() -> str:
        raise OSError("down")

    def hang() -> str:
        go.wait()
        return "late"

    assert in_threads([hang, fail, lambda: "good"], TimeBudget()) == "good"
    go.set()


def test_failure_of_all_is_the_last_one() -> None:
    first = threading.Event()

    def early() -> None:
        first.set()
        raise OSError("early")

    def late() -> None:
        first.wait()
        time.sleep(0.01)
        raise OSError("late")

    with pytest.raises(OSError, match="late"):
        in_threads([late, early], TimeBudget())


def test_no_answer_in_time() -> None:
    go, budget = threading.Event(), TimeBudget()
    with pytest.raises(TimeoutError, match="no answer"):
        in_threads([go.wait], budget, 0.01)
    with budget.until(time.monotonic() + 0.01), pytest.raises(TimeoutError):
        in_threads([go.wait], budget)
    go.set()
