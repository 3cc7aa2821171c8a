"""Documents are validated by the schemas."""

from __future__ import annotations

from typing import Any

import pytest

from watchman_cli import schema

GOOD: dict[str, Any] = {
    "collected_time": "2026-11-24T00:12:57+00:00",
    "status_records": [{"path": "/", "status": "queued"}],
}
BAD_STATUS = {**GOOD, "status_records": [*GOOD["status_records"], {"path": "/s", "status": "waiting"}]}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        (GOOD, True),
        (BAD_STATUS, False),
        ({}, False),
        ({**GOOD, "status_records": {1, 2}}, False),
        (None, False),
    ],
)
def test_is_valid(document: Any, valid: bool) -> None:
    assert schema.is_valid("snapshot", document) is valid


def test_errors_up_to_a_limit() -> None:
    config = {"servers": [{"owner": 1, "repo": 2, "host": "h", "port": "x"}]}
    assert len(list(schema.iter_errors("config", config, 2))) == 2
    assert {error.json_path for error in schema.iter_errors("config", config, 9)} == {
        "$.servers[0].owner",
        "$.servers[0].repo",
        "$.servers[0].port",
    }


def test_reason_names_the_location() -> None:
    assert schema.why_invalid("snapshot", BAD_STATUS).startswith('$.status_records[1].status: "waiting"')
    assert schema.why_invalid("snapshot", 1).startswith("$: 1 is not of type")


def test_long_values_are_cut() -> None:
    document = {**GOOD, "status_records": ["x" * 5000]}
    assert len(schema.why_invalid("snapshot", document)) < 420


@pytest.mark.parametrize("first", [{}, [], 1, {"path": "/"}, {"path": "/s", "status": "queued"}])
def test_first_record_is_the_definitions(first: Any) -> None:
    """Items after `prefixItems` have the schema in `items`; the first one must have it, too."""
    assert not schema.is_valid("snapshot", {**GOOD, "status_records": [first]})
    assert "status_records[0]" in schema.why_invalid("snapshot", {**GOOD, "status_records": [first]})


def test_values_that_json_does_not_have() -> None:
    assert schema.why_invalid("snapshot", {**GOOD, "status_records": {1, 2}}) == "Unsupported type: 'set'"
    assert not schema.is_valid("snapshot", {**GOOD, "status_records": nested(2000)})
    assert schema.why_invalid("snapshot", {**GOOD, "status_records": nested(2000)})
