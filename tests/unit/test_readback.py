"""Reading back: a snapshot that is missing, and one that is written meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stored import ago, put_in_memory, put_snapshot
from watchman_cli import BadSnapshot, NoSnapshot, StatusRecord, health, read_snapshot
from watchman_cli.health import Failure, Health
from watchman_cli.readback import read_server, read_servers
from watchman_cli.store import Field
from watchman_cli.store.directory.store import DirectoryStore
from watchman_cli.store.memory import MemoryStore


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


def test_each_part_of_a_stored_server() -> None:
    store = MemoryStore()
    put_in_memory(store, "o/r", [StatusRecord("/s", "complete")], age=90)
    value = store.memory.values["o/r", "status"]
    (without,) = read_servers(store, ["o/r"])
    assert (without.server, without.value, without.error) == ("o/r", value, None)
    assert without.health_summary == "its health record is missing"
    assert without.age is not None and without.age >= 90 and without.stale_reason is None
    store.memory.values["o/r", "health"] = b"{"
    assert read_server(store, "o/r").health_summary == "its health record is not valid"
    failed = Health(checked_time=ago(1), failures=2)
    store.memory.values["o/r", "health"] = health.encode(failed)
    found = read_server(store, "o/r")
    assert (found.health, found.value) == (failed, value)
    assert found.stale_reason == found.health_summary == failed.summary


def test_a_server_without_a_snapshot() -> None:
    store = MemoryStore()
    (found,) = read_servers(store, ["o/r"])
    assert (found.server, found.snapshot, found.value, found.age) == ("o/r", None, b"", None)
    assert (found.error, found.health_summary) == ("no snapshot", "never read")
    with pytest.raises(NoSnapshot, match=r"^o/r: no snapshot in memory://$"):
        read_server(store, "o/r")


def test_an_invalid_snapshot() -> None:
    store = MemoryStore()
    store.memory.values["o/r", "status"] = b"[]"
    (found,) = read_servers(store, ["o/r"])
    assert (found.server, found.snapshot, found.value) == ("o/r", None, b"")
    assert found.error and found.error.startswith("its snapshot is not valid: ")
    with pytest.raises(BadSnapshot, match=r"^o/r: the snapshot in memory:// is not valid: "):
        read_server(store, "o/r")


def test_read_snapshot(tmp_path: Path) -> None:
    put_snapshot(tmp_path, "o/r", [StatusRecord("/s", "complete")])
    assert read_snapshot(f"file://{tmp_path}", "o/r").status("/s") == "complete"
    with pytest.raises(NoSnapshot, match=f"^o/new: no snapshot in file://{tmp_path}$"):
        read_snapshot(f"file://{tmp_path}", "o/new")
