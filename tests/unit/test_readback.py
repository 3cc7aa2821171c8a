"""Reading back: a snapshot that is missing, and one that is written meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stored import ago, put_snapshot
from watchman_cli import NoSnapshot, StatusRecord
from watchman_cli.health import Failure, Health
from watchman_cli.readback import read_server, read_servers
from watchman_cli.store import Field
from watchman_cli.store.directory.store import DirectoryStore


class WrittenMeanwhile(DirectoryStore):
    """A directory in which a run writes its first snapshot after the first look for it."""

    def value(self, name: str, field: Field) -> bytes | None:
        found = super().value(name, field)
        if found is None and field == "status":
            put_snapshot(self.root, name, [StatusRecord("/s", "complete")])
        return found


def test_a_snapshot_that_is_written_meanwhile_is_not_called_gone(tmp_path: Path) -> None:
    (found,) = read_servers(WrittenMeanwhile(tmp_path), ["o/r"])
    assert found.error is None and found.snapshot is not None and found.health.ok


@pytest.mark.parametrize("ok", [True, False])
def test_a_snapshot_that_was_there_is_called_gone(tmp_path: Path, ok: bool) -> None:
    store, time = DirectoryStore(tmp_path), ago(90)
    record = Health(checked_time=ago(1), ok=ok, failures=0 if ok else 1, collected_time=time)
    put_snapshot(tmp_path, "o/r", [StatusRecord("/s", "complete")], record=record)
    (tmp_path / "o/r/status.json").unlink()
    words = f"the one of {time[:19].replace('T', ' ')} UTC is gone; it was deleted from the store"
    assert read_servers(store, ["o/r"])[0].error == f"no snapshot: {words}"
    with pytest.raises(NoSnapshot, match=f"o/r: no snapshot in file://.*: {words}"):
        read_server(store, "o/r")


def test_a_server_that_was_never_read_has_lost_nothing(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    record = Health(checked_time=ago(1), failures=1, error=Failure("refused", "refused"))
    put_snapshot(tmp_path, "o/r", [StatusRecord("/s", "complete")], record=record)
    (tmp_path / "o/r/status.json").unlink()
    assert [each.error for each in read_servers(store, ["o/r", "o/new"])] == ["no snapshot"] * 2
