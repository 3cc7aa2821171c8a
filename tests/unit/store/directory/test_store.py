"""A directory store: folders that other runs make, remove and lock."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from watchman_cli import snapshot
from watchman_cli.store import Update
from watchman_cli.store.directory.lock import DirectoryLock
from watchman_cli.store.directory.store import DirectoryStore

NAME = "o/r"
OLD = snapshot.encode("2026-01-01T00:00:00.000001+00:00", "RUNNING", [b'{"path":"/","status":"queued"}'])
LATER = "2026-01-01T00:00:00.000002+00:00"


@pytest.mark.parametrize("times", [1, 2])
def test_a_directory_that_a_probe_removes_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """It was empty: between its making and the lock in it."""
    store, left = DirectoryStore(tmp_path), [*range(times)]
    take = DirectoryLock.take

    def remove_and_take(self: DirectoryLock) -> bool:
        if left:
            left.pop()
            shutil.rmtree(tmp_path / "o")
        return take(self)

    monkeypatch.setattr(DirectoryLock, "take", remove_and_take)
    lease = store.lease(NAME, time.monotonic() + 60, "login01:3141")
    assert lease
    with lease:
        lease.commit(Update(b"1", snapshot=OLD))
    assert (store.value(NAME, "health"), left) == (b"1", [])
    assert list(tmp_path.rglob("lock")) == []


def test_another_probe_keeps_its_lock(tmp_path: Path) -> None:
    first, second = DirectoryStore(tmp_path), DirectoryStore(tmp_path)
    with second.lease(NAME, time.monotonic() + 60, "login01:3141") or pytest.fail():
        first.remove(NAME, "login01:3141")
        assert first.lease(NAME, time.monotonic() + 60) is None
