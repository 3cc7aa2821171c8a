"""A record's bytes, its details, and the time for which a node had its status."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given

from tests.support.trees import TREES, records
from watchman_cli.snapshot import (
    StatusRecord,
    decode_part,
    decode_record,
    encode_record,
    encode_tail,
    join_records,
    parse_time,
    record_key,
    split_records,
)

SINCE = "2026-11-24T00:00:00+00:00"
FULL = StatusRecord("/s/ü", "active", SINCE, ("late", "zombie"), (("a", [1, "x"]), ("b", "y")))


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (StatusRecord("/", "queued"), '{"path":"/","status":"queued"}'),
        (
            FULL,
            f'{{"path":"/s/ü","status":"active","since":"{SINCE}","flags":["late","zombie"],'
            '"a":[1,"x"],"b":"y"}',
        ),
    ],
)
def test_bytes(record: StatusRecord, text: str) -> None:
    assert encode_record(record) == text.encode()
    assert encode_record(record).endswith(encode_tail(record))
    assert encode_record(record).startswith(record_key(record.path))
    assert decode_record(orjson.loads(text)) == record


@given(TREES)
def test_split_records_are_the_joined_ones(tree: dict[str, tuple[object, ...]]) -> None:
    some = records(tree)
    assert [decode_part(part) for part in split_records(join_records(some))] == some


def test_details_are_set_and_removed() -> None:
    record = FULL.with_details({"flags": ("late",), "a": None, "c": 3})
    assert record == FULL._replace(flags=("late",), more=(("b", "y"), ("c", 3)))
    assert FULL.with_details({}) == FULL
    assert FULL.with_details({"flags": None}).flags == ()
    assert FULL.with_details({"b": "z"}).more == (("a", [1, "x"]), ("b", "z"))


def test_seconds_of_a_status() -> None:
    time = parse_time(SINCE)
    assert FULL.seconds_until(time + timedelta(seconds=90.5)) == 90.5
    assert FULL.seconds_until(time - timedelta(seconds=1)) == -1
    assert StatusRecord("/", "queued").seconds_until(time) is None
    assert FULL._replace(since="2026-02-31T00:00:00+00:00").seconds_until(time) is None


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-24T00:12:57+00:00", 0),
        ("2026-11-24T00:12:57Z", 0),
        ("2026-11-24T00:12:57.5Z", 500_000),
        ("2026-11-24T00:12:57.123456+00:00", 123_456),
        ("2026-11-24T00:12:57.1234567+00:00", 123_456),
        ("2026-11-24T00:12:57.12+00:00", 120_000),
        ("2026-11-24T01:12:57.000001+01:00", 1),
    ],
)
def test_time_is_read(text: str, microsecond: int) -> None:
    assert parse_time(text) == datetime(2026, 11, 24, 0, 12, 57, microsecond, timezone.utc)


@pytest.mark.parametrize("text", ["", "2026-02-31T00:00:00Z", "12:00"])
def test_invalid_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)
