"""Requests over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.receiver import Receiver
from watchman_cli.notify.attempt import NotDelivered
from watchman_cli.notify.http import Connection, shown


def soon() -> float:
    return time.monotonic() + 30


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def why(connection: Connection) -> tuple[str, bool]:
    with pytest.raises(NotDelivered) as caught:
        connection.request("GET")
    return str(caught.value), caught.value.transient


def test_request_is_sent_as_it_is_given(receiver: Receiver) -> None:
    connection = Connection(receiver.url + "?a=b", soon())
    connection.request("POST", "/api", b"{}", {"X-Name": "value"})
    connection.request("GET")
    connection.close()
    first, second = receiver.requests
    assert (first.method, first.path, first.body) == ("POST", "/hook/api?a=b", b"{}")
    assert first.headers["X-Name"] == "value"
    assert (second.method, second.path) == ("GET", "/hook?a=b")


def test_slash_at_the_end_of_a_path_is_not_doubled(receiver: Receiver) -> None:
    connection = Connection(receiver.url + "/", soon())
    connection.request("GET", "/fail")
    connection.request("GET")
    assert [each.path for each in receiver.requests] == ["/hook/fail", "/hook/"]


@pytest.mark.parametrize(
    ("status", "transient"),
    [(200, None), (202, None), (301, False), (400, False), (408, True), (429, True), (500, True)],
)
def test_only_2xx_is_a_success(status: int, transient: bool | None) -> None:
    with Receiver([status]) as receiver:
        connection = Connection(receiver.url, soon())
        if transient is None:
            connection.request("GET")
        else:
            assert why(connection) == (f"HTTP {status}", transient)
            connection.request("GET")  # the connection is usable


def test_nothing_listens() -> None:
    with Receiver() as receiver:
        url = receiver.url
    assert why(Connection(url, soon())) == ("connection refused", True)


def test_connection_that_the_receiver_closed_is_opened_again(receiver: Receiver) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

    def close_once() -> None:
        listener.accept()[0].close()
        answering = listener.accept()[0]
        answering.recv(65536)
        answering.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        answering.close()

    thread = threading.Thread(target=close_once)
    thread.start()
    connection = Connection(url, soon())
    assert why(connection) == ("the connection was closed", True)
    connection.request("GET")
    thread.join()
    listener.close()


def test_answer_that_is_not_http() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        accepted = listener.accept()[0]
        accepted.recv(65536)
        accepted.sendall(b"220 mail secret\r\n")
        accepted.close()

    thread = threading.Thread(target=talk)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    assert why(Connection(url, soon())) == ("the answer is not HTTP", True)
    thread.join()
    listener.close()


def test_no_answer_in_time() -> None:
    with Receiver([0]) as receiver:
        assert why(Connection(receiver.url, time.monotonic() + 0.2)) == ("no answer in time", True)
    assert why(Connection("http://127.0.0.1:9/", time.monotonic() - 1)) == ("no answer in time", True)


def test_stop_ends_a_request_of_another_thread() -> None:
    with Receiver([0]) as receiver:
        connection = Connection(receiver.url, soon())
        failed: list[str] = []

        def ask() -> None:
            failed.append(why(connection)[0])

        thread = threading.Thread(target=ask)
        thread.start()
        assert receiver.got.wait(30)
        connection.stop()
        thread.join(30)
        assert failed == ["the connection was closed"]
        assert why(connection)[0] == "no answer in time"


def test_unknown_name_and_untrusted_certificate_are_named() -> None:
    assert why(Connection("http://no-such-host/", soon())) == ("unknown host name", True)
    with Receiver() as receiver:
        message, _ = why(Connection(receiver.url.replace("http:", "https:"), soon()))
        assert message.startswith("TLS failed: ")


def test_message_has_no_path() -> None:
    assert shown("https://hooks.example.org:8443/secret?token=1") == "https://hooks.example.org:8443"
