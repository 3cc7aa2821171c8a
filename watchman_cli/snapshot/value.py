"""The snapshot's bytes: their layout, and their check.

The value is one JSON object. Its first key is `collected_time`, so that the time is at a fixed offset and can
be set in place. Its last key is `status_records`. A JSON reader sees no difference.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Union

import orjson

from watchman_cli import schema
from watchman_cli.errors import BadSnapshot
from watchman_cli.snapshot.record import BETWEEN

FORMAT = 2  # of the value's layout; a reader of the two keys of format 1 need not know
TIME_OFFSET = len('{"collected_time":"')
TIME_SIZE = len("2026-11-24T00:12:57.123456+00:00")
HEAD_SIZE = 256  # bytes, enough for everything before the records
CHECKED_TOGETHER = 1 << 17  # bytes of records that are decoded at once, to be checked; more leave the caches
_HEAD = re.compile(
    rb'\{"collected_time":"([\dT:.+-]{32})","revision":"([0-9a-f]{32})","server_state":"([A-Z]+)",'
    rb'"format":(\d+),"status_records":\['
)
_TAIL = b"]}"
_ANOTHER = "the snapshot in the store is another"

Piece = Union[bytes, memoryview]


class Head(NamedTuple):
    """The beginning of a snapshot's bytes, before its records."""

    collected_time: str
    revision: str
    server_state: str
    size: int  # the head's own size in bytes


class Records(NamedTuple):
    """The records of a snapshot with this head, with commas between them: `value[start:end]`."""

    head: Head
    value: bytes

    @property
    def start(self) -> int:
        """Where the first record begins."""
        return self.head.size

    @property
    def end(self) -> int:
        """Where the last record ends."""
        return len(self.value) - len(_TAIL)

    @property
    def view(self) -> memoryview:
        """The bytes of the records alone, which are not copied."""
        return memoryview(self.value)[self.start : self.end]


class NotWhole(Exception):
    """A snapshot's bytes are not the bytes that were written."""


def encode(collected_time: str, server_state: str, pieces: Sequence[Piece]) -> bytes:
    """Return a snapshot's bytes, from pieces that together are its records with commas between them."""
    revision = _revision(pieces, server_state)
    head = f'{{"collected_time":"{collected_time}","revision":"{revision}","server_state":"{server_state}",'
    return b"".join((f'{head}"format":{FORMAT},"status_records":['.encode(), *pieces, _TAIL))


def _revision(pieces: Sequence[Piece], server_state: str) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return _revision_of(digest, server_state)


def _revision_of(digest: "hashlib._Hash", server_state: str) -> str:
    """Return the revision, from the digest of the records."""
    digest.update(server_state.encode())
    return digest.hexdigest()[:32]


def parse_head(value: bytes) -> Head | None:
    """Return the head of a snapshot that watchman wrote, from its first HEAD_SIZE bytes, or None."""
    match = _HEAD.match(value)
    if match is None or int(match[4]) != FORMAT:
        return None
    time, revision, state = (part.decode() for part in match.groups()[:3])
    return Head(time, revision, state, match.end())


def prove(parts: Iterable[bytes], revision: str) -> Head:
    """Return the head of a snapshot, after a proof that its records have this revision.

    `parts` are its bytes; the first has the whole head. Raises NotWhole if they do not have the revision: a
    stored value can be damaged, or written by another program.
    """
    rest = iter(parts)
    first = next(rest, b"")
    head = parse_head(first[:HEAD_SIZE])
    if head is None or head.revision != revision:
        raise NotWhole(_ANOTHER)
    digest, last = hashlib.sha256(), memoryview(first)[head.size :]
    for part in rest:
        digest.update(last[: -len(_TAIL)])
        last = memoryview(bytes(last[-len(_TAIL) :]) + part)
    if last[-len(_TAIL) :] != _TAIL:
        raise NotWhole(_ANOTHER)
    digest.update(last[: -len(_TAIL)])
    if _revision_of(digest, head.server_state) != revision:
        raise NotWhole("the snapshot in the store is damaged")
    return head


def records_of(value: bytes, revision: str) -> Records:
    """Return the records of a snapshot, after the proof of `prove`. Raises NotWhole."""
    return Records(prove((value,), revision), value)


def check_records(pieces: Iterable[Piece], before_each: Callable[[], None]) -> None:
    """Check records against the schema, a part at a time, and call a function before each part.

    Raises BadSnapshot with the first error, and the function's errors.
    """
    first = True
    for piece in pieces:
        records = bytes(piece).removeprefix(b",")
        start = 0
        while start < len(records):
            before_each()
            end = records.find(BETWEEN, start + CHECKED_TOGETHER) + 1 or len(records)
            try:
                some: list[dict[str, Any]] = orjson.loads(b"[%b]" % records[start:end])
            except orjson.JSONDecodeError as error:
                raise BadSnapshot(f"not JSON: {error}") from error
            if not first:  # the schema has the definition come first
                some.insert(0, {"path": "/", "status": "unknown"})
            check({"collected_time": "2000-01-01T00:00:00+00:00", "status_records": some})
            first = False
            start = end + 1


def check(document: Any) -> None:
    """Check a decoded snapshot against the schema. Raises BadSnapshot with the first error."""
    if not schema.is_valid("snapshot", document):
        raise BadSnapshot(schema.why_invalid("snapshot", document))
