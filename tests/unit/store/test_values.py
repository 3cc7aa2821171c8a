"""The values of one server: the state after an update, a later snapshot, a whole one."""

from __future__ import annotations

import pytest

from watchman_cli import snapshot
from watchman_cli.snapshot import HEAD_SIZE, Head
from watchman_cli.store import StoredState, Update
from watchman_cli.store.values import is_whole, with_time


def time_of(number: int) -> str:
    return f"2026-01-01T00:00:00.00000{number}+00:00"


def value(number: int, status: str = "queued") -> bytes:
    records = ",".join(f'{{"path":"{path}","status":"{status}"}}' for path in ("/", "/s", "/s/t", "/s/t/u"))
    return snapshot.encode(time_of(number), "RUNNING", [records.encode()])


def head(number: int) -> Head:
    found = snapshot.parse_head(value(number)[:HEAD_SIZE])
    assert found
    return found


def stored(number: int | None) -> StoredState:
    return StoredState.from_values(b"" if number is None else value(number), b"h", b"s")


def test_the_state_of_stored_values() -> None:
    assert len(value(1)) > HEAD_SIZE
    assert stored(1) == StoredState(head(1), value(1)[:HEAD_SIZE], len(value(1)), b"h", b"s")
    assert stored(None) == StoredState(None, b"", 0, b"h", b"s")
    assert StoredState.from_values(b"[]", b"", b"") == StoredState(None, b"[]", 2, b"", b"")


@pytest.mark.parametrize(
    ("update", "status", "sync"),
    [
        (Update(b"n"), value(1), b"s"),
        (Update(b"n", snapshot=value(2, "active")), value(2, "active"), b"s"),
        (Update(b"n", new_time=time_of(2)), value(2), b"s"),
        (Update(b"n", sync=b"t"), value(1), b"t"),
        (Update(b"n", sync=b""), value(1), b""),
    ],
)
def test_the_state_after_an_update(update: Update, status: bytes, sync: bytes) -> None:
    assert stored(1).after(update) == StoredState.from_values(status, b"n", sync)


def test_a_new_time_replaces_the_old_one_alone() -> None:
    assert with_time(value(1), time_of(2)) == value(2)
    assert with_time(value(1)[:HEAD_SIZE], time_of(2)) == value(2)[:HEAD_SIZE]


@pytest.mark.parametrize(
    ("leased", "now", "written", "superseded"),
    [
        (2, None, None, False),  # the store lost its snapshot
        (2, 1, None, False),  # it has an older copy
        (2, 2, None, False),  # nothing was written since
        (2, 3, None, True),
        (2, 3, 2, True),
        (2, 3, 3, False),  # an equal time is not later
        (2, 3, 4, False),
        (2, 2, 1, False),
        (None, 1, None, True),
        (None, 1, 1, False),
        (None, 2, 1, True),
        (None, None, 1, False),
    ],
)
def test_superseded(leased: int | None, now: int | None, written: int | None, superseded: bool) -> None:
    update = Update(b"n", snapshot=None if written is None else value(written))
    found = stored(leased).superseded_by(None if now is None else head(now), update)
    assert found is superseded


def test_whole() -> None:
    good = value(1)
    assert is_whole(good, head(1)) and is_whole(good, head(2))  # the time is not a part of the revision
    other = snapshot.parse_head(value(1, "active")[:HEAD_SIZE])
    assert not is_whole(good, other) and not is_whole(good, None)
    assert not is_whole(good[:-20] + b"x" + good[-19:], head(1)) and not is_whole(b"", head(1))


def test_no_head_proves_nothing() -> None:
    assert not is_whole(b"XXXX", None) and not is_whole(value(1), None)
