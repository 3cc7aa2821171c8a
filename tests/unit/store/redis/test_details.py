"""The commands that write and read details in Redis."""

from __future__ import annotations

from typing import Any

import pytest

from watchman_cli.details.stored import DetailsUpdate, StoredDetails
from watchman_cli.snapshot import HEAD_SIZE
from watchman_cli.store import Update
from watchman_cli.store.redis import details
from watchman_cli.store.redis.details import commands_of, stored_details, write_details
from watchman_cli.store.redis.keys import server_keys

KEYS = server_keys("o/r")
FULL = DetailsUpdate("r t", {"/": b"x", "/s/": b"y"}, {})
CHANGED = DetailsUpdate("r2 t2", None, {"/s": b"{}"}, "r t")


def words(update: Update) -> list[str]:
    return [" ".join(map(str, each)) for each in write_details(update, KEYS)]


def test_the_keys_are_in_the_snapshots_slot() -> None:
    assert KEYS.details == "{o/r/status}/details"
    assert KEYS.changed_details == "{o/r/status}/details/changed"


def test_a_full_reading_replaces_both() -> None:
    unlink, hset = write_details(Update(b"h", details=FULL), KEYS)
    assert unlink == ("UNLINK", KEYS.details, KEYS.changed_details)
    assert hset == ("HSET", KEYS.details, "revision", "r t", "base", "r t", "/", b"x", "/s/", b"y")


def test_no_command_has_too_many_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, "FIELDS_TOGETHER", 3)
    _, *written = write_details(Update(b"h", details=FULL), KEYS)
    assert [len(fields) // 2 for _, _, *fields in written] == [3, 1]


def test_what_changed_has_the_new_stamp_in_both() -> None:
    base, changed = write_details(Update(b"h", details=CHANGED), KEYS)
    assert base == ("HSET", KEYS.details, "revision", "r2 t2")
    assert changed == ("HSET", KEYS.changed_details, "revision", "r2 t2", "/s", b"{}")


@pytest.mark.parametrize(
    ("update", "commands"),
    [
        (Update(b"h"), []),
        (Update(b"h", details_life="set", expire=60),
         [f"EXPIRE {KEYS.details} 60", f"EXPIRE {KEYS.changed_details} 60"]),
        (Update(b"h", details_life="remove"), [f"PERSIST {KEYS.details}", f"PERSIST {KEYS.changed_details}"]),
    ],
)  # fmt: skip
def test_what_else_is_done(update: Update, commands: list[str]) -> None:
    assert words(update) == commands


def test_a_full_reading_expires_alone() -> None:
    *_, last = words(Update(b"h", details=FULL, details_life="set", expire=60))
    assert last == f"EXPIRE {KEYS.details} 60"


def test_some_fields_are_read() -> None:
    base, changed, head = commands_of(KEYS, ["/"], ["/s"])
    assert base == ("HMGET", KEYS.details, "revision", "base", "/")
    assert changed == ("HMGET", KEYS.changed_details, "revision", "/s")
    assert head == ("GETRANGE", KEYS.status, 0, HEAD_SIZE - 1)
    found = stored_details([[b"r t", b"r0 t0", b"x"], [b"r t", None], b"head"], ["/"], ["/s"])
    assert found == StoredDetails("r t", "r0 t0", "r t", {"/": b"x"}, {}, b"head")


def test_all_fields_are_read() -> None:
    base, changed, _ = commands_of(KEYS, None, None)
    assert (base, changed) == (("HGETALL", KEYS.details), ("HGETALL", KEYS.changed_details))
    answers: list[Any] = [{b"revision": b"r t", b"base": b"r t", b"/": b"x"}, {}, b""]
    assert stored_details(answers, None, None) == StoredDetails("r t", "r t", "", {"/": b"x"}, {})
