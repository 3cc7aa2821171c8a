"""A lease of a directory store: several files, and a lock that may go away between two of them."""

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


@pytest.mark.parametrize("update", [Update(b"2", new_time=LATER), Update(b"2", snapshot=OLD, sync=b"s")])
def test_its_own_snapshot_does_not_supersede_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: Update
) -> None:
    """The lock is gone after the snapshot was written, and before the rest."""
    store = DirectoryStore(tmp_path)
    for each in (Update(b"1", snapshot=OLD), update):
        lease = store.lease(NAME, time.monotonic() + 60)
        assert lease
        with lease:
            lease.commit(each)
            publish = DirectoryLock.publish

            def and_lose(self: DirectoryLock, data: bytes, name: str, publish: object = publish) -> bool:
                monkeypatch.undo()
                assert self.publish(data, name)
                shutil.rmtree(tmp_path / NAME / "lock")
                return True

            monkeypatch.setattr(DirectoryLock, "publish", and_lose)
    status = store.value(NAME, "status")
    assert status and (b"000002" in status) == (update.new_time is not None)
    assert (store.value(NAME, "health"), store.value(NAME, "sync")) == (b"2", update.sync)
