"""A snapshot's bytes: their layout, the proof of their revision, and their check."""

from __future__ import annotations

import json

import pytest

from watchman_cli import schema
from watchman_cli.errors import BadSnapshot
from watchman_cli.snapshot import (
    HEAD_SIZE,
    TIME_OFFSET,
    TIME_SIZE,
    Head,
    NotWhole,
    StatusRecord,
    check_records,
    encode,
    join_records,
    parse_head,
    prove,
    records_of,
)
from watchman_cli.snapshot.value import CHECKED_TOGETHER, FORMAT

TIME = "2026-11-24T00:12:57.123456+00:00"
RECORDS = [
    StatusRecord("/", "active"),
    StatusRecord("/s", "active", "2026-11-24T00:00:00+00:00", ("late",), (("try_no", 2),)),
    StatusRecord("/s/t", "queued"),
    StatusRecord("/s/u", "queued"),
]
PIECES = [join_records(RECORDS[:2]), b",", join_records(RECORDS[2:])]
VALUE = encode(TIME, "RUNNING", PIECES)
REVISION = "{}".format(json.loads(VALUE)["revision"])


def test_layout() -> None:
    document = json.loads(VALUE)
    assert list(document) == ["collected_time", "revision", "server_state", "format", "status_records"]
    assert document["collected_time"] == TIME and document["server_state"] == "RUNNING"
    assert document["format"] == FORMAT and len(document["status_records"]) == 4
    assert VALUE[TIME_OFFSET : TIME_OFFSET + TIME_SIZE] == TIME.encode()
    assert schema.is_valid("snapshot", document)


def test_revision_depends_on_the_records_and_the_server_state_alone() -> None:
    def revision(*arguments: object) -> str:
        return str(json.loads(encode(*arguments))["revision"])  # type: ignore[arg-type]

    assert len(REVISION) == 32
    assert revision("2026-01-01T00:00:00.000000+00:00", "RUNNING", [b"".join(PIECES)]) == REVISION
    assert revision(TIME, "HALTED", PIECES) != REVISION
    assert revision(TIME, "RUNNING", PIECES[:1]) != REVISION


def test_head() -> None:
    head = parse_head(VALUE[:HEAD_SIZE])
    assert head == Head(TIME, REVISION, "RUNNING", VALUE.index(b'{"path"'))
    assert parse_head(VALUE.replace(b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1))) is None
    assert parse_head(b"") is None
    assert parse_head(b" " + VALUE) is None


def test_records_of_a_proven_revision() -> None:
    assert bytes(records_of(VALUE, REVISION).view) == join_records(RECORDS)


@pytest.mark.parametrize("size", [HEAD_SIZE, HEAD_SIZE + 1, len(VALUE) - 2, len(VALUE) - 1, len(VALUE)])
def test_proof_in_parts(size: int) -> None:
    parts = [VALUE[start : start + size] for start in range(0, len(VALUE), size)]
    assert prove(parts, REVISION) == parse_head(VALUE[:HEAD_SIZE])
    for rest in range(1, 5):
        bytes_of_rest = [VALUE[size + at : size + at + rest] for at in range(0, len(VALUE) - size, rest)]
        assert prove([VALUE[:size], *bytes_of_rest], REVISION) == prove(parts, REVISION)
    for wrong in ([], parts[1:], [*parts, b" "], [*parts, b"]}"], [*parts[:-1], parts[-1][:-1]]):
        with pytest.raises(NotWhole):
            prove(wrong, REVISION)


@pytest.mark.parametrize(
    ("value", "revision", "message"),
    [
        (VALUE, "0" * 32, "the snapshot in the store is another"),
        (b"", REVISION, "the snapshot in the store is another"),
        (VALUE[:-1], REVISION, "the snapshot in the store is another"),
        (VALUE.replace(b"/s/t", b"/s/x"), REVISION, "the snapshot in the store is damaged"),
        (VALUE.replace(b"RUNNING", b"HALTED"), REVISION, "the snapshot in the store is damaged"),
    ],
)
def test_records_without_a_proof(value: bytes, revision: str, message: str) -> None:
    with pytest.raises(NotWhole) as raised:
        records_of(value, revision)
    assert str(raised.value) == message


def many(number: int) -> list[StatusRecord]:
    return [StatusRecord("/", "queued"), *(StatusRecord(f"/s{n}", "queued") for n in range(number))]


def checked(*pieces: bytes) -> int:
    """Return how often the function was called before a part."""
    calls: list[None] = []
    check_records(pieces, lambda: calls.append(None))
    return len(calls)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> int:
    """A part is some records, in place of thousands."""
    monkeypatch.setattr("watchman_cli.snapshot.value.CHECKED_TOGETHER", 1 << 12)
    return 1 << 12


def test_a_part_is_a_few_megabytes() -> None:
    assert CHECKED_TOGETHER == 1 << 17


def test_records_are_checked_in_parts(together: int) -> None:
    whole = join_records(many(3))
    assert checked(whole) == 1
    assert checked(join_records(many(3)[:1]), b",", join_records(many(3)[1:])) == 2
    assert checked(join_records(many(3)[:1]), b"," + join_records(many(3)[1:])) == 2
    assert checked() == 0
    large = join_records(many(1 + 3 * together // len(join_records(many(100))) * 100))
    assert 3 <= checked(large) <= 4


@pytest.mark.parametrize("parts", [0, 2])
@pytest.mark.parametrize("where", [0, 1, -1])
def test_invalid_record_is_found_in_each_part(parts: int, where: int, together: int) -> None:
    some = many(1 + parts * together // 30)
    some[where] = some[where]._replace(status="waiting")
    with pytest.raises(BadSnapshot, match=r"^\$\.status_records\[\d+\]\.status: "):
        checked(join_records(some))
    with pytest.raises(BadSnapshot, match=r"^\$\.status_records\[\d+\]\.status: "):
        checked(join_records(some[:1]), b"," + join_records(some[1:]))


def test_records_that_are_not_json() -> None:
    with pytest.raises(BadSnapshot, match=r"^not JSON: "):
        checked(b'{"path":"/","status":"queued"}', b',{"path"')


def test_definition_must_come_first() -> None:
    with pytest.raises(BadSnapshot):
        checked(join_records(many(1)[1:]))


def test_check_ends_with_the_functions_error() -> None:
    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        check_records([join_records(many(1))], stop)
