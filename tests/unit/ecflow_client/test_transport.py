"""Framing and limits, against servers over real sockets that lie, drip, hang and close."""

from __future__ import annotations

import errno
import socket
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.faulty_server import Connection, FakeServer, black_hole, http_server
from tests.support.loopback import free_port
from tests.unit.ecflow_client import replies
from tests.unit.ecflow_client.fake_server import SIZE, answering, ask, drain, framed, limits, trickling
from watchman_cli.ecflow_client import (
    Access,
    Client,
    ConnectionClosed,
    ConnectionRefused,
    EcflowError,
    HostUnreachable,
    Limits,
    NameUnresolved,
    NoAnswer,
    NotEcflow,
    OutOfResources,
    ReplyTooLarge,
    Stats,
)
from watchman_cli.ecflow_client.errors import OtherHttpServer
from watchman_cli.ecflow_client.transport import (
    FIRST_PIECE,
    HEADER_SIZE,
    TimedSocket,
    connect,
    exchange,
    is_local,
    receive,
    time_left,
    translate,
)

STATISTICS = bytes(replies.reply(replies.member("SStringCmd", str_=replies.STATISTICS)))


def test_a_reply_that_comes_byte_by_byte() -> None:
    pieces = [bytes([byte]) for byte in framed(STATISTICS)]
    with answering(*pieces) as server:
        found = ask(server).statistics
    assert found and found.instance and found.stats_count == 7


def test_what_comes_after_the_reply_is_left() -> None:
    with answering(framed(STATISTICS), b"and more") as server:
        assert ask(server).statistics


@pytest.mark.parametrize(
    "header", [b"-0000001", b"0x000001", b"1_000_00", b"        ", b"nothing!", b"\x00" * 8, b"1 1     "]
)
def test_a_length_that_is_none(header: bytes) -> None:
    with answering(header + STATISTICS) as server:
        with pytest.raises(NotEcflow):
            ask(server)


def test_a_gigabyte_announced_is_refused_and_costs_no_memory() -> None:
    tracemalloc.start()
    try:
        with answering(b"40000000", close=False) as server:
            with pytest.raises(ReplyTooLarge, match=r"larger than 1 MB$"):
                ask(server)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_announced_gigabyte_costs_no_memory() -> None:
    """Memory grows with the bytes that come: a few servers could fill it otherwise."""
    tracemalloc.start()
    try:
        with answering(b"40000000", b"x" * 1000) as server:
            with pytest.raises(ConnectionClosed):
                ask(server, within=limits(size=2 << 30))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_limit_itself_is_allowed() -> None:
    body = STATISTICS + b" " * (SIZE - len(STATISTICS))
    with answering(framed(body)) as server:
        assert ask(server).statistics
    with answering(framed(body + b" ")) as server:
        with pytest.raises(ReplyTooLarge):
            ask(server)


@pytest.mark.parametrize(
    ("head", "drip"), [(b"", b" "), (b"    ", b"1"), (b"  100000", b"x")], ids=["no header", "header", "body"]
)
def test_a_server_that_drips_does_not_move_the_deadline(head: bytes, drip: bytes) -> None:
    with trickling(head, drip) as server:
        within = limits(0.5)
        with pytest.raises((NoAnswer, NotEcflow)) as raised:
            ask(server, within=within)
        if len(head) == 8:
            assert isinstance(raised.value, NoAnswer)
        assert server.connections[0].client.fileno() >= 0  # it was still sending


def test_the_first_byte_has_a_deadline_of_its_own() -> None:
    with answering(close=False) as server:
        with pytest.raises(NoAnswer):  # long before the hour, at which this test had been ended
            ask(server, within=limits(3600, first=0.2))


def test_nobody_takes_the_connection() -> None:
    with black_hole() as (host, port):
        with pytest.raises(NoAnswer):
            Client(Access(host, port)).ask([Stats()], limits(0.3))


def test_nothing_listens() -> None:
    with pytest.raises(ConnectionRefused):
        Client(Access("127.0.0.1", free_port())).ask([Stats()], limits())


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid", "a..b", ""])
def test_a_name_that_does_not_resolve(host: str) -> None:
    with pytest.raises(EcflowError) as raised:
        Client(Access(host, 1)).ask([Stats()], limits())
    assert isinstance(raised.value, NameUnresolved) or host == ""


@pytest.mark.parametrize("sent", [0, 4, 8, 100])
def test_the_server_closes_early(sent: int) -> None:
    with answering(framed(STATISTICS)[:sent]) as server:
        with pytest.raises(ConnectionClosed) as raised:
            ask(server)
    assert raised.value.began == (sent > 0)
    assert raised.value.transient


def test_the_server_resets_the_connection() -> None:
    def behave(connection: Connection) -> None:
        drain(connection.client)
        connection.reset()

    with FakeServer(behave) as server:
        assert isinstance(server, FakeServer)
        with pytest.raises(ConnectionClosed):
            ask(server)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"hello", b"[" * 10_000, b'{"a":' * 10_000])
