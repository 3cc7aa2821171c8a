"""The snapshot: how it is laid out as bytes, changed in place, checked, and decoded.

The value is one JSON object whose first key is `collected_time`, so that the time stands at a fixed
place and can be set there alone, and whose last is `status_records`. A JSON reader sees no difference.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, Union

import orjson

from watchman_cli import schema
from watchman_cli.errors import BadSnapshot

TIME_AT = len('{"collected_time":"')
TIME_SIZE = len("2026-11-24T00:12:57.123456+00:00")
PART_SIZE = 100_000  # bytes of records that are decoded at once
HEAD_SIZE = 256  # enough for everything before the records
_HEAD = re.compile(
    rb'\{"collected_time":"([\dT:.+-]{32})","revision":"([0-9a-f]{32})","server_state":"([A-Z]+)","status_records":\['
)
_TAIL = b"]}"
_RECORD, STATUS, _RECORD_END = b'{"path":"', '","status":"', b'"}'
_BETWEEN_RECORDS = (_RECORD_END + b"," + _RECORD).decode()

Piece = Union[bytes, memoryview]


class StatusRecord(NamedTuple):
    """One node's absolute path, and its dstate in words."""

    path: str
    status: str


@dataclass(frozen=True)
class Snapshot:
    """The state of every node of one server at one moment, as read back from the store.

    `server_state` is RUNNING, HALTED or SHUTDOWN; None in what an older tool wrote.
    """

    collected_time: datetime
    server_state: str | None
    records: Sequence[StatusRecord]

    @cached_property
    def _by_path(self) -> dict[str, str]:
        return dict(self.records)

    def status(self, path: str) -> str | None:
        """The status of the node of this absolute path; None where there is no such node."""
        return self._by_path.get(path)

    def counts(self) -> dict[str, int]:
        """How many nodes have each status, the definition itself (`/`) left out."""
        return dict(Counter(record.status for record in self.records[1:]))


@dataclass(frozen=True)
class Head:
    """What stands in a snapshot's bytes before its records."""

    collected_time: str
    revision: str
    server_state: str
    size: int  # of the head itself, in bytes


@dataclass(frozen=True)
class Change:
    """What an incremental sync found of one node; `tail` ends its line in a skeleton, if not as usual."""

    path: str
    status: str
    tail: str | None = None
    children: tuple[str, ...] = ()


class DoesNotFit(Exception):
    """The changes cannot be put into these records: their nodes or their order differ."""


def compose(collected_time: str, server_state: str, pieces: Sequence[Piece]) -> bytes:
    """The snapshot's bytes, from pieces that together are its records, with commas between them."""
    revision = _revision(pieces, server_state)
    head = f'{{"collected_time":"{collected_time}","revision":"{revision}","server_state":"{server_state}",'
    return b"".join((head.encode(), b'"status_records":[', *pieces, _TAIL))


def _revision(pieces: Sequence[Piece], server_state: str) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    digest.update(server_state.encode())
    return digest.hexdigest()[:32]


def head_of(value: bytes) -> Head | None:
    """The head of a snapshot that watchman wrote, from its first HEAD_SIZE bytes; else None."""
    match = _HEAD.match(value)
    if match is None:
        return None
    time, revision, state = (part.decode() for part in match.groups())
    return Head(time, revision, state, match.end())


def verify(value: bytes) -> Head:
    """The head of a snapshot whose records are those of its revision. Raises DoesNotFit."""
    head = head_of(value)
    if head is None or not value.endswith(_TAIL):
        raise DoesNotFit("the snapshot in the store is not watchman's")
    if _revision([memoryview(value)[head.size : -len(_TAIL)]], head.server_state) != head.revision:
        raise DoesNotFit("the snapshot in the store is not what was written there")
    return head


def parts(value: bytes, revision: str) -> Iterator[list[str]]:
    """The nodes of a snapshot of this revision, in parts, so that few are in memory at once.

    A node is its path, STATUS, and its status. Raises DoesNotFit where the snapshot is another, is not
    what was written, or has paths that JSON escapes, which ecFlow does not allow.
    """
    head = verify(value)
    if head.revision != revision or b"\\" in value:
        raise DoesNotFit("the snapshot in the store is another")
    end = len(value) - len(_TAIL)
    start = (value.find(b"},{", head.size) + 1 or end) + 1  # after the definition itself
    while start < end:
        stop = value.find(b"},{", start + PART_SIZE) + 1 or end
        yield value[start + len(_RECORD) : stop - len(_RECORD_END)].decode().split(_BETWEEN_RECORDS)
        start = stop + 1


