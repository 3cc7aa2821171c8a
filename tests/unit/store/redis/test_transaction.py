"""What a commit's transaction in Redis has, by what is written and what is there."""

from __future__ import annotations

import pytest

from watchman_cli.changes.batch import Batch
from watchman_cli.store import Update
from watchman_cli.store.redis.keys import ServerKeys
from watchman_cli.store.redis.transaction import (
    NO_EXPIRY,
    NO_KEY,
    Stored,
    delete,
    expire_stream,
    limit_lives,
    write_values,
)

KEYS = ServerKeys("status", "health", "sync", "changes", "lock", "details", "changed", "silences", "channel")
BATCH = Batch("o/r", "t", "a", "b", "RUNNING")
LIVES = {"expires": 5000, "stays": NO_EXPIRY, "missing": NO_KEY}


def words(update: Update, life: int = NO_KEY, has_stream: bool = False) -> list[str]:
    """Return the commands as they are in Redis, without the values."""
    stored = Stored(life, has_stream)
    commands = [*write_values(update, KEYS, stored), *expire_stream(update, KEYS, stored)]
    return [f"{name} {key}" for name, key, *_ in commands]


@pytest.mark.parametrize("expire", [None, 60])
def test_a_new_snapshot_sets_its_expiry_itself(expire: int | None) -> None:
    update = Update(b"h", snapshot=b"s", expire=expire)
    assert words(update) == ["SET status", "SET health"]
    wanted = ("SET", "status", b"s", *(("EX", 60) if expire else ()))
    assert next(write_values(update, KEYS, Stored())) == wanted


@pytest.mark.parametrize(("expire", "word"), [(None, "PERSIST"), (60, "EXPIRE")])
def test_a_new_time(expire: int | None, word: str) -> None:
    update = Update(b"h", new_time="t", expire=expire)
    assert words(update, has_stream=True) == [
        "SETRANGE status",
        f"{word} status",
        "SET health",
        f"{word} changes",
    ]


@pytest.mark.parametrize(
    ("found", "expire", "wanted"),
    [
        ("expires", 60, []),
        ("expires", None, ["PERSIST status"]),
        ("stays", 60, ["EXPIRE status"]),
        ("stays", None, []),
        ("missing", 60, []),
        ("missing", None, []),
    ],
)
def test_a_snapshot_that_is_kept(found: str, expire: int | None, wanted: list[str]) -> None:
    assert words(Update(b"h", expire=expire), LIVES[found]) == [*wanted, "SET health"]


def test_the_sync_cache() -> None:
    assert words(Update(b"h", sync=b"s")) == ["SET health", "SET sync"]
    assert words(Update(b"h", sync=b"")) == ["SET health", "DEL sync"]
    assert words(Update(b"h")) == ["SET health"]


def test_locks_and_details_are_deleted_together() -> None:
    unwanted = Update(b"h", details="delete")
    assert list(delete(unwanted, KEYS, ["a", "b"])) == [("DEL", "a", "b", "details", "changed")]
    assert list(delete(unwanted, KEYS, [])) == [("DEL", "details", "changed")]
    assert list(delete(Update(b"h"), KEYS, ["a"])) == [("DEL", "a")]
    assert list(delete(Update(b"h"), KEYS, [])) == []


def test_no_missing_key_is_named() -> None:
    """In a cluster, while a slot is moved, such a transaction is refused."""
    batch = Batch("o/r", "t", "a", "b", "RUNNING")
    assert words(Update(b"h", snapshot=b"s", expire=9)) == ["SET status", "SET health"]
    assert words(Update(b"h", snapshot=b"s", expire=9, changes=batch))[-1] == "EXPIRE changes"
    assert words(Update(b"h", changes=batch))[-1] == "PERSIST changes"


def test_the_commands_with_their_values() -> None:
    new = Update(b"h", snapshot=b"snapshot", sync=b"s", expire=9)
    assert list(write_values(new, KEYS, Stored())) == [
        ("SET", "status", b"snapshot", "EX", 9),
        ("SET", "health", b"h"),
        ("SET", "sync", b"s"),
    ]
    touched = Update(b"h", new_time="t", sync=b"", expire=9)
    assert list(write_values(touched, KEYS, Stored())) == [
        ("SETRANGE", "status", len('{"collected_time":"'), "t"),
        ("EXPIRE", "status", 9),
        ("SET", "health", b"h"),
        ("DEL", "sync"),
    ]
    kept = Update(b"h")
    assert next(write_values(kept, KEYS, Stored(5000))) == ("PERSIST", "status")
    for expire, wanted in ((None, ("PERSIST", "changes")), (9, ("EXPIRE", "changes", 9))):
        update = Update(b"h", new_time="t", expire=expire)
        assert list(expire_stream(update, KEYS, Stored(NO_KEY, True))) == [wanted]


@pytest.mark.parametrize(
    ("update", "stored", "fields"),
    [
        (Update(b"h", lifetime=60), Stored(), ["health"]),
        (Update(b"h", lifetime=60), Stored(NO_EXPIRY), ["status", "health"]),
        (Update(b"h", lifetime=60), Stored(NO_KEY, True), ["health", "changes"]),
        (Update(b"h", snapshot=b"s", lifetime=60), Stored(), ["status", "health"]),
        (Update(b"h", new_time="t", sync=b"s", lifetime=60), Stored(), ["status", "health", "sync"]),
        (Update(b"h", sync=b"", lifetime=60), Stored(), ["health"]),
        (Update(b"h", changes=BATCH, lifetime=60), Stored(), ["health", "changes"]),
        (Update(b"h", snapshot=b"s", sync=b"s", changes=BATCH), Stored(NO_EXPIRY, True), []),
    ],
)
def test_a_probe_outlives_nothing(update: Update, stored: Stored, fields: list[str]) -> None:
    assert list(limit_lives(update, KEYS, stored)) == [("EXPIRE", field, 60) for field in fields]
