"""HTTP as a proxy or `ecflow_server --http` speaks it, and tokens, over real sockets."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty_server import Connection, FakeServer
from tests.unit.ecflow_client import replies
from tests.unit.ecflow_client.fake_server import SIZE, answering, ask, limits, trickling
from tests.unit.ecflow_client.test_credentials import BASIC, BEARER, tokens
from watchman_cli.ecflow_client import (
    Access,
    Client,
    ConnectionClosed,
    EcflowError,
    NoAnswer,
    NotEcflow,
    ReplyTooLarge,
    Stats,
    http,
)
from watchman_cli.ecflow_client.errors import HttpRefused, Redirected

BODY = bytes(replies.reply(replies.member("SStringCmd", str_=replies.STATISTICS)))
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def with_length(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, size: int = 100) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


LAYOUTS = {
    "a length": with_length(BODY),
    "chunks": chunked(BODY),
    "until it closes": OK + b"\r\n" + BODY,
    "HTTP/1.0": with_length(BODY).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "100 Continue first": b"HTTP/1.1 100 Continue\r\n\r\n" + with_length(BODY),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_reply(layout: str) -> None:
    with answering(LAYOUTS[layout]) as server:
        found = ask(server, "http").statistics
    assert found and found.instance


@pytest.mark.parametrize("layout", ["a length", "chunks", "until it closes"])
def test_reply_may_have_the_size_that_is_allowed_and_no_more(layout: str) -> None:
    with answering(LAYOUTS[layout]) as server:
        assert ask(server, "http", within=limits(size=len(BODY))).statistics
        with pytest.raises(ReplyTooLarge) as raised:
            ask(server, "http", within=limits(size=len(BODY) - 1))
    assert raised.value.limit == len(BODY) - 1


@pytest.mark.parametrize("layout", ["a length", "chunks"])
def test_a_reply_that_ends_early(layout: str) -> None:
    with answering(LAYOUTS[layout][:-40]) as server:
        with pytest.raises(ConnectionClosed) as raised:
            ask(server, "http")
    assert raised.value.began and raised.value.transient


def test_nothing_is_answered() -> None:
    with answering() as server:
        with pytest.raises(ConnectionClosed):
            ask(server, "http")


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 1073741824\r\n\r\n",
        OK + b"\r\n" + b" " * (3 * SIZE),
        chunked(b" " * (3 * SIZE), 1 << 16),
    ],
    ids=["announced", "until it closes", "chunks"],
)
def test_a_reply_that_is_too_large(answer: bytes) -> None:
    with answering(answer) as server:
        with pytest.raises(ReplyTooLarge):
            ask(server, "http")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        OK + b"Content-Length: 100000\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ],
    ids=["no line", "headers", "body", "chunk"],
)
def test_a_server_that_drips_does_not_move_the_deadline(head: bytes) -> None:
    with trickling(head, b"x") as server:
        with pytest.raises(NoAnswer):
            ask(server, "http", within=limits(0.3))


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "size", [b"-1", b"+8", b"0x8", b"1_0", b" 8", b"", b"8 8", b"f" * 17, b"8;" + b"x" * 2000]
)
def test_invalid_chunk_size_is_refused(size: bytes) -> None:
    """Python's int() takes some of them; with -1, http.client reads for ever."""
    with answering(CHUNKED + size + b"\r\n" + b"x" * (2 * SIZE)) as server:
        with pytest.raises(NotEcflow):
            ask(server, "http")


@pytest.mark.parametrize("size", [b"7fffffffffffffff", b"100001"])
def test_chunk_above_the_limit_is_refused(size: bytes) -> None:
    with answering(CHUNKED + size + b"\r\n" + b"x" * (2 * SIZE)) as server:
        with pytest.raises(ReplyTooLarge):
            ask(server, "http")


def test_chunk_with_an_extension_and_trailers() -> None:
    body = b"%x;name=value\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(BODY), BODY)
    with answering(CHUNKED + body) as server:
        assert ask(server, "http").statistics


