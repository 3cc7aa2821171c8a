"""Framing and limits, against servers over real sockets that lie, drip, hang and close."""

from __future__ import annotations

import socket
import tracemalloc

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
    NameUnresolved,
    NoAnswer,
    NotEcflow,
    ReplyTooLarge,
    Stats,
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
