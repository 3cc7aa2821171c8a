"""A record: one node of a snapshot, and its layout as bytes."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Union

import orjson

SINCE_SHOWN = frozenset(("active", "submitted", "aborted"))  # statuses whose duration matters to an operator
RECORD_START, RECORD_END = b'{"path":', b"}"
BETWEEN = RECORD_END + b"," + RECORD_START  # two records; inside a string the quotes are escaped


class StatusRecord(NamedTuple):
    """A node's absolute path, its dstate, since when it has that, and the flags that an operator acts upon.

    `more` has the name and the value of each other detail that is kept.
    """

    path: str
    status: str
    since: str | None = None  # RFC 3339, UTC; only of active, submitted and aborted nodes
    flags: tuple[str, ...] = ()
    more: tuple[tuple[str, Any], ...] = ()

    def with_details(self, details: Mapping[str, Any]) -> "StatusRecord":
        """Return the record with these details set; the value None removes a detail."""
        merged = {**dict(self.more), "flags": self.flags, **details}
        flags = merged.pop("flags") or ()
        more = tuple(sorted(each for each in merged.items() if each[1] is not None))
        return self._replace(flags=flags, more=more)

    def seconds_until(self, time: datetime) -> float | None:
        """Return the seconds for which the node had its status at `time`, or None if that is unknown."""
        try:
            return (time - parse_time(self.since)).total_seconds() if self.since else None
        except ValueError:  # the 31st of February: the schema knows digits only
            return None


RecordUpdate = tuple[StatusRecord, StatusRecord]  # a node's record before and after it changed
# The same for any node: None before if the node appeared, None after if it vanished.
RecordChange = tuple[Union[StatusRecord, None], Union[StatusRecord, None]]


def encode_record(record: StatusRecord) -> bytes:
    """Return one record's bytes."""
    return RECORD_START + orjson.dumps(record.path) + encode_tail(record)


def encode_tail(record: StatusRecord) -> bytes:
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


def record_key(path: str) -> bytes:
    """Return the bytes with which only this path's record begins."""
    return RECORD_START + orjson.dumps(path) + b',"status":"'


def join_records(records: Iterable[StatusRecord]) -> bytes:
    """Return the bytes of records, with commas between them."""
    return b",".join(map(encode_record, records))


def split_records(records: bytes) -> list[bytes]:
    """Return each record's bytes, for `decode_part`, in order."""
    return records.removeprefix(RECORD_START).removesuffix(RECORD_END).split(BETWEEN)


def decode_part(part: bytes) -> StatusRecord:
    """Return the record in one of the parts that `split_records` returns."""
    return decode_record(orjson.loads(RECORD_START + part + RECORD_END))


# If a time is further in the future, it was taken by another clock than the one it is compared with.
MAX_SKEW = timedelta(minutes=3)


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 time; Python 3.10 takes fractions of three or six digits only. Raises ValueError."""
    with suppress(ValueError):  # as watchman writes them
        return datetime.fromisoformat(text)
    cut = re.sub(r"\.(\d+)", lambda match: "." + match[1][:6].ljust(6, "0"), text)
    return datetime.fromisoformat(cut.replace("Z", "+00:00"))