def check_records(chunk: bytes) -> None:
    """Check a part of the records against the schema. Raises BadSnapshot with the first mistake."""
    try:
        records: list[dict[str, str]] = orjson.loads(b"[" + chunk + b"]")
    except orjson.JSONDecodeError as error:
        raise BadSnapshot(f"not JSON: {error}") from error
    if records[0].get("path") != "/":  # a later part: the schema has the definition come first
        records.insert(0, {"path": "/", "status": "unknown"})
    check({"collected_time": "2000-01-01T00:00:00+00:00", "status_records": records})


def check(document: Any) -> None:
    """Check a decoded snapshot against the schema. Raises BadSnapshot with the first mistake."""
    if not schema.is_valid("snapshot", document):
        raise BadSnapshot(schema.why_invalid("snapshot", document))


def decode(value: bytes) -> Snapshot:
    """The snapshot in a store's value. Raises BadSnapshot where it is not a valid one."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadSnapshot(f"not JSON: {error}") from error
    check(document)
    records = [StatusRecord(record["path"], record["status"]) for record in document["status_records"]]
    try:
        collected = datetime.fromisoformat(document["collected_time"].replace("Z", "+00:00"))
    except ValueError as error:
        raise BadSnapshot(f"collected_time: {error}") from error
    return Snapshot(collected, document.get("server_state"), records)


# ------------------------------------------------------------------- putting changes into records


def patch(value: bytes, changes: Sequence[Change]) -> tuple[list[Piece], dict[int, str | None]]:
    """Put changes into a snapshot.

    Returns the pieces of its new records, and the changed nodes' tails by their number.
    Only what changed is encoded anew. Raises DoesNotFit where the snapshot is not what was written,
    a changed node is not there, or a container's children are in another order.
    """
    start = at = verify(value).size
    places: list[tuple[int, int, Change]] = []
    for change in changes:
        key = _start_of(change.path)
        place = value.find(key, at)  # the server names them nearly in order
        place = place if place >= 0 else value.find(key, start)
        if place < 0:
            raise DoesNotFit(f"{change.path} changed, and is not in the snapshot")
        _check_children(value, place, change)
        places.append((place, place + len(key), change))
        at = place
    places.sort(key=lambda each: each[0])
    pieces: list[Piece] = []
    tails: dict[int, str | None] = {}
    view, number, done = memoryview(value), 0, start
    for place, status_at, change in places:
        number += value.count(b'{"path":', done, place)
        pieces += (view[done:status_at], change.status.encode())
        done = value.index(b'"', status_at)
        if change.path != "/":  # which has no line in a skeleton
            tails[number - 1] = change.tail
        number += 1
    pieces.append(view[done : -len(_TAIL)])
    return pieces, tails


def _start_of(path: str) -> bytes:
    return _RECORD[:-1] + orjson.dumps(path) + STATUS[1:].encode()


def _check_children(value: bytes, at: int, change: Change) -> None:
    parent = "" if change.path == "/" else change.path
    if not change.children:
        end = value.index(b"}", at) + 1
        if value.startswith(b',{"path":' + orjson.dumps(parent + "/")[:-1], end):
            raise DoesNotFit(f"{change.path} has no nodes any more")
    for child in change.children:
        at = value.find(_start_of(f"{parent}/{child}"), at)
        if at < 0:
            raise DoesNotFit(f"the nodes of {change.path} are others, or in another order")


def first_difference(ours: bytes, other: bytes) -> str:
    """Where two snapshots differ first, in words, for an operator."""
    pairs = [decode(value).records for value in (ours, other)]
    for mine, theirs in zip(*pairs, strict=False):
        if mine != theirs:
            return f"{mine.path} {mine.status}, where the full sync has {theirs.path} {theirs.status}"
    return f"{len(pairs[0])} nodes, where the full sync has {len(pairs[1])}"
