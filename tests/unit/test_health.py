"""A health record in a store may be anybody's: one that cannot be right is not used."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from watchman_cli import health
from watchman_cli.health import Health

TIME = "2026-11-25T20:00:00.000000+00:00"
RECORD = Health(checked_time=TIME, ok=True, failures=2, failing_since=TIME, next_verification=TIME)


def test_a_record_is_decoded_as_it_was_encoded() -> None:
    assert health.decode(health.encode(RECORD)) == RECORD


@pytest.mark.parametrize(
    "forged",
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
def test_a_record_that_cannot_be_right_is_not_used(forged: dict[str, Any]) -> None:
    assert health.decode(health.encode(replace(RECORD, **forged))) == Health()


@pytest.mark.parametrize(
    "forged",
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
def test_the_valid_parts_of_an_invalid_record_are_salvaged(forged: dict[str, Any]) -> None:
    failing = replace(RECORD, ok=False, disabled={"since": TIME, "reason": "it differs"})
    value = health.encode(replace(failing, **forged))
    assert health.decode(value) == Health()
    found = health.salvage(value)
    (name,) = forged
    left: dict[str, Any] = {name: [] if name == "deadlines" else getattr(Health(), name)}
    assert found == replace(failing, **left)
    assert health.decode(health.encode(found)) == found


@pytest.mark.parametrize(
    "value", [b"", b"no", b"[]", b"1", b'{"sync": []}', b'{"failures": "x", "sync": {}}']
)
def test_nothing_is_salvaged_of_what_is_no_record(value: bytes) -> None:
    assert health.salvage(value) == Health()


def test_a_record_without_what_makes_it_invalid_is_valid() -> None:
    wrong = replace(RECORD, counts={"complete": -1}, nodes=-1)
    assert health.repaired(wrong) == RECORD
    assert health.repaired(RECORD) is RECORD
