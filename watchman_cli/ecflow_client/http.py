"""The same JSON over HTTP and HTTPS, as `ecflow_server --http` takes it (since ecFlow 5.14).

Sources: libs/base/src/ecflow/base/HttpClient.cpp; of tokens, ClientEnvironment.cpp.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from pathlib import Path
from typing import Any

from watchman_cli.ecflow_client.access import Access
from watchman_cli.ecflow_client.errors import (
    AccessRefused,
    ConnectionClosed,
    EcflowError,
    NotEcflow,
    OtherHttpServer,
    OutOfResources,
    ReplyTooLarge,
)
from watchman_cli.ecflow_client.transport import PIECE, Limits, receive, translate

PATH = "/v1/ecflow"
_KEY = re.compile(r"[!-~]+")
LINE_SIZE = 1 << 10  # bytes of a line between chunks
TRAILERS = 100  # lines after the last chunk
_LENGTH = re.compile(r"[0-9]{1,16}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LINE_ENDS = (b"\r\n", b"\n")
_REFUSED = (401, 403, 407)
_FOR_NOW = (429, 502, 503, 504)  # what a proxy says while the server behind it is away


class TokenError(EcflowError):
    """The file of tokens cannot be read; says why."""

    kind = "authentication"


def exchange(
    connection: Any, access: Access, request: bytes, limits: Limits, headers: Mapping[str, str], user: str
) -> bytearray:
    """Post a request's body and return the reply's. Raises EcflowError."""
    client = HTTPConnection(access.host, access.port)
    client.sock = connection
    connection.deadline = limits.first_by
    try:
        client.request("POST", PATH, request, {"Content-Type": "application/json", **headers})
        response = client.getresponse()
        connection.deadline = limits.deadline
        _check(response, user)
        return _body(response, limits.size)
    except MemoryError as error:
        raise OutOfResources("no memory for what the server sent") from error
    except RemoteDisconnected as error:
        raise ConnectionClosed from error
    except HTTPException as error:
        raise NotEcflow from error
    except OSError as error:
        raise translate(error) from error


def _check(response: HTTPResponse, user: str) -> None:
    """Raise EcflowError where the answer is not ecFlow's."""
    if response.status in _REFUSED:
        raise AccessRefused(user)
    if response.status in _FOR_NOW:
        raise ProxyFailed(response.status)
    if response.status != 200:
        raise OtherHttpServer


class ProxyFailed(EcflowError):
    """A proxy answered in place of the server; `status` is HTTP's."""

    transient = True

    def __init__(self, status: int) -> None:
        super().__init__(f"the HTTP proxy before the server answered {status}")


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


def authorization(
    url: str, chosen: str | None, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the header with the token for a server's URL; nothing where no file has one.

    The file is `chosen`, else that of ECF_AUTHTOKENS, else ~/.ecflowapirc. In it, a server is a regular
    expression that the whole URL matches. Raises TokenError.
    """
    path = chosen or environment.get("ECF_AUTHTOKENS")
    if not path:
        path = str(Path(environment.get("HOME", "/")) / ".ecflowapirc")
        if not Path(path).exists():
            return {}
    try:
        document = json.loads(Path(path).read_text())
        for token in document["tokens"]:
            if re.fullmatch(token["server"], url):
                return {"Authorization": _credentials(token)}
    except OSError as error:
        raise TokenError(f"{path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise TokenError(f"{path}: it is not a file of ecFlow's API tokens") from error
    return {}


def _credentials(token: Mapping[str, Any]) -> str:
    """Return what HTTP's Authorization takes, of one entry in a file of tokens."""
    api = token["api"]
    if token["type"] == "bearer":
        if not _KEY.fullmatch(api["key"]):  # a header's value, to which a new line would add another
            raise ValueError
        return f"Bearer {api['key']}"
    if token["type"] == "basic":
        pair = f"{api['username']}:{api['password']}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    raise ValueError
