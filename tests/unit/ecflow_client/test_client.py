"""The client: which protocol a server speaks is found out without a proof of the user."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.support.faulty_server import Connection, FakeServer
from tests.unit.ecflow_client.fake_server import framed, limits, receive_whole
from tests.unit.ecflow_client.replies import STATISTICS, member, reply
from watchman_cli.ecflow_client import Access, Client, Limits, NotEcflow, Stats, WrongProtocol
from watchman_cli.ecflow_client.password import encrypt

ANSWER = bytes(reply(member("SStringCmd", str_=STATISTICS)))
HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
SECRET = "s3cret%"


class Recording:
    """A server that records all requests, and answers each in the protocol of the request."""

    def __init__(self, http: bytes, tcp: bytes) -> None:
        self.http, self.tcp = http, tcp
        self.received: list[bytes] = []
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        got = receive_whole(connection.client)
        with self._lock:
            self.received.append(got)
        connection.forward(self.http if got.startswith(b"POST") else self.tcp)
        connection.client.shutdown(socket.SHUT_WR)  # nothing more comes


@pytest.mark.parametrize(("asked", "spoken"), [("tcp", "http"), ("http", "tcp")])
def test_protocol_is_identified_without_password_and_token(asked: str, spoken: str) -> None:
    """Any program may listen at the port, and answer."""
    no_ecflow = b"no ecFlow server"
    recording = Recording(
        HTTP if spoken == "http" else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        framed(ANSWER) if spoken == "tcp" else no_ecflow,
    )
    with FakeServer(recording) as server:
        access = Access(server.host, server.port, asked, user="fred", password=SECRET)
        with pytest.raises(WrongProtocol) as raised:
            Client(access).ask([Stats()], limits())
    assert (raised.value.asked, raised.value.spoken) == (asked, spoken)
    first, *others = recording.received
    assert len(others) >= 1
    proof = encrypt(SECRET, "fred").encode()
    assert proof in first
    assert not any(proof in request or SECRET.encode() in request for request in others)
    assert not any(b"Authorization" in request or b"fred" in request for request in others)


def test_no_protocol_is_named_if_none_is_spoken() -> None:
    recording = Recording(b"no", b"no ecFlow server")
    with FakeServer(recording) as server:
        with pytest.raises(NotEcflow):
            Client(Access(server.host, server.port, password=SECRET, user="fred")).ask([Stats()], limits())


def test_request_has_the_clients_timeout() -> None:
    with FakeServer(lambda connection: None) as server:
        client = Client(Access(server.host, server.port), timeout=0.2)
        with pytest.raises(Exception, match="no answer in time"):
            client.stats()
    assert client.requests == 1


def test_limits_within_seconds() -> None:
    found = Limits.within(5, size=7)
    assert found.first_by == found.deadline and (found.size, found.work) == (7, None)
    assert 0 < Limits.within(10).deadline - found.deadline < 6
