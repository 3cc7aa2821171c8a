"""What a run says of the store that it finds: another address, and times of the future."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from watchman_cli.collect.previous import warnings_of
from watchman_cli.health import Health

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
FUTURE = (NOW + timedelta(days=3653)).isoformat()
SOON = (NOW + timedelta(minutes=2)).isoformat()
PAST = (NOW - timedelta(minutes=1)).isoformat()


@pytest.mark.parametrize(
    ("kept", "checked", "warned"),
    [
        (None, "", False),
        (PAST, PAST, False),
        (SOON, SOON, False),  # the clocks of two hosts
        (FUTURE, PAST, True),
        (PAST, FUTURE, True),
        ("no time", FUTURE, True),
        ("2036-11-28T12:00:00.000000", "", False),  # which is in no zone: of another program
    ],
)
def test_a_stored_time_of_the_future_is_said(kept: str | None, checked: str, warned: bool) -> None:
    found = list(warnings_of(Health(checked_time=checked), kept, "h:1", NOW))
    assert [warning[:41] for warning in found] == ["the last run's time is 2036-11-28 12:00:00"[:41]] * warned


def test_another_address_is_said() -> None:
    (warning,) = warnings_of(Health(checked_time=PAST, address="h:2"), PAST, "h:1", NOW)
    assert warning.startswith("the last run under this name read h:2, this one h:1: ")
    assert list(warnings_of(Health(checked_time=PAST, address="h:1"), PAST, "h:1", NOW)) == []