def test_a_body_that_is_no_reply(body: bytes) -> None:
    with answering(framed(body)) as server:
        with pytest.raises(NotEcflow):
            ask(server)


def test_a_real_http_server_is_recognised_at_once() -> None:
    with http_server() as (host, port):
        with pytest.raises(NotEcflow, match="an HTTP server answers there, not ecFlow"):
            Client(Access(host, port)).ask([Stats()], limits())


def test_a_server_over_ipv6() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(ConnectionRefused):
        Client(Access("::1", port)).ask([Stats()], limits())


class FailingSocket(TimedSocket):
    """A socket on which a piece fails to arrive, as in a shortage or at a reset."""

    pieces = 0  # that arrive before it
    failure: BaseException | None = None

    def recv_into(self, *arguments: Any) -> int:
        if self.failure and not self.pieces:
            raise self.failure
        self.pieces -= 1
        return super().recv_into(*arguments)


@pytest.fixture
def ends() -> Iterator[tuple[FailingSocket, socket.socket]]:
    """The two ends of a connection: watchman's, and the server's."""
    near, far = socket.socketpair()
    with FailingSocket(fileno=near.detach()) as own, far:
        own.deadline = time.monotonic() + 20
        yield own, far


Ends = tuple[FailingSocket, socket.socket]


def test_request_has_its_length_before_it(ends: Ends) -> None:
    own, far = ends
    far.sendall(framed(b"the reply"))
    assert exchange(own, b"x" * 43, limits()) == b"the reply"
    assert far.recv(100) == b"      2b" + b"x" * 43


def test_a_small_reply_is_received_at_once(ends: Ends) -> None:
    own, far = ends
    own.pieces, own.failure = 1, AssertionError()
    far.sendall(framed(b"r" * (FIRST_PIECE - HEADER_SIZE)))
    assert len(exchange(own, b"request", limits())) == FIRST_PIECE - HEADER_SIZE


@pytest.mark.parametrize("size", [0, 4, FIRST_PIECE - HEADER_SIZE, FIRST_PIECE, 3 * FIRST_PIECE])
def test_what_comes_after_the_reply_is_not_a_part_of_it(ends: Ends, size: int) -> None:
    own, far = ends
    far.sendall(framed(b"r" * size) + b"and more")
    assert exchange(own, b"request", limits()) == b"r" * size


def test_nothing_is_sent_after_the_deadline(ends: Ends) -> None:
    own, far = ends
    with pytest.raises(NoAnswer):
        exchange(own, b"request", Limits(time.monotonic() - 1, time.monotonic() + 20, SIZE))
    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        far.recv(1)


def test_bytes_that_came_are_not_taken_after_the_deadline(ends: Ends) -> None:
    own, far = ends
    far.sendall(b"ab")
    assert own.recv_into(bytearray(1)) == 1
    own.deadline = time.monotonic() - 1
    with pytest.raises(NoAnswer):
        own.recv_into(bytearray(1))


def test_the_body_has_a_deadline_of_its_own(ends: Ends) -> None:
    own, far = ends
    far.sendall(framed(b"body")[:HEADER_SIZE])
    with pytest.raises(NoAnswer):
        exchange(own, b"request", Limits(time.monotonic() + 20, time.monotonic() - 1, SIZE))


@pytest.mark.parametrize("pieces", [0, 1], ids=["before the header", "after it"])
def test_reset_connection_tells_whether_the_reply_began(ends: Ends, pieces: int) -> None:
    own, far = ends
    far.sendall(framed(b"body")[:HEADER_SIZE])
    own.pieces, own.failure = pieces, ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    with pytest.raises(ConnectionClosed) as raised:
        exchange(own, b"request", limits())
    assert raised.value.began is bool(pieces)


def test_memory_that_is_short_is_named(ends: Ends) -> None:
    own, _ = ends
    own.failure = MemoryError()
    with pytest.raises(OutOfResources, match=r"(?:^|\W)not enough memory for the server's reply$"):
        exchange(own, b"request", limits())


@pytest.mark.parametrize("header", [b"\t      1", b"X      1", b"1      \n", b"      +1", b"        "])
def test_length_has_only_blanks_before_its_digits(ends: Ends, header: bytes) -> None:
    own, far = ends
    far.sendall(header + b"r")
    with pytest.raises(NotEcflow):
        exchange(own, b"request", limits())


@pytest.mark.parametrize("header", [b"HTTP/1.1", b"<html><b"])
def test_page_is_of_an_http_server(ends: Ends, header: bytes) -> None:
    own, far = ends
    far.sendall(header)
    with pytest.raises(OtherHttpServer):
        exchange(own, b"request", limits())


