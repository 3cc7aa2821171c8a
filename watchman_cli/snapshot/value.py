"""The snapshot's bytes: their layout, their check, and how they are decoded.

The value is one JSON object. Its first key is `collected_time`, so that the time is at a fixed offset and can
be set in place. Its last key is `status_records`. A JSON reader sees no difference.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, Union

import orjson

from watchman_cli import schema
from watchman_cli.errors import BadSnapshot
from watchman_cli.snapshot.record import BETWEEN, StatusRecord, decode_record, parse_time
from watchman_cli.snapshot.search import EncodedRecords

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


@dataclass(frozen=True)
class Snapshot:
    """The state of every node of one server at one moment, as read back from the store.

    `server_state` is RUNNING, HALTED or SHUTDOWN, or None if an older tool wrote the snapshot.
    """

    collected_time: datetime
    server_state: str | None
    records: Sequence[StatusRecord]

    @cached_property
    def _by_path(self) -> dict[str, StatusRecord]:
        return {record.path: record for record in self.records}

    def status(self, path: str) -> str | None:
        """Return the status of the node at this absolute path, or None if there is no such node."""
        record = self._by_path.get(path)
        return record.status if record else None

    def counts(self) -> dict[str, int]:
        """Return the number of nodes with each status, without the definition itself (`/`)."""
        return dict(Counter(record.status for record in self.records[1:]))


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


def _revision_of(digest: hashlib._Hash, server_state: str) -> str:
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
                some: list[dict[str, Any]] = orjson.loads(b"[" + records[start:end] + b"]")
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


def decode(value: bytes) -> Snapshot:
    """Return the snapshot in a stored value. Raises BadSnapshot if it is invalid.

    Garbage collection pauses: for 100,000 nodes it would take as long as all the rest.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _decode(value)
    finally:
        if collecting:
            gc.enable()


def decode_later(value: bytes) -> Snapshot:
    """Return the snapshot in a stored value; its records are decoded when one is read.

    That needs a proof that a run wrote them: a run checks them. Others are decoded at once. Raises
    BadSnapshot if the snapshot is invalid.
    """
    head = parse_head(value[:HEAD_SIZE])
    if head is None:
        return decode(value)
    try:
        records = bytes(records_of(value, head.revision).view)
    except NotWhole:
        return decode(value)
    return Snapshot(_parse_collected(head.collected_time), head.server_state, EncodedRecords(records))


def _decode(value: bytes) -> Snapshot:
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadSnapshot(f"not JSON: {error}") from error
    check(document)
    collected = _parse_collected(document["collected_time"])
    # Nearly all have a path and a status only; a call for each of them would double the time.
    records = [
        StatusRecord(each["path"], each["status"]) if len(each) == 2 else decode_record(each)
        for each in document["status_records"]
    ]
    return Snapshot(collected, document.get("server_state"), records)


def _parse_collected(time: str) -> datetime:
    try:
        return parse_time(time)
    except ValueError as error:
        raise BadSnapshot(f"collected_time: {error}") from error
