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
