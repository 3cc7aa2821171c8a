"""What a commit's transaction in Redis has, by what is written and what is there."""

from __future__ import annotations

import pytest

from watchman_cli.changes.batch import Batch
from watchman_cli.store import Update
from watchman_cli.store.redis.keys import ServerKeys
from watchman_cli.store.redis.transaction import NO_EXPIRY, NO_KEY, Stored, expire_stream, write_values

KEYS = ServerKeys("status", "health", "sync", "changes", "lock", "channel")
LIVES = {"expires": 5000, "stays": NO_EXPIRY, "missing": NO_KEY}


def words(update: Update, life: int = NO_KEY, has_stream: bool = False) -> list[str]:
    """Return the commands as they are in Redis, without the values."""
    stored = Stored(life, has_stream)
    commands = [*write_values(update, KEYS, stored), *expire_stream(update, KEYS, stored)]
    return [f"{each.method} {each.arguments[0]}" for each in commands]


@pytest.mark.parametrize("expire", [None, 60])
def test_a_new_snapshot_sets_its_expiry_itself(expire: int | None) -> None:
    update = Update(b"h", snapshot=b"s", expire=expire)
    assert words(update) == ["set status", "set health"]
    assert next(write_values(update, KEYS, Stored())).options == {"ex": expire}


@pytest.mark.parametrize(("expire", "word"), [(None, "persist"), (60, "expire")])
def test_a_new_time(expire: int | None, word: str) -> None:
    update = Update(b"h", new_time="t", expire=expire)
    assert words(update, has_stream=True) == [
        "setrange status",
        f"{word} status",
        "set health",
        f"{word} changes",
    ]


@pytest.mark.parametrize(
    ("found", "expire", "wanted"),
    [
        ("expires", 60, []),
        ("expires", None, ["persist status"]),
        ("stays", 60, ["expire status"]),
        ("stays", None, []),
        ("missing", 60, []),
        ("missing", None, []),
    ],
)
def test_a_snapshot_that_is_kept(found: str, expire: int | None, wanted: list[str]) -> None:
    assert words(Update(b"h", expire=expire), LIVES[found]) == [*wanted, "set health"]


def test_the_sync_cache() -> None:
    assert words(Update(b"h", sync=b"s")) == ["set health", "set sync"]
    assert words(Update(b"h", sync=b"")) == ["set health", "delete sync"]
    assert words(Update(b"h")) == ["set health"]


def test_no_missing_key_is_named() -> None:
    """In a cluster, while a slot is moved, such a transaction is refused."""
    batch = Batch("o/r", "t", "a", "b", "RUNNING")
    assert words(Update(b"h", snapshot=b"s", expire=9)) == ["set status", "set health"]
    assert words(Update(b"h", snapshot=b"s", expire=9, changes=batch))[-1] == "expire changes"
    assert words(Update(b"h", changes=batch))[-1] == "persist changes"
