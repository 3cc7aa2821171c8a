"""The silences of a server in the store: what is invalid does not silence."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import orjson
import pytest

from watchman_cli.silences import Silence, decode, with_silence, without_silence

NOW = datetime(2026, 11, 24, 6, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
FIRST = Silence("o/r", NOW + HOUR, "/", None, "ops@login01", "new disks")
SECOND = Silence("o/r", NOW + 2 * HOUR, "/s", None, "ops@login02", "tests")


def test_silences_are_kept_until_they_end() -> None:
    value = with_silence(b"", FIRST, NOW)
    value = with_silence(value, SECOND, NOW)
    assert decode("o/r", value) == [FIRST, SECOND]
    longer = SECOND._replace(until=NOW + 9 * HOUR)
    assert decode("o/r", with_silence(value, longer, NOW + HOUR)) == [longer]
    assert decode("o/r", without_silence(value, "o/r", "/s", NOW)) == [FIRST]
    assert without_silence(with_silence(b"", FIRST, NOW), "o/r", "/", NOW) == b""


def test_end_of_a_silence_that_is_not_there() -> None:
    value = with_silence(b"", FIRST, NOW)
    assert without_silence(value, "o/r", "/other", NOW) == value


@pytest.mark.parametrize(
    "change",
    [
        {"path": "s"}, {"path": 1}, {"until": "tomorrow"}, {"until": "2026-99-24T06:00:00+00:00"},
        {"until": "2026-11-24T06:00:00"}, {"who": None}, {"because": 1},
    ],
)  # fmt: skip
def test_invalid_silence_is_ignored(change: dict[str, object]) -> None:
    (entry,) = orjson.loads(with_silence(b"", FIRST, NOW))
    assert decode("o/r", orjson.dumps([{**entry, **change}, entry])) == [FIRST]


@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b"x", b"\xff", b"null"])
def test_invalid_value_silences_nothing(value: bytes) -> None:
    assert decode("o/r", value) == []
    assert decode("o/r", with_silence(value, FIRST, NOW)) == [FIRST]
