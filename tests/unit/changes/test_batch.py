"""A batch's bytes, and that it has exactly what differs between two snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest
from hypothesis import given

from tests.support.trees import TREES, records
from watchman_cli import schema
from watchman_cli.changes.batch import BadBatch, decode, make_batch
from watchman_cli.changes.compare import compare_records
from watchman_cli.snapshot import RecordChange, StatusRecord, join_records

TIME = "2026-11-24T00:12:57.123456+00:00"
OLD, NEW = "0" * 32, "1" * 32


def applied(found: Sequence[StatusRecord], changes: Sequence[RecordChange]) -> dict[str, StatusRecord]:
    """Return the records by their paths, after changes whose `before` is what is there."""
    by_path = {record.path: record for record in found}
    for old, new in changes:
        path = (new or old or pytest.fail()).path
        assert (by_path[path].status if path in by_path else None) == (old.status if old else None)
        if new is None:
            del by_path[path]
        else:
            by_path[path] = new
    return by_path


@given(TREES, TREES)
def test_changes_lead_from_one_snapshot_to_the_next(
    old: dict[str, tuple[object, ...]], new: dict[str, tuple[object, ...]]
) -> None:
    before, after = records(old), records(new)
    changes = compare_records(memoryview(join_records(before)), [join_records(after)])
    assert all(one != other for one, other in changes)
    batch = make_batch("o/r", TIME, ("RUNNING", "HALTED"), (OLD, NEW), changes)
    value = batch.encode()
    assert schema.is_valid("changes", orjson.loads(value)), schema.why_invalid("changes", orjson.loads(value))
    found = decode(value)
    assert applied(before, found.changes) == {record.path: record for record in after}
    assert (found.before, found.after, found.time, found.id) == (OLD, NEW, TIME, batch.id)
    assert (found.server_state_before, found.server_state) == ("RUNNING", "HALTED")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a batch have at most ten changes."""
    monkeypatch.setattr("watchman_cli.changes.batch.MAX_CHANGES", 10)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("known", [True, False])
def test_a_reset_says_why(known: bool) -> None:
    many = [(None, StatusRecord(f"/s/t{number}", "queued")) for number in range(11)]
    changes = many if known else []
    batch = make_batch("o/r", TIME, ("RUNNING", "HALTED"), (OLD if known else None, NEW), changes, "why")
    found = decode(batch.encode())
    assert (found.before, found.after, list(found.changes)) == (None, NEW, [])
    assert found.reason == ("11 nodes changed" if known else "why")
    assert batch.or_reset("2" * 32) is batch


def test_a_batch_that_does_not_follow_becomes_a_reset() -> None:
    changes = [(StatusRecord("/a", "queued"), StatusRecord("/a", "active"))]
    batch = make_batch("o/r", TIME, ("RUNNING", "RUNNING"), (OLD, NEW), changes)
    assert batch.or_reset(OLD) is batch
    for other in (None, NEW):
        found = decode(batch.or_reset(other).encode())
        assert (found.before, found.changes, found.id) == (None, [], batch.id)
        assert found.reason == "another writer replaced the snapshot in between"


def test_a_notice_has_their_number() -> None:
    changes = [(StatusRecord("/a", "queued"), StatusRecord("/a", "active"))]
    batch = make_batch("o/r", TIME, (None, "RUNNING"), (OLD, NEW), changes)
    assert orjson.loads(batch.encode_notice()) == {
        "specversion": "1.0",
        "type": "watchman.changes",
        "source": "o/r",
        "id": batch.id,
        "time": TIME,
        "data": {"before": OLD, "after": NEW, "server_state": {"to": "RUNNING"}, "count": 1},
    }


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"", "^not JSON: "), (b"{", "^not JSON: unexpected end of data"), (b"{}", "required property"),
     (b'{"specversion":"1.0"}', "required property")],
)  # fmt: skip
def test_invalid_batch_is_refused_with_the_reason(value: bytes, reason: str) -> None:
    with pytest.raises(BadBatch, match=reason):
        decode(value)


def test_node_without_an_old_status_is_new() -> None:
    node = StatusRecord("/s", "active")
    batch = make_batch("o/r", TIME, ("RUNNING", "RUNNING"), (OLD, NEW), [(None, node), (node, None)])
    assert decode(batch.encode()).changes == [(None, node), (node, None)]


def test_reset_keeps_missed_deadlines() -> None:
    missed = ("/s complete by 05:30 UTC",)
    batch = replace(make_batch("o/r", TIME, ("RUNNING", "RUNNING"), (OLD, NEW), ()), missed=missed)
    assert decode(batch.encode()).missed == missed
    reset = decode(batch.or_reset("2" * 32).encode())
    assert (reset.before, reset.missed) == (None, missed)


def test_reset_has_neither_changes_nor_an_old_server_state() -> None:
    changes = [(StatusRecord("/a", "queued"), StatusRecord("/a", "active"))]
    batch = make_batch("o/r", TIME, ("RUNNING", "HALTED"), (OLD, NEW), changes)
    reset = batch.as_reset("why")
    assert (reset.before, reset.changes, reset.server_state_before, reset.reason) == (None, (), None, "why")
    assert (reset.after, reset.server_state, reset.id) == (NEW, "HALTED", batch.id)


def test_reset_without_a_reason_says_that_the_changes_are_unknown() -> None:
    batch = make_batch("o/r", TIME, (None, "RUNNING"), (None, NEW), ())
    assert (batch.before, batch.reason) == (None, "the changes are unknown")


@pytest.mark.usefixtures("few")
def test_largest_batch_is_not_a_reset() -> None:
    some = [(None, StatusRecord(f"/s/t{number}", "queued")) for number in range(10)]
    assert make_batch("o/r", TIME, (None, "RUNNING"), (OLD, NEW), some).before == OLD


def test_causes_are_read_back() -> None:
    began = ({"kind": "aborted", "cause": "/s/t", "since": TIME, "text": "/s/t aborted"},)
    ended = ({"kind": "failing", "cause": "failing", "since": TIME, "until": TIME, "text": "not read"},)
    batch = replace(make_batch("o/r", TIME, (None, "RUNNING"), (OLD, OLD), ()), began=began, ended=ended)
    assert schema.is_valid("changes", orjson.loads(batch.encode()))
    assert (decode(batch.encode()).began, decode(batch.encode()).ended) == (began, ended)
    only = orjson.loads(replace(batch, ended=()).encode())["data"]
    assert (len(only["began"]), only["ended"]) == (1, [])
    without = orjson.loads(replace(batch, began=(), ended=()).encode())["data"]
    assert not {"began", "ended"} & without.keys()
