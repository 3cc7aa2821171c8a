"""A silence holds for its server and path, and from its start until its end."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from watchman_cli.silences import Silence, describe, silenced

NOW = datetime(2026, 11, 24, 6, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("silenced_server", "silenced_path", "server", "path", "covered"),
    [
        ("o/r", "/", "o/r", None, True),
        ("o/r", "/", "o/r", "/", True),
        ("o/r", "/", "o/r", "/s/t", True),
        ("o/r", "/", "o/other", "/s/t", False),
        ("o/r", "/s", "o/r", "/s", True),
        ("o/r", "/s", "o/r", "/s/f/t", True),
        ("o/r", "/s", "o/r", "/sx", False),
        ("o/r", "/s/f", "o/r", "/s", False),
        ("o/r", "/s", "o/r", "/", False),
        ("o/r", "/s", "o/r", None, False),
        ("*", "/", "o/r", None, True),
        ("o/*", "/", "o/r", None, True),
        ("o/*", "/", "x/r", None, False),
        ("*/r", "/s", "o/r", "/s", True),
        ("o/r*", "/", "o/r", None, True),
        ("o/.", "/", "o/r", None, False),
    ],
)
def test_what_a_silence_covers(
    silenced_server: str, silenced_path: str, server: str, path: str | None, covered: bool
) -> None:
    silence = Silence(silenced_server, NOW + HOUR, silenced_path)
    assert silenced([silence], server, path, NOW) == (silence if covered else None)


@pytest.mark.parametrize(
    ("start", "until", "holds"),
    [
        (None, NOW + HOUR, True),
        (None, NOW, False),
        (None, NOW - HOUR, False),
        (NOW, NOW + HOUR, True),
        (NOW + HOUR, NOW + 2 * HOUR, False),
    ],
)
def test_when_a_silence_holds(start: datetime | None, until: datetime, holds: bool) -> None:
    silence = Silence("o/r", until, start=start)
    assert (silenced([silence], "o/r", "/s", NOW) is silence) is holds


def test_the_last_of_several() -> None:
    short, long = Silence("o/r", NOW + HOUR), Silence("*", NOW + 2 * HOUR)
    assert silenced([long, short], "o/r", "/s", NOW) is long
    assert silenced([short, long], "o/r", "/s", NOW) is long
    assert silenced([], "o/r", "/s", NOW) is None


def test_silence_in_words() -> None:
    silence = Silence("o/r", NOW, who="ops@login01", because="new disks")
    assert describe(silence) == "silenced until 2026-11-24 06:00 UTC by ops@login01: new disks"