def test_pieces_are_joined_behind_what_was_received(ends: Ends) -> None:
    own, far = ends
    far.sendall(b"and more, and what is not asked for")
    begun = bytearray(b"begun ")
    assert receive(own.recv_into, 8, begun) is begun
    assert begun == b"begun and more"
    assert receive(own.recv_into, 0) == b""
    assert receive(own.recv_into, 2, most=4) == b", an"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (TimeoutError(), NoAnswer, ""),
        (ConnectionRefusedError(), ConnectionRefused, ""),
        (OSError(errno.EHOSTUNREACH, "x"), HostUnreachable, ""),
        (OSError(errno.ENETUNREACH, "x"), HostUnreachable, ""),
        (OSError(errno.EMFILE, "Too many open files"), OutOfResources, "Too many open files"),
        (OSError(errno.ENOMEM, ""), OutOfResources, "no more sockets"),
        (ConnectionResetError(), ConnectionClosed, ""),
    ],
)
def test_error_of_a_socket_has_its_kind(error: OSError, kind: type[EcflowError], message: str) -> None:
    found = translate(error)
    assert type(found) is kind and str(found).endswith(message)
    if isinstance(found, ConnectionClosed):
        assert found.began is False


def test_closed_connection_keeps_whether_the_reply_began() -> None:
    found = translate(BrokenPipeError(), began=True)
    assert isinstance(found, ConnectionClosed) and found.began is True


def test_limits_of_a_minute_and_a_gigabyte_are_the_default() -> None:
    before = time.monotonic()
    within = Limits.within()
    assert before + 60 <= within.deadline <= time.monotonic() + 60
    assert within == Limits(within.deadline, within.deadline, 1 << 30)
    assert Limits.within(size=7).size == 7


def addresses(monkeypatch: pytest.MonkeyPatch, *found: tuple[int, tuple[str, int]]) -> None:
    """Let a name have these addresses."""

    def look_up(host: object, port: int, *, type: int, flags: int) -> list[Any]:
        return [(family, type, 6, "", address) for family, address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_first_address_that_takes_a_connection_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer(lambda connection: None) as server:
        closed, open_ = ("127.0.0.1", free_port()), (server.host, server.port)
        unusable = (socket.AF_UNIX + 1000, open_)  # a family that this machine has not
        addresses(monkeypatch, unusable, (socket.AF_INET, closed), (socket.AF_INET, open_))
        deadline = time.monotonic() + 20
        with connect("vm", 1, deadline) as connection:
            assert connection.getpeername() == open_
            assert connection.deadline == deadline
            assert connection.type == socket.SOCK_STREAM


def test_last_failure_is_named_if_no_address_takes_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = (socket.AF_INET, ("127.0.0.1", free_port()))
    unusable = (socket.AF_UNIX + 1000, ("127.0.0.1", 1))
    addresses(monkeypatch, unusable, closed)
    with pytest.raises(ConnectionRefused):
        connect("vm", 1, time.monotonic() + 20)
    addresses(monkeypatch, closed, unusable)
    with pytest.raises(HostUnreachable):
        connect("vm", 1, time.monotonic() + 20)
    addresses(monkeypatch)
    with pytest.raises(HostUnreachable):
        connect("vm", 1, time.monotonic() + 20)


def test_hung_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole() as hung, FakeServer(lambda connection: None) as server:
        open_ = (server.host, server.port)
        addresses(monkeypatch, (socket.AF_INET, hung), *[(socket.AF_INET, open_)] * 199)
        with connect("vm", 1, time.monotonic() + 20) as connection:  # a tenth of a second for each
            assert connection.getpeername() == open_


def test_each_address_has_its_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    given: list[float] = []
    monkeypatch.setattr(TimedSocket, "settimeout", lambda connection, seconds: given.append(seconds))
    with FakeServer(lambda connection: None) as server:
        closed, open_ = ("127.0.0.1", free_port()), (server.host, server.port)
        addresses(monkeypatch, *[(socket.AF_INET, closed)] * 2, (socket.AF_INET, open_))
        connect("vm", 1, 1012.0).close()
    assert given == [4.0, 6.0, 12.0]


def test_no_time_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    assert time_left(1000.5) == 0.5
    with pytest.raises(NoAnswer):
        time_left(1000.0)  # 0 seconds would mean not to wait


@pytest.mark.parametrize("received", [0, 1])
def test_connection_that_closes_tells_whether_a_byte_came(received: int) -> None:
    counts = iter([1] * received + [0])
    with pytest.raises(ConnectionClosed) as raised:
        receive(lambda piece: next(counts), 4)
    assert raised.value.began is bool(received)


def test_no_connection_is_tried_after_the_deadline() -> None:
    with FakeServer(lambda connection: None) as server:
        with pytest.raises(NoAnswer):
            connect(server.host, server.port, time.monotonic() - 1)
        assert not server.accepted.acquire(blocking=False)


def test_server_on_this_host_is_local() -> None:
    with FakeServer(lambda connection: None) as server:
        with connect(server.host, server.port, time.monotonic() + 20) as connection:
            assert is_local(connection) is True
        with socket.socket() as other:
            other.bind(("127.0.0.2", 0))
            other.connect((server.host, server.port))
            assert is_local(other) is False
