"""A stored value into a snapshot: at once, or its records when one is read."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from watchman_cli.errors import BadSnapshot
from watchman_cli.snapshot import Snapshot, StatusRecord, decode, decode_later, encode, join_records

RECORDS = [
    StatusRecord("/", "active"),
    StatusRecord("/s", "active", "2026-11-24T00:00:00+00:00", ("late",), (("try_no", 2),)),
    StatusRecord("/s/t", "queued"),
    StatusRecord("/s/u", "queued"),
]
VALUE = encode("2026-11-24T00:12:57.123456+00:00", "RUNNING", [join_records(RECORDS)])


@pytest.mark.parametrize("read", [decode, decode_later])
def test_decoded(read: Callable[[bytes], Snapshot]) -> None:
    found = read(VALUE)
    assert found.collected_time == datetime(2026, 11, 24, 0, 12, 57, 123456, timezone.utc)
    assert (found.server_state, list(found.records)) == ("RUNNING", RECORDS)
    assert found.counts() == {"active": 1, "queued": 2}
    assert (found.status("/s"), found.status("/none")) == ("active", None)


def test_snapshot_of_an_older_tool_has_no_server_state() -> None:
    value = b'{"collected_time":"2026-11-24T00:12:57Z","status_records":[{"path":"/","status":"queued"}]}'
    for read in (decode, decode_later):
        assert read(value).server_state is None


@pytest.mark.parametrize("read", [decode, decode_later])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"{", "not JSON: "),
        (b"{}", "$: "),
        (VALUE.replace(b'"queued"', b'"waiting"', 1), "$.status_records[2]"),
        (VALUE.replace(b'"active"', b'"waiting"', 1), "$.status_records[0]"),
        (VALUE.replace(b',"status":"active"', b"", 1), "$.status_records[0]"),
        (VALUE.replace(b"2026-11-24T00:12", b"2026-02-31T00:12"), "collected_time: "),
    ],
)
def test_invalid_snapshot(read: Callable[[bytes], Snapshot], value: bytes, message: str) -> None:
    with pytest.raises(BadSnapshot) as raised:
        read(value)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("value", [VALUE, b"{"])
def test_garbage_collection_is_as_before(enabled: bool, value: bytes) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        try:
            decode(value)
        except BadSnapshot:
            pass
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()
