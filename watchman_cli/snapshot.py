"""The snapshot: how it is laid out as bytes, checked, and decoded. The one place that knows a record's bytes.

The value is one JSON object whose first key is `collected_time`, so that the time stands at a fixed
place and can be set there alone, and whose last is `status_records`. A JSON reader sees no difference.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, Union

import orjson

from watchman_cli import schema
from watchman_cli.errors import BadSnapshot
from watchman_cli.status import NodeStatus

FORMAT = 2  # of the value's layout; a reader of the two keys of format 1 need not know
TIME_OFFSET = len('{"collected_time":"')
TIME_SIZE = len("2026-11-24T00:12:57.123456+00:00")
HEAD_SIZE = 256  # bytes, enough for everything before the records
CHECKED_TOGETHER = 1 << 21  # bytes of records that are decoded at once, to be checked
SINCE_SHOWN = frozenset(("active", "submitted", "aborted"))  # statuses of which it matters how long they last
COUNTED_FLAGS = frozenset(("late", "zombie"))
_SUITE = re.compile(rb'\{"path":"/[^/"]+"')
_HEAD = re.compile(
    rb'\{"collected_time":"([\dT:.+-]{32})","revision":"([0-9a-f]{32})","server_state":"([A-Z]+)",'
    rb'"format":(\d+),"status_records":\['
)
_TAIL = b"]}"
RECORD_START, RECORD_END = b'{"path":', b"}"
_BETWEEN = RECORD_END + b"," + RECORD_START  # two records; inside a string the quotes are escaped

Piece = Union[bytes, memoryview]


class StatusRecord(NamedTuple):
    """One node's absolute path, its dstate, since when (UTC), and the flags an operator acts upon.

    `more` has the name and the value of each other detail that is kept of the node.
    """

    path: str
    status: str
    since: str | None = None  # RFC 3339; only of active, submitted and aborted nodes
    flags: tuple[str, ...] = ()
    more: tuple[tuple[str, Any], ...] = ()

    def with_details(self, details: Mapping[str, Any]) -> StatusRecord:
        """Return the record with these details in place of those of the same names; None takes one away."""
        found = {**dict(self.more), "flags": self.flags, **details}
        flags = found.pop("flags") or ()
        more = tuple(sorted(each for each in found.items() if each[1] is not None))
        return self._replace(flags=flags, more=more)

    def seconds_until(self, time: datetime) -> float | None:
        """Return how long the node had its status at `time`; None where it is not known since when."""
        try:
            return (time - parse_time(self.since)).total_seconds() if self.since else None
        except ValueError:  # the 31st of February: the schema knows digits only
            return None


@dataclass(frozen=True)
class Snapshot:
    """The state of every node of one server at one moment, as read back from the store.

    `server_state` is RUNNING, HALTED or SHUTDOWN; None in what an older tool wrote.
    """

    collected_time: datetime
    server_state: str | None
    records: Sequence[StatusRecord]

    @cached_property
    def _by_path(self) -> dict[str, StatusRecord]:
        return {record.path: record for record in self.records}

    def status(self, path: str) -> str | None:
        """Return the status of the node of this absolute path; None where there is no such node."""
        record = self._by_path.get(path)
        return record.status if record else None

    def counts(self) -> dict[str, int]:
        """Return how many nodes have each status, the definition itself (`/`) left out."""
        return dict(Counter(record.status for record in self.records[1:]))


class Head(NamedTuple):
    """What stands in a snapshot's bytes before its records."""

    collected_time: str
    revision: str
    server_state: str
    size: int  # of the head itself, in bytes


class NotWhole(Exception):
    """A snapshot's bytes are not what was written."""


def encode(collected_time: str, server_state: str, pieces: Sequence[Piece]) -> bytes:
    """Return a snapshot's bytes, from pieces that together are its records, with commas between them."""
    revision = _revision(pieces, server_state)
    head = f'{{"collected_time":"{collected_time}","revision":"{revision}","server_state":"{server_state}",'
    return b"".join((f'{head}"format":{FORMAT},"status_records":['.encode(), *pieces, _TAIL))


def encode_record(record: StatusRecord) -> bytes:
    """Return one record's bytes."""
    return RECORD_START + orjson.dumps(record.path) + encode_details(record)


def encode_details(record: StatusRecord) -> bytes:
    """Return a record's bytes after its path."""
    text = f',"status":"{record.status}"'
    if record.since:
        text += f',"since":"{record.since}"'
    if record.flags:
        text += f',"flags":{orjson.dumps(record.flags).decode()}'
    for name, value in record.more:
        text += f',"{name}":{orjson.dumps(value).decode()}'
    return text.encode() + RECORD_END


def decode_record(document: dict[str, Any]) -> StatusRecord:
    """Return the record in decoded JSON that fits the schema."""
    fields = dict(document)
    path, status, since = fields.pop("path"), fields.pop("status"), fields.pop("since", None)
    flags = tuple(fields.pop("flags", ()))
    return StatusRecord(path, status, since, flags, tuple(sorted(fields.items())) if fields else ())


