"""Searching a snapshot's bytes, of which few records are decoded or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import overload

import orjson

from watchman_cli.snapshot.record import (
    BETWEEN,
    RECORD_END,
    RECORD_START,
    StatusRecord,
    decode_record,
    join_records,
    record_key,
)
from watchman_cli.status import NodeStatus

COUNTED_FLAGS = frozenset(("late", "zombie"))
ROOT_CAUSES = "root_causes"  # the name of their count
_SUITE = re.compile(rb'\{"path":"/[^/"]+"')
_PATH = rb'(?!/")/[^"\\]*(?:\\.[^"\\]*)*'  # of any node but the definition
# To the end of a record: inside one, no brace is followed by the next one's beginning.
_REST = rb'[^}]*(?:\}(?!,\{"path":)[^}]*)*\}'


def count_nodes(value: bytes) -> dict[str, int]:
    """Return how many suites a snapshot has, root causes, and nodes of each status and each of COUNTED_FLAGS.

    The definition itself (`/`) is not counted.

    The bytes are counted, not decoded: of 100,000 nodes that takes a quarter of the time.
    """
    found = {status: value.count(_own(status)) for status in (each.value for each in NodeStatus)}
    found |= {flag: value.count(b'"%s"' % flag.encode()) for flag in COUNTED_FLAGS}
    start = value.find(b'{"path":"/"')
    if start >= 0:
        record = value[start : value.index(RECORD_END, start) + len(RECORD_END)]
        _count(found, decode_record(orjson.loads(record)), -1)
    return {"suites": len(_SUITE.findall(value)), ROOT_CAUSES: _count_root_causes(value), **found}


def count_changes(
    counts: Mapping[str, int],
    changes: Iterable[tuple[StatusRecord, StatusRecord]],
    snapshot: Callable[[], bytes],
) -> dict[str, int]:
    """Return the counts of count_nodes after some records changed from the first to the second of each.

    The new snapshot's bytes are asked for only if a node's being aborted changed: which of those are root
    causes, only their tree says.
    """
    found, recount = dict(counts), ROOT_CAUSES not in counts
    for old, new in changes:
        if new.path != "/":
            _count(found, old, -1)
            _count(found, new, 1)
            recount = recount or (old.status == "aborted") != (new.status == "aborted")
    return {**found, ROOT_CAUSES: _count_root_causes(snapshot())} if recount else found


def root_causes(records: EncodedRecords) -> list[StatusRecord]:
    """Return the records of the aborted nodes that have no aborted node below them; not the definition's."""
    aborted = records.with_status("aborted")
    above = {"/"}
    for record in aborted:
        path = record.path
        while (path := path[: path.rfind("/")] or "/") not in above:
            above.add(path)
    return [record for record in aborted if record.path not in above]


def _count_root_causes(value: bytes) -> int:
    """Return how many root causes a snapshot has."""
    start = value.find(RECORD_START)
    return len(root_causes(EncodedRecords(value[start : value.rfind(b"]")]))) if start >= 0 else 0


def _count(counts: dict[str, int], record: StatusRecord, number: int) -> None:
    for name in (record.status, *COUNTED_FLAGS.intersection(record.flags)):
        counts[name] = counts.get(name, 0) + number


def status_pattern(path: str) -> re.Pattern[bytes]:
    """Return what finds the status of each record whose path fits a regular expression.

    A path has no character that JSON escapes.
    """
    return re.compile(rf'\{{"path":"{path}","status":"(\w+)"'.encode())


class EncodedRecords(Sequence[StatusRecord]):
    """The records of a snapshot as bytes, each node's children after it; decoded where one is read.

    Of 100,000 nodes a search takes a fraction of the time that decoding takes.
    """

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded

    @classmethod
    def of(cls, records: Sequence[StatusRecord]) -> EncodedRecords:
        """Return records in this form."""
        return records if isinstance(records, cls) else cls(join_records(records))

    @cached_property
    def _decoded(self) -> list[StatusRecord]:
        return _decode(self.encoded)

    def __len__(self) -> int:
        return len(self._decoded)

    @overload
    def __getitem__(self, index: int) -> StatusRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[StatusRecord]: ...
    def __getitem__(self, index: int | slice) -> StatusRecord | list[StatusRecord]:
        return self._decoded[index]

    def below(self, path: str) -> EncodedRecords | None:
        """Return the records of a node and those below it; None where there is no such node."""
        encoded = self.encoded
        if path == "/":
            return self
        start = encoded.find(record_key(path))
        if start < 0:
            return None
        last = encoded.rfind(RECORD_START + orjson.dumps(path + "/")[:-1], start)
        return EncodedRecords(encoded[start : _end(encoded, max(start, last))])

    def with_status(self, status: str) -> list[StatusRecord]:
        """Return the records of the nodes that have a status."""
        return self._holding(_own(status))

    def with_flag(self, flag: str) -> list[StatusRecord]:
        """Return the records of the nodes that have a flag."""
        return [record for record in self._holding(b'"%s"' % flag.encode()) if flag in record.flags]

    def leaves(self, status: str) -> list[StatusRecord]:
        """Return the records of the nodes that have a status and no node below them."""
        found = _leaf(status).finditer(self.encoded) if self._has(status) else ()
        return _decode(b",".join(match[0] for match in found))

    def count_leaves(self, status: str) -> int:
        """Return how many nodes have a status and no node below them."""
        return len(_leaf(status).findall(self.encoded)) if self._has(status) else 0

    def _holding(self, text: bytes) -> list[StatusRecord]:
        found, end, encoded = [], 0, self.encoded
        while (place := encoded.find(text, end)) >= 0:
            start, end = encoded.rfind(RECORD_START, end, place), _end(encoded, place)
            found.append(encoded[start:end])
        return _decode(b",".join(found))

    def _has(self, status: str) -> bool:
        return _own(status) in self.encoded


def _own(status: str) -> bytes:
    """Return what stands after the path in the records of a status."""
    return b'","status":"%s"' % status.encode()


def _leaf(status: str) -> re.Pattern[bytes]:
    """Return what finds the leaves of a status: none has a next record whose path begins with its own."""
    return re.compile(rb'\{"path":"(%s)%s%s(?=,\{"path":"(?!\1/)|\Z)' % (_PATH, _own(status), _REST))


def _end(encoded: bytes, place: int) -> int:
    """Return where the record ends that a place is in."""
    found = encoded.find(BETWEEN, place)
    return len(encoded) if found < 0 else found + len(RECORD_END)


def _decode(encoded: bytes) -> list[StatusRecord]:
    return [decode_record(each) for each in orjson.loads(b"[%s]" % encoded)]