@pytest.mark.parametrize("length", [b"-1", b"+8", b"1_0", b"0x8", b"", b"8\r\nContent-Length: 9"])
def test_invalid_length_is_refused(length: bytes) -> None:
    with answering(OK + b"Content-Length: " + length + b"\r\n\r\n" + BODY) as server:
        with pytest.raises(NotEcflow):
            ask(server, "http")


@pytest.mark.parametrize(
    ("head", "flood"),
    [
        (CHUNKED + b"0\r\n", b"X-Trailer: value\r\n"),
        (CHUNKED + b"0\r\n", b"x" * 100),
        (CHUNKED + b"8", b" " * 100),
        (OK, b"X-Header: value\r\n"),
        (OK + b"X: ", b"x" * 100),
    ],
    ids=["trailers", "one trailer", "chunk size", "headers", "one header"],
)
def test_endless_lines_are_refused(head: bytes, flood: bytes) -> None:
    with answering(head + flood * 2000, close=False) as server:
        with pytest.raises(NotEcflow):
            ask(server, "http")


@pytest.mark.parametrize(
    "head", [OK + b"Content-Length: 1073741824\r\n\r\n", CHUNKED + b"40000000\r\n"], ids=["length", "chunk"]
)
def test_announced_gigabyte_costs_no_memory(head: bytes) -> None:
    """Memory grows with the bytes that come: a few servers could fill it otherwise."""
    tracemalloc.start()
    try:
        with answering(head + b"x" * 1000) as server:
            with pytest.raises(ConnectionClosed):
                ask(server, "http", within=limits(size=2 << 30))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def status(code: int) -> bytes:
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: 6\r\n\r\nsecret" % code


@pytest.mark.parametrize("code", [401, 403, 407])
def test_a_user_or_token_that_is_refused(code: int) -> None:
    advice = rf"the server refused the user fred \(HTTP {code}\)$"
    with answering(status(code)) as server:
        with pytest.raises(HttpRefused, match=advice) as raised:
            ask(server, "http")
    assert (raised.value.sent, raised.value.tokens, raised.value.withheld) == ("nothing", None, False)


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_proxy_without_its_server_is_asked_again(code: int) -> None:
    with answering(status(code)) as server:
        with pytest.raises(EcflowError, match=f"the HTTP proxy before the server answered {code}") as raised:
            ask(server, "http")
    assert raised.value.transient


@pytest.mark.parametrize("code", [204, 301, 404, 500])
def test_another_http_server(code: int) -> None:
    with answering(status(code)) as server:
        with pytest.raises(NotEcflow, match="an HTTP server answers there, not ecFlow"):
            ask(server, "http")


# -------------------------------------------------------------------------------------------- tokens


class Asked:
    """A server that notes the request's head, and answers."""

    def __init__(self) -> None:
        self.head = b""

    def __call__(self, connection: Connection) -> None:
        while b"\r\n\r\n" not in self.head:
            self.head += connection.client.recv(1 << 16)
        connection.forward(with_length(BODY))


@pytest.mark.parametrize(
    ("entry", "header"),
    [(BEARER, b"Authorization: Bearer abc-123\r\n"), (BASIC, b"Authorization: Basic ZnJlZDpzM2NyZXQl\r\n")],
    ids=["bearer", "basic"],
)
def test_a_token_goes_to_its_server_only(tmp_path: Path, entry: dict[str, Any], header: bytes) -> None:
    asked = Asked()
    with FakeServer(asked) as server:
        assert isinstance(server, FakeServer)
        other = {"server": "http://127.0.0.1:1", "type": "bearer", "api": {"key": "not-this-one"}}
        path = tokens(tmp_path, other, {"server": "http://127[.].*", **entry})
        assert ask(server, "http", tokens=path).statistics
        assert header in asked.head
        assert asked.head.startswith(b"POST /v1/ecflow HTTP/1.1\r\n")
        assert b"\r\nContent-Type: application/json\r\n" in asked.head
        assert b"not-this-one" not in asked.head
        assert f"Host: {server.host}:{server.port}".encode() in asked.head
        asked.head = b""
        assert ask(server, "http", tokens=tokens(tmp_path, other)).statistics
    assert b"Authorization" not in asked.head


