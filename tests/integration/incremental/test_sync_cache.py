"""What one run leaves for the next: damaged, foreign, lost, elsewhere or off, it costs one full reading."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.watched import NAME, Watched
from watchman_cli.ecflow_client import Instance
from watchman_cli.snapshot import HEAD_SIZE
from watchman_cli.store.redis.keys import key
from watchman_cli.sync import cache


def flip(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def forged(value: bytes, **changes: Any) -> bytes:
    """Return a sync cache of other contents, with a right digest."""
    decoded = cache.decode(value)
    assert decoded
    return cache.encode(decoded._replace(**changes))


def later(**much: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(**much)).isoformat()


UNUSABLE = "no usable sync cache"
DIFFERENT = "the server's address, user or suites differ"
RESTARTED = "the server was restarted"
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "lost": (lambda value: b"", UNUSABLE),
    "a bit of it": (lambda value: flip(value, 100), UNUSABLE),
    "a bit of the digest": (lambda value: flip(value, 3), UNUSABLE),
    "cut short": (lambda value: value[:-20], UNUSABLE),
    "all but cut": (lambda value: value[:30], UNUSABLE),
    "not ours": (lambda value: b'{"a": 1}', UNUSABLE),
    "a number that is text": (lambda value: forged(value, state_change_no="1"), UNUSABLE),
    "a state that is a number": (lambda value: forged(value, suspended={"/s": 1}), UNUSABLE),
    "a time that is none": (lambda value: forged(value, read_time="yesterday"), UNUSABLE),
    "a time without a zone": (lambda value: forged(value, read_time="2026-11-24T00:00:00"), UNUSABLE),
    "of another server": (lambda value: forged(value, target=["elsewhere", 3141, None]), DIFFERENT),
    "of another start": (lambda v: forged(v, instance=Instance("5.9.2", "h", "1", "never")), RESTARTED),
    "of another snapshot": (
        lambda value: forged(value, revision="0" * 32),
        "the stored snapshot is not the one of the sync cache",
    ),
    "of tomorrow": (lambda value: forged(value, read_time=later(days=1)), "the clock was set back"),
    "of a busy server": (
        lambda value: forged(value, rate=1e6, read_time=later(minutes=-1)),
        "most nodes changed, if changes went on as before",
    ),
    "without what is under a suspended node": (
        lambda value: forged(value, suspended={}),
        "the sync cache does not fit the snapshot",
    ),
    "numbers beyond the server's": (
        lambda value: forged(value, state_change_no=10**6, modify_change_no=10**6),
        "nodes were added, removed or replaced",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_sync_cache_that_is_of_no_use_costs_one_full_reading(watched: Watched, what: str) -> None:
    damage, reason = DAMAGE[what]
    watched.ecflow.resume("/s")
    watched.ecflow.halt_server()
    watched.set("sync", damage(watched.value("sync")))
    found = watched.collect()
    assert (found["mode"], found["reason"]) == ("full", reason)
    assert found["requests"] <= 2
    assert watched.collect()["mode"] == "unchanged"


def test_an_older_sync_cache_does_not_fit_a_newer_snapshot(watched: Watched) -> None:
    old = watched.value("sync")
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    watched.collect()
    watched.set("sync", old)
    found = watched.collect()
    assert (found["mode"], found["reason"]) == (
        "full",
        "the stored snapshot is not the one of the sync cache",
    )


SNAPSHOTS: dict[str, Callable[[bytes], bytes]] = {
    "a status changed": lambda value: b'"active"'.join(value.rsplit(b'"queued"', 1)),
    "a byte at the end": lambda value: flip(value, len(value) - 20),
    "cut short": lambda value: value[:-30] + b"]}",
    "cut": lambda value: value[:-1],
    "blanks in place of a record": lambda value: re.sub(rb'\{"path":"/other/t7",[^}]*\},', b"", value),
    "a part of it twice": lambda value: value[:-2] + value[-40:],
}


@pytest.mark.parametrize("changed", [False, True], ids=["nothing changed", "something changed"])
@pytest.mark.parametrize("what", SNAPSHOTS)
def test_a_snapshot_damaged_after_its_head_is_written_anew(
    watched: Watched, what: str, changed: bool
) -> None:
    before = watched.value("status")
    damaged = SNAPSHOTS[what](before)
    assert damaged != before and damaged[:HEAD_SIZE] == before[:HEAD_SIZE]
    watched.set("status", damaged)
    if changed:
        watched.ecflow.force_state("/s/f/a", "State.aborted")
    found = watched.collect()
    assert (found["mode"], found["requests"]) == ("full", 2)
    assert found["reason"] in ("the snapshot in the store is damaged", "the snapshot in the store is another")
    assert found["disabled"] is None
    assert watched.collect()["mode"] == "unchanged"


def test_a_full_reading_writes_also_where_the_head_is_the_same(watched: Watched) -> None:
    """A damaged snapshot, and nothing that shows it but the records themselves."""
    true = watched.value("status")
    watched.set("status", flip(true, len(true) - 20))
    watched.set("sync", b"")
    assert watched.collect()["mode"] == "full"


def test_off(watched: Watched) -> None:
    watched.top["sync_cache"] = "off"
    watched.configure()
    for _ in range(2):
        found = watched.collect()
        assert (found["mode"], found["reason"], found["requests"]) == ("full", "sync_cache is off", 1)


def test_in_a_directory(watched: Watched, tmp_path: Path) -> None:
    watched.top["sync_cache"] = str(tmp_path / "cache")
    watched.configure()
    watched.redis.client.delete(key(NAME, "sync"))
    assert [watched.collect()["mode"] for _ in range(2)] == ["full", "unchanged"]
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    assert watched.collect()["mode"] == "incremental"
    assert watched.redis.client.get(key(NAME, "sync")) is None
    assert [path.name for path in (tmp_path / "cache" / NAME).iterdir()] == ["sync"]
    (tmp_path / "cache" / NAME / "sync").write_bytes(b"something else")
    assert [watched.collect()["mode"] for _ in range(2)] == ["full", "unchanged"]
    (tmp_path / "cache" / NAME / "sync").unlink()
    assert [watched.collect()["mode"] for _ in range(2)] == ["full", "unchanged"]


def test_reset(watched: Watched) -> None:
    assert watched.collect()["mode"] == "unchanged"
    found = watched.collect("--reset-sync", NAME)
    assert (found["mode"], found["reason"]) == ("full", "incremental syncs were reset")
    assert watched.collect()["mode"] == "unchanged"


def test_it_holds_no_variable(watched: Watched) -> None:
    """Only numbers, the proof of the start, and data that the records do not have."""
    watched.ecflow.alter("/s/f/a", "change", "variable", "V", "s3cret-value")
    watched.collect()
    value = watched.value("sync")
    assert b"s3cret" not in value
    kept = set(cache.SyncCache._fields) - {"kept_details"}
    assert set(orjson.loads(value.partition(b"\n")[2])) == {"format", "details", *kept}
