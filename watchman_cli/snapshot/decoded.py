"""A snapshot that is read back: its bytes, decoded."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import orjson

from watchman_cli.errors import BadSnapshot
from watchman_cli.snapshot.record import StatusRecord, decode_record, parse_time
from watchman_cli.snapshot.search import EncodedRecords
from watchman_cli.snapshot.value import HEAD_SIZE, NotWhole, check, parse_head, records_of


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