def test_a_token_that_is_refused_or_for_another_server_is_named(tmp_path: Path) -> None:
    with answering(status(401)) as server:
        url = f"http://127.0.0.1:{server.port}"
        path = tokens(tmp_path, {"server": "http://.*", **BEARER})
        with pytest.raises(HttpRefused) as raised:
            ask(server, "http", tokens=path)
        assert (raised.value.sent, raised.value.tokens, raised.value.url) == ("token", path, url)
        path = tokens(tmp_path, {"server": "http://another.*", **BEARER})
        with pytest.raises(HttpRefused) as raised:
            ask(server, "http", tokens=path)
        assert (raised.value.sent, raised.value.tokens, raised.value.url) == ("nothing", path, url)


def test_a_password_is_not_sent_over_http() -> None:
    asked = Asked()
    with FakeServer(asked) as server:
        access = Access(server.host, server.port, "http", "fred", "s3cret%")
        assert Client(access).ask([Stats()], limits()).statistics
    assert b"Authorization" not in asked.head and b"s3cret" not in asked.head
    with answering(status(401)) as server:
        access = Access(server.host, server.port, "http", "fred", "s3cret%")
        with pytest.raises(HttpRefused) as raised:
            Client(access).ask([Stats()], limits())
    assert (raised.value.sent, raised.value.withheld) == ("nothing", True)


def redirecting(location: str) -> bytes:
    return b"HTTP/1.1 301 Moved\r\nLocation: %s\r\nContent-Length: 6\r\n\r\nsecret" % location.encode()


@pytest.mark.parametrize(
    ("location", "differences"),
    [
        ("https://127.0.0.1/v1/ecflow", {"protocol": "https", "port": 443}),
        ("https://127.0.0.1:8443/v1/ecflow", {"protocol": "https", "port": 8443}),
        ("http://front:80/x", {"host": "front", "port": 80}),
        ("http://front/x", {"host": "front", "port": 80}),
        ("https://:8443/x", {"protocol": "https", "port": 8443}),
    ],
)
def test_a_redirection_is_named(location: str, differences: dict[str, str | int]) -> None:
    with answering(redirecting(location)) as server:
        with pytest.raises(Redirected, match=r"redirects to another address$") as raised:
            ask(server, "http")
    assert raised.value.differences == differences


@pytest.mark.parametrize(
    ("location", "differences"),
    [
        ("https://Front.example.org:3141/x", {}),
        ("https://front.example.org", {"port": 443}),
        ("https://other.example.org:3141", {"host": "other.example.org"}),
        ("http://front.example.org:3141", {}),  # it would send the password in clear
        ("http://other.example.org:80", {}),
        ("", {}),
    ],
)
def test_advice_of_a_redirection_never_leads_from_https_to_http(
    location: str, differences: dict[str, str | int]
) -> None:
    assert http._differences(location, Access("front.EXAMPLE.org", 3141, "https")) == differences


@pytest.mark.parametrize(
    "location", ["", "/elsewhere", "ftp://h:1", "https://[", "http://h:port", "javascript:x"]
)
def test_a_redirection_to_no_address(location: str) -> None:
    with answering(redirecting(location)) as server:
        with pytest.raises(NotEcflow, match="an HTTP server answers there, not ecFlow"):
            ask(server, "http")


def test_a_host_in_a_redirection_is_a_hosts_name_or_left_out() -> None:
    with answering(redirecting("https://`x`:5/")) as server:
        with pytest.raises(Redirected) as raised:
            ask(server, "http")
    assert raised.value.differences == {"protocol": "https", "port": 5}
