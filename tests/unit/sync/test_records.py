"""Nodes into records: the same bytes as if each record was encoded alone."""

from __future__ import annotations

import pytest

from watchman_cli.ecflow_client import Definition, NodeState, TooSlow, Work
from watchman_cli.snapshot import StatusRecord, encode_record, join_records
from watchman_cli.sync import records
from watchman_cli.sync.records import (
    encode_records,
    record_of,
    since_in,
    since_of,
    states_under_suspended,
)

BEGIN = {"s": "2026-Nov-25 20:00:00"}
FLAGS = (("flags", ("late",)),)
NODES = {
    "/s": NodeState("active", duration=5),
    "/s/a": NodeState("aborted", duration=-5, details=FLAGS),
    "/s/b": NodeState("queued", duration=5),
    "/s/c": NodeState("queued", suspended=True, duration=5),
    "/s/d": NodeState("active", suspended=True, duration=65),
    "/s/e": NodeState("complete", duration=3600, details=FLAGS),
    "/u": NodeState("aborted", duration=5),
    "/u/x": NodeState("unknown"),
}
SINCE = {
    "/s": "2026-11-25T20:00:05+00:00",
    "/s/a": "2026-11-25T19:59:55+00:00",
}


def definition(details: tuple[tuple[str, object], ...] = ()) -> Definition:
    return Definition(
        "5.9.2",
        "queued",
        "RUNNING",
        details,
        1,
        1,
        list(NODES),
        list(NODES.values()),
        BEGIN,
        False,
        True,
        False,
    )


@pytest.mark.parametrize("together", [1, 2, 3, 100])
@pytest.mark.parametrize("details", [(), FLAGS])
def test_records_are_those_of_each_node(
    together: int, details: tuple[tuple[str, object], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "TOGETHER", together)
    root = StatusRecord("/", "queued").with_details(dict(details))
    expected = [root, *(record_of(path, state, BEGIN) for path, state in NODES.items())]
    assert b"".join(encode_records(definition(details), Work())) == join_records(expected)
    by_path = {record.path: record for record in expected}
    for path, since in SINCE.items():
        assert by_path[path].since == since
    assert by_path["/u"].since is None and by_path["/s/c"].since is None
    assert by_path["/s/d"].status == "suspended" and by_path["/s/a"].flags == ("late",)


def test_definition_without_nodes() -> None:
    empty = Definition("5.9.2", "complete", "RUNNING", (), 1, 1, [], [], {}, False, False, False)
    assert encode_records(empty, Work()) == (encode_record(StatusRecord("/", "complete")),)
    assert states_under_suspended(empty, Work()) == {}


@pytest.mark.parametrize("together", [1, 100])
def test_states_under_suspended_nodes(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "TOGETHER", together)
    assert states_under_suspended(definition(), Work()) == {
        "/s/c": ("queued", None),
        "/s/d": ("active", "2026-11-25T20:01:05+00:00"),
    }


@pytest.mark.parametrize(
    ("duration", "begin", "time"),
    [
        (0, "2026-Nov-25 20:00:00", "2026-11-25T20:00:00+00:00"),
        (90061, "2026-Jan-31 00:00:00", "2026-02-01T01:01:01+00:00"),
        (0, "2026-Dec-05T01:02:03", "2026-12-05T01:02:03+00:00"),
        (0, "2026-Nov-25 20:00:00.123", "2026-11-25T20:00:00+00:00"),
        (0, "2026-Nov-25 20:00:00x", "2026-11-25T20:00:00+00:00"),
        (0, "2026-Nov-25", None),
        (0, "2026/Nov-25 20:00:00", None),
        (0, "2026-Nov/25 20:00:00", None),
        (0, "2026-Nov-25_20:00:00", None),
        (0, "2026-Nov-25 20.00:00", None),
        (0, "2026-Nov-25 20:00.00", None),
        (0, "2026-Nov-25 20:00:0", None),
        (0, "2026-Nov-25 20:00+01", None),
        (0, "٢026-Nov-25 20:00:00", None),
        (0, "2026-Nov-25 24:00:00", None),
        (0, "2026-Foo-25 20:00:00", None),
        (0, "not-a-date-time", None),
        (0, None, None),
        (10**12, "2026-Nov-25 20:00:00", None),
        (0, "2026-Feb-31 20:00:00", None),
        (0, "0000-Jan-01 00:00:00", None),
    ],
)
def test_time_of_a_state(duration: int, begin: str | None, time: str | None) -> None:
    assert since_of(duration, begin) == time


def test_each_month() -> None:
    times = [since_of(0, f"2026-{month}-01 00:00:00") for month in records.MONTHS]
    assert times == [f"2026-{number:02}-01T00:00:00+00:00" for number in range(1, 13)]


def test_time_is_shown_for_some_states_of_a_suites_nodes() -> None:
    assert since_in("/s", "aborted", 5, BEGIN) == "2026-11-25T20:00:05+00:00"
    assert since_in("/s/f/t", "active", 5, BEGIN) == "2026-11-25T20:00:05+00:00"
    for path, status in (("/s", "queued"), ("/", "aborted"), ("/u", "aborted"), ("/u/s", "aborted")):
        assert since_in(path, status, 5, BEGIN) is None


def test_work_ends_with_the_deadline() -> None:
    with pytest.raises(TooSlow, match=r"^the reply of 0 KB was not encoded in time$"):
        encode_records(definition(), Work(deadline=0.0))
    with pytest.raises(TooSlow):
        states_under_suspended(definition(), Work(deadline=0.0))


def test_each_node_may_be_suspended() -> None:
    nodes = ["/a", "/b", "/c"]
    states = [NodeState("queued", suspended=True)] * 3
    found = Definition("5.9.2", "queued", "RUNNING", (), 1, 1, nodes, states, {}, False, True, False)
    assert list(states_under_suspended(found, Work())) == nodes