def count_nodes(value: bytes) -> dict[str, int]:
    """Return how many suites a snapshot has, and nodes of each status and each of COUNTED_FLAGS; not `/`.

    The bytes are counted, not decoded: of 100,000 nodes that takes a quarter of the time.
    """
    found = {
        status: value.count(b'"status":"%s"' % status.encode())
        for status in (each.value for each in NodeStatus)
    }
    found |= {flag: value.count(b'"%s"' % flag.encode()) for flag in COUNTED_FLAGS}
    start = value.find(b'{"path":"/"')
    if start >= 0:
        record = value[start : value.index(RECORD_END, start) + len(RECORD_END)]
        _count(found, decode_record(orjson.loads(record)), -1)
    return {"suites": len(_SUITE.findall(value)), **found}


def count_changes(
    counts: Mapping[str, int], changes: Iterable[tuple[StatusRecord, StatusRecord]]
) -> dict[str, int]:
    """Return the counts of count_nodes after some records changed from the first to the second of each."""
    found = dict(counts)
    for old, new in changes:
        if new.path != "/":
            _count(found, old, -1)
            _count(found, new, 1)
    return found


def _count(counts: dict[str, int], record: StatusRecord, number: int) -> None:
    for name in (record.status, *COUNTED_FLAGS.intersection(record.flags)):
        counts[name] = counts.get(name, 0) + number


def record_key(path: str) -> bytes:
    """Return the bytes with which the record of a path begins, and no other."""
    return RECORD_START + orjson.dumps(path) + b',"status":"'


def status_pattern(path: str) -> re.Pattern[bytes]:
    """Return what finds the status of each record whose path fits a regular expression.

    A path has no character that JSON escapes.
    """
    return re.compile(rf'\{{"path":"{path}","status":"(\w+)"'.encode())


def split_records(records: bytes) -> list[bytes]:
    """Return the bytes of each record, which `decode_part` takes, in their order."""
    return records.removeprefix(RECORD_START).removesuffix(RECORD_END).split(_BETWEEN)


def decode_part(part: bytes) -> StatusRecord:
    """Return the record of one of the parts of `split_records`."""
    return decode_record(orjson.loads(RECORD_START + part + RECORD_END))


def _revision(pieces: Sequence[Piece], server_state: str) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    digest.update(server_state.encode())
    return digest.hexdigest()[:32]


def parse_head(value: bytes) -> Head | None:
    """Return the head of a snapshot that watchman wrote, from its first HEAD_SIZE bytes; else None."""
    match = _HEAD.match(value)
    if match is None or int(match[4]) != FORMAT:
        return None
    time, revision, state = (part.decode() for part in match.groups()[:3])
    return Head(time, revision, state, match.end())


def records_of(value: bytes, revision: str) -> memoryview:
    """Return the bytes of a snapshot's records, which are proved to be those of this revision.

    Raises NotWhole: a value in a store may have been damaged, or written by anybody.
    """
    head = parse_head(value[:HEAD_SIZE])
    if head is None or head.revision != revision or not value.endswith(_TAIL):
        raise NotWhole("the snapshot in the store is another")
    records = memoryview(value)[head.size : -len(_TAIL)]
    if _revision([records], head.server_state) != revision:
        raise NotWhole("the snapshot in the store is damaged")
    return records


def check_records(records: bytes) -> None:
    """Check records against the schema, a part at a time. Raises BadSnapshot with the first error."""
    start = 0
    while start < len(records):
        end = records.find(_BETWEEN, start + CHECKED_TOGETHER) + 1 or len(records)
        try:
            some: list[dict[str, Any]] = orjson.loads(b"[" + records[start:end] + b"]")
        except orjson.JSONDecodeError as error:
            raise BadSnapshot(f"not JSON: {error}") from error
        if start:  # a later part: the schema has the definition come first
            some.insert(0, {"path": "/", "status": "unknown"})
        check({"collected_time": "2000-01-01T00:00:00+00:00", "status_records": some})
        start = end + 1


def check(document: Any) -> None:
    """Check a decoded snapshot against the schema. Raises BadSnapshot with the first error."""
    if not schema.is_valid("snapshot", document):
        raise BadSnapshot(schema.why_invalid("snapshot", document))


def decode(value: bytes) -> Snapshot:
    """Return the snapshot in a store's value. Raises BadSnapshot where it is not a valid one.

    Meanwhile no garbage is looked for: of 100,000 nodes that would take as long as all the rest.
    """
    looking = gc.isenabled()
    gc.disable()
    try:
        return _decode(value)
    finally:
        if looking:
            gc.enable()


def _decode(value: bytes) -> Snapshot:
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadSnapshot(f"not JSON: {error}") from error
    check(document)
    try:
        collected = parse_time(document["collected_time"])
    except ValueError as error:
        raise BadSnapshot(f"collected_time: {error}") from error
    # Nearly all have a path and a status only; a call for each of them would double the time.
    records = [
        StatusRecord(each["path"], each["status"]) if len(each) == 2 else decode_record(each)
        for each in document["status_records"]
    ]
    return Snapshot(collected, document.get("server_state"), records)


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 time; Python 3.10 takes fractions of three or six digits only. Raises ValueError."""
    cut = re.sub(r"\.(\d+)", lambda match: "." + match[1][:6].ljust(6, "0"), text)
    return datetime.fromisoformat(cut.replace("Z", "+00:00"))
