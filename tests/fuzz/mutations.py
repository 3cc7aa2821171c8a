"""Mutations of a reply's body, and of the bytes in which it is sent."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from typing import NamedTuple

HTTP_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WORDS = (
    b"queued", b"aborted", b"complete", b"active", b"unknown", b"suspended:1", b"state:", b"task ",
    b"family ", b"suite ", b"endfamily", b"endsuite", b"rid:", b"abort<:", b" # ", b"\\n", b"\n",
    b'"', b"{", b"}", b"[", b"]", b"2147483649", b"-1", b"null", b"true", b"1e9",
    b"NodeStateMemento", b"OrderMemento", b"SSyncCmd", b"\xff", b"\\",
)  # fmt: skip


class Sent(NamedTuple):
    """The pieces in which a reply is sent. With `hang`, the connection is left open after them."""

    pieces: tuple[bytes, ...]
    hang: bool = False


def mutate_body(rng: random.Random, body: bytes) -> bytes:
    """Return a body of which a few bytes, words, lines or ranges are others."""
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        body = rng.choice(BODIES)(rng, body) or b" "
    return body


def _flip(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1 :]


def _cut(rng: random.Random, body: bytes) -> bytes:
    start, size = rng.randrange(len(body)), rng.choice((1, 2, 10, 100, 5000))
    return body[:start] + body[start + size :]


def _end(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body))]


def _repeat(rng: random.Random, body: bytes) -> bytes:
    start, size = rng.randrange(len(body)), rng.choice((1, 10, 100, 5000))
    return body[: start + size] + body[start:]


def _insert(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + rng.choice((*WORDS, rng.randbytes(8), b"[" * 5000)) + body[at:]


def _word(rng: random.Random, body: bytes) -> bytes:
    """Put one known word in the place of another."""
    word = rng.choice(WORDS)
    places = [found.start() for found in re.finditer(re.escape(word), body)]
    if not places:
        return body
    at = rng.choice(places)
    return body[:at] + rng.choice(WORDS) + body[at + len(word) :]


def _number(rng: random.Random, body: bytes) -> bytes:
    places = list(re.finditer(rb"\d+", body))
    if not places:
        return body
    found = rng.choice(places)
    value = rng.choice((b"0", b"-1", b"7", b"2147483648", b"9" * 30, b"1.5"))
    return body[: found.start()] + value + body[found.end() :]


def _lines(rng: random.Random, body: bytes) -> bytes:
    """Remove, repeat or swap lines, of the JSON or of the definition in it."""
    separator = rng.choice((b"\n", b"\\n"))
    lines = body.split(separator)
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(3)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[other])
    else:
        lines[at], lines[other] = lines[other], lines[at]
    return separator.join(lines)


BODIES = (_flip, _flip, _cut, _end, _repeat, _insert, _word, _word, _number, _lines, _lines)


def send_tcp(rng: random.Random, body: bytes, spoil: bool) -> Sent:
    """Return a body in ecFlow's framing, which is spoilt or not."""
    header = b"%8x" % len(body)
    if not spoil:
        return Sent(_pieces(rng, header + body))
    how = rng.randrange(7)
    if how == 0:
        header = rng.choice(
            (b"-0000001", b"0x000001", b"        ", b"3ffffff0", b"ffffffff", b"HTTP/1.1", rng.randbytes(8))
        )
    elif how == 1:
        header = b"%8x" % max(0, len(body) + rng.choice((-1, 1, -100, 100, 1 << 20)))
    elif how == 2:
        body = body[: rng.randrange(len(body) + 1)]
    elif how == 3:
        header = header[: rng.randrange(8)]
        body = b""
    elif how == 4:
        body += rng.randbytes(100)
    elif how == 5:
        header, body = b"", b""
    else:
        return Sent(((header + body)[: rng.randrange(len(body))],), hang=rng.random() < 0.1)
    return Sent(_pieces(rng, header + body))


def send_http(rng: random.Random, body: bytes, spoil: bool) -> Sent:
    """Return a body as an HTTP response, which is spoilt or not."""
    if rng.random() < 0.5:
        response = HTTP_OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    else:
        size = rng.choice((1000, 5000, 100_000))
        chunks = [body[start : start + size] for start in range(0, len(body), size)]
        response = HTTP_OK + b"Transfer-Encoding: chunked\r\n\r\n"
        response += b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    if not spoil:
        return Sent(_pieces(rng, response))
    how = rng.randrange(6)
    head, _, rest = response.partition(b"\r\n\r\n")
    if how == 0:
        length = rng.choice(
            (b"-1", b"+1", b"0", b"99999999999999999999", b"1073741824", b"x", b"%d" % (len(body) + 1))
        )
        response = re.sub(rb"Content-Length: \d+", b"Content-Length: " + length, head) + b"\r\n\r\n" + rest
    elif how == 1:
        line = rng.choice((b"-1\r\n", b"7fffffff\r\n", b"+a\r\n", b"zz\r\n", b"0\r\n\r\n", b"\r\n"))
        response = head + b"\r\n\r\n" + line + rest
    elif how == 2:
        response = response[: rng.randrange(len(response))]
        return Sent((response,), hang=rng.random() < 0.05)
    elif how == 3:
        response = _flip(rng, head) + b"\r\n\r\n" + rest
    elif how == 4:
        status = rng.choice(
            (b"204 No", b"301 Moved", b"401 No", b"500 Error", b"502 Bad", b"100 Continue", b"999 ?")
        )
        response = response.replace(b"200 OK", status, 1)
    else:
        response = head + b"\r\n" + b"X-Header: value\r\n" * rng.choice((1, 50, 200)) + b"\r\n" + rest
    return Sent(_pieces(rng, response))


def _pieces(rng: random.Random, data: bytes) -> tuple[bytes, ...]:
    """Return the data in a few pieces."""
    cuts = sorted({0, *(rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 0, 1, 3)))), len(data)})
    return tuple(data[start:end] for start, end in pairwise(cuts))
