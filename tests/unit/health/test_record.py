"""A health record in a store may be anybody's: an invalid one is not used."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, get_args

import orjson
import pytest

from watchman_cli import health, schema
from watchman_cli.deadlines import DeadlineState, Matches
from watchman_cli.ecflow_client import errors as ecflow_errors
from watchman_cli.errors import ErrorKind
from watchman_cli.health import Disabled, Failure, Health, Mode, warn_of_another
from watchman_cli.snapshot import MAX_SKEW

TIME = "2026-11-25T20:00:00.000000+00:00"
DUE = datetime(2026, 11, 25, 5, 30, tzinfo=timezone.utc)
STATE = DeadlineState("/s complete by 05:30 UTC", DUE, "missed", "other", DUE, Matches(3, 2), misses=1)
RECORD = Health(checked_time=TIME, ok=True, failures=2, failing_since=TIME, next_verification=TIME)
FULL = Health(
    checked_time=TIME, ok=False, failures=2, failing_since=TIME, address="h:3141", attempts=3, seconds=1.5,
    collected_time=TIME, nodes=7, counts={"suites": 1}, counted_revision="ab", requests=4,
    server_version="5.9.2", bindings_version="5.9.3", error=Failure("refused", "connection refused"),
    mode="incremental", reason="why", verification="equal", next_verification=TIME,
    disabled=Disabled(TIME, "they differ"), stale_handle=True, deadlines=(STATE,), changes_kept=True,
)  # fmt: skip


def forged(record: Health, **fields: Any) -> bytes:
    """Return a record with other fields, which need not be valid."""
    document = orjson.loads(health.encode(record))
    for name, value in fields.items():
        part = document["sync"] if name in document["sync"] else document
        part[name] = value
    return orjson.dumps(document)


@pytest.mark.parametrize("record", [RECORD, FULL])
def test_a_record_is_decoded_as_it_was_encoded(record: Health) -> None:
    found = health.decode(health.encode(record))
    start = DUE + timedelta(days=1)
    stored = tuple(state._replace(next_start=start, next_due=start) for state in record.deadlines)
    assert found == record._replace(deadlines=stored)
    assert all(type(getattr(found, name)) is type(getattr(record, name)) for name in record._fields)


def test_a_record_is_stored_as_the_schema_describes_it() -> None:
    assert orjson.loads(health.encode(FULL)) == {
        "checked_time": TIME, "ok": False, "failures": 2, "failing_since": TIME, "address": "h:3141",
        "attempts": 3, "seconds": 1.5, "collected_time": TIME, "nodes": 7, "counts": {"suites": 1},
        "counted_revision": "ab", "requests": 4, "server_version": "5.9.2", "bindings_version": "5.9.3",
        "error": {"kind": "refused", "message": "connection refused"},
        "deadlines": [STATE.as_json()], "changes_kept": True,
        "sync": {
            "mode": "incremental", "reason": "why", "verification": "equal", "next_verification": TIME,
            "disabled": {"since": TIME, "reason": "they differ"}, "stale_handle": True,
        },
    }  # fmt: skip


def test_fields_without_a_value_are_null() -> None:
    document = orjson.loads(health.encode(RECORD))
    assert document["error"] is document["deadlines"] is document["sync"]["disabled"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"failures": (1 << 64) - 1},
        {"nodes": 1 << 62},
        {"next_verification": "9999-99-99T99:99:99+99:99"},
        {"failing_since": "2026-13-45T99:99:99Z"},
        {"attempts": -1},
        {"disabled": {"since": "x", "reason": "y"}},
    ],
    ids=str,
)
def test_an_invalid_record_is_not_used(fields: dict[str, Any]) -> None:
    assert health.decode(forged(RECORD, **fields)) == Health()


@pytest.mark.parametrize(
    "fields",
    [
        {"counts": {"complete": -1}},
        {"nodes": 1 << 62},
        {"next_verification": "9999-99-99T99:99:99+99:99"},
        {"error": {"kind": "of another version", "message": ""}},
        {"deadlines": [{"deadline": "/s complete by 05:30 UTC", "others": -1}]},
        {"stale_handle": None},
    ],
    ids=str,
)
def test_the_valid_parts_of_an_invalid_record_are_salvaged(fields: dict[str, Any]) -> None:
    failing = RECORD._replace(ok=False, disabled=Disabled(TIME, "it differs"))
    value = forged(failing, **fields)
    assert health.decode(value) == Health()
    found = health.salvage(value)
    assert found == failing._replace(**{name: getattr(Health(), name) for name in fields})
    assert health.decode(health.encode(found)) == found


def test_the_valid_deadlines_of_an_invalid_record_are_salvaged() -> None:
    states = [STATE.as_json(), STATE.as_json() | {"others": -1}, STATE.as_json() | {"deadline": "/t"}]
    found = health.salvage(forged(RECORD, deadlines=states, nodes=-1))
    assert [state.deadline for state in found.deadlines] == [STATE.deadline, "/t"]
    assert found._replace(deadlines=()) == RECORD


def test_a_deadline_with_an_invalid_time_is_left_out() -> None:
    states = [STATE.as_json() | {"due": "2026-02-31T00:00:00+00:00"}, STATE.as_json()]
    (state,) = health.decode(forged(RECORD, deadlines=states)).deadlines
    assert state.deadline == STATE.deadline


@pytest.mark.parametrize(
    "value", [b"", b"no", b"[]", b"1", b'{"sync": []}', b'{"failures": "x", "sync": {}}']
)
def test_nothing_is_salvaged_from_another_value(value: bytes) -> None:
    assert health.salvage(value) == Health()
    assert health.decode(value) == Health()


def test_a_valid_record_is_salvaged_whole() -> None:
    assert health.salvage(health.encode(FULL)) == health.decode(health.encode(FULL))


def test_a_record_without_its_invalid_parts_is_valid() -> None:
    wrong = RECORD._replace(counts={"complete": -1}, nodes=-1)
    assert health.encode_repaired(wrong) == health.encode_repaired(RECORD) == health.encode(RECORD)


def test_summary() -> None:
    assert FULL._replace(ok=True).summary == "ok"
    assert FULL.summary == "2 runs failed: connection refused"
    assert FULL._replace(failures=1).summary == "1 run failed: connection refused"
    assert FULL._replace(error=None).summary == "2 runs failed: "


def test_each_kind_of_error_is_in_the_schema() -> None:
    error = schema.load("health")["properties"]["error"]["anyOf"][1]["properties"]
    kinds = error["kind"]["oneOf"]
    assert [kind["const"] for kind in kinds] == list(get_args(ErrorKind))
    assert all(kind["description"] for kind in kinds)
    assert set(get_args(ecflow_errors.ErrorKind)) < set(get_args(ErrorKind))


def test_each_mode_is_in_the_schema() -> None:
    mode = schema.load("health")["properties"]["sync"]["properties"]["mode"]
    assert mode["enum"] == [*get_args(Mode), None]


NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
FUTURE = (NOW + timedelta(days=3653)).isoformat()
SOON = (NOW + MAX_SKEW).isoformat()
PAST = (NOW - timedelta(minutes=1)).isoformat()


@pytest.mark.parametrize(
    ("kept", "checked", "warned"),
    [
        (None, "", False),
        (PAST, PAST, False),
        (SOON, SOON, False),  # two hosts' clocks
        (FUTURE, PAST, True),
        (PAST, FUTURE, True),
        (FUTURE, SOON, True),
        ("no time", FUTURE, True),
        ("2036-11-28T12:00:00.000000", "", False),  # without a zone: from another program
    ],
)
def test_a_stored_time_in_the_future_is_reported(kept: str | None, checked: str, warned: bool) -> None:
    found = list(warn_of_another(Health(checked_time=checked), kept, "h:1", NOW))
    assert found == warned * [
        "the last run's time is 2036-11-28 12:00:00 UTC, in the future: the clock of its host was ahead, or "
        "this host's clock is behind; compare both"
    ]


def test_another_address_is_reported() -> None:
    (warning,) = warn_of_another(Health(checked_time=PAST, address="h:2"), PAST, "h:1", NOW)
    assert warning == (
        "the last run under this name read h:2, this one h:1: if nothing was reconfigured, two "
        "configurations use the name"
    )
    assert list(warn_of_another(Health(checked_time=PAST, address="h:1"), PAST, "h:1", NOW)) == []
