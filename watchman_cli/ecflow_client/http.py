"""The same JSON over HTTP and HTTPS, as `ecflow_server --http` takes it (since ecFlow 5.14).

Source: libs/base/src/ecflow/base/HttpClient.cpp.
"""

from __future__ import annotations

import re
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

from .access import Access
from .credentials import Credentials
from .errors import (
    ConnectionClosed,
    HttpRefused,
    NotEcflow,
    OtherHttpServer,
    OutOfResources,
    ProxyFailed,
    Redirected,
    ReplyTooLarge,
)
from .transport import PIECE, Limits, receive, translate

PATH = "/v1/ecflow"
LINE_SIZE = 1 << 10  # bytes of a line between chunks
TRAILERS = 100  # lines after the last chunk
_LENGTH = re.compile(r"[0-9]{1,16}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LINE_ENDS = (b"\r\n", b"\n")
_REFUSED = (401, 403, 407)
_REDIRECTED = (301, 302, 303, 307, 308)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", re.ASCII)
_FOR_NOW = (429, 502, 503, 504)  # what a proxy says while the server behind it is away


def exchange(
    connection: Any, access: Access, request: bytes, limits: Limits, credentials: Credentials | None
) -> bytearray:
    """Post a request's body and return the reply's. Raises EcflowError."""
    client = HTTPConnection(access.host, access.port)
    client.sock = connection
    headers = {"Content-Type": "application/json", **(credentials.header if credentials else {})}
    connection.deadline = limits.first_by
    try:
        client.request("POST", PATH, request, headers)
        response = client.getresponse()
        connection.deadline = limits.deadline
        _check(response, access, credentials)
        return _body(response, limits.size)
    except MemoryError as error:
        raise OutOfResources("not enough memory for the server's reply") from error
    except RemoteDisconnected as error:
        raise ConnectionClosed from error
    except HTTPException as error:
        raise NotEcflow from error
    except OSError as error:
        raise translate(error) from error


def _check(response: HTTPResponse, access: Access, credentials: Credentials | None) -> None:
    """Raise EcflowError if the answer is not ecFlow's."""
    if response.status in _REFUSED:
        known = credentials or Credentials({}, "nothing", None)
        withheld = bool(access.password) and access.protocol == "http"
        raise HttpRefused(response.status, access.user, access.url, known.sent, known.tokens, withheld)
    if response.status in _FOR_NOW:
        raise ProxyFailed(response.status)
    if response.status in _REDIRECTED:
        differences = _differences(response.getheader("Location") or "", access)
        if differences:
            raise Redirected(differences)
    if response.status != 200:
        raise OtherHttpServer


def _differences(location: str, access: Access) -> dict[str, str | int]:
    """Return the parts of a redirection's address that differ; none if it leads from https to http."""
    try:
        url = urlsplit(location)
        usual = {"http": 80, "https": 443}[url.scheme]
        port = url.port or usual
    except (KeyError, ValueError):
        return {}
    if (access.protocol, url.scheme) == ("https", "http"):
        return {}
    host = url.hostname or ""
    differences: dict[str, str | int] = {}
    if url.scheme != access.protocol:
        differences["protocol"] = url.scheme
    if host.lower() != access.host.lower() and _HOST.fullmatch(host):
        differences["host"] = host
    if port != access.port:
        differences["port"] = port
    return differences


def _body(response: HTTPResponse, limit: int) -> bytearray:
    """Read a response's body, of at most `limit` bytes.

    http.client takes `-1`, `+1` and `0x1` for a length. So the lengths are read here.
    """
    file: Any = response.fp
    if response.chunked:
        return _chunks(file, limit)
    announced = set(response.headers.get_all("Content-Length", ()))
    if not announced:
        return _until_closed(file, limit)
    (length, *others) = announced
    if others or not _LENGTH.fullmatch(length):
        raise NotEcflow
    if int(length) > limit:
        raise ReplyTooLarge(limit)
    return receive(file.readinto1, int(length))


def _until_closed(file: Any, limit: int) -> bytearray:
    """Read a body that ends with the connection."""
    body = bytearray()
    while piece := file.read1(PIECE):
        body += piece
        if len(body) > limit:
            raise ReplyTooLarge(limit)
    return body


def _chunks(file: Any, limit: int) -> bytearray:
    """Read a body in chunks, and the trailers after it (RFC 9112, 7.1)."""
    body = bytearray()
    while size := _chunk_size(file):
        if len(body) + size > limit:
            raise ReplyTooLarge(limit)
        receive(file.readinto1, size, body)
        if _line(file) not in _LINE_ENDS:
            raise NotEcflow
    for _ in range(TRAILERS):
        if _line(file) in _LINE_ENDS:
            return body
    raise NotEcflow


def _chunk_size(file: Any) -> int:
    match = _CHUNK.fullmatch(_line(file))
    if match is None:
        raise NotEcflow
    return int(match[1], 16)


def _line(file: Any) -> bytes:
    """Return a line with its end. Raises NotEcflow if it is too long."""
    line: bytes = file.readline(LINE_SIZE)
    if line.endswith(b"\n"):
        return line
    if len(line) == LINE_SIZE:
        raise NotEcflow
    raise ConnectionClosed(began=True)
