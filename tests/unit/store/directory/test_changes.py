"""A server's changes as lines of a file: positions, full and torn files, and files of others."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store.directory import changes
from watchman_cli.store.directory.changes import FILE, OLDER, append, await_after, end_of, has
from watchman_cli.store.directory.store import DirectoryStore

NAME = "o/r"


@pytest.fixture
def files(tmp_path: Path) -> DirectoryStore:
    (tmp_path / NAME).mkdir(parents=True)
    return DirectoryStore(tmp_path)


@pytest.fixture
def path(files: DirectoryStore) -> Path:
    return files.root / NAME / FILE


@pytest.fixture
def folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def values_after(files: DirectoryStore, position: str, wait: float = 0) -> list[bytes]:
    return [batch.value for batch in await_after(files, NAME, position, wait)]


def test_batches_come_in_their_order_once(files: DirectoryStore, path: Path, folder: int) -> None:
    assert (values_after(files, ""), end_of(files, NAME)) == ([], "")
    for value in (b"one", b"two", b"three"):
        append(folder, value)
    assert path.read_bytes() == b"one\ntwo\nthree\n"
    found = await_after(files, NAME, "", 0)
    number = path.stat().st_ino
    assert found == [(f"{number}:4", b"one"), (f"{number}:8", b"two"), (f"{number}:14", b"three")]
    assert values_after(files, found[0].position) == [b"two", b"three"]
    assert values_after(files, found[2].position) == []
    assert end_of(files, NAME) == found[2].position


@pytest.mark.parametrize("position", ["0:0", "1:4", f"{1 << 62}:8"])
def test_position_in_another_file_begins_again(files: DirectoryStore, folder: int, position: str) -> None:
    append(folder, b"one")
    assert values_after(files, position) == [b"one"]
    assert not has(files, NAME, position)


def test_position_after_the_end_is_of_another_file(files: DirectoryStore, path: Path, folder: int) -> None:
    append(folder, b"one")
    number = path.stat().st_ino
    assert has(files, NAME, f"{number}:4") and has(files, NAME, f"{number}:0")
    assert not has(files, NAME, f"{number}:5") and not has(files, NAME, "")
    assert values_after(files, f"{number}:4") == []
    assert values_after(files, f"{number}:5") == [b"one"]


def test_line_without_an_end_is_not_read_and_stays_by_itself(
    files: DirectoryStore, path: Path, folder: int
) -> None:
    append(folder, b"one")
    path.write_bytes(path.read_bytes() + b'{"torn')
    assert values_after(files, "") == [b"one"]
    assert end_of(files, NAME) == f"{path.stat().st_ino}:4"
    append(folder, b"two")
    assert path.read_bytes() == b'one\n{"torn\ntwo\n'
    assert values_after(files, "") == [b"one", b'{"torn', b"two"]


def test_file_that_has_only_a_torn_line(files: DirectoryStore, path: Path) -> None:
    path.write_bytes(b"x")
    assert (values_after(files, ""), end_of(files, NAME)) == ([], f"{path.stat().st_ino}:0")
    path.write_bytes(b"\n\n")  # an empty line is no batch
    assert (values_after(files, ""), end_of(files, NAME)) == ([], f"{path.stat().st_ino}:0")


def test_full_file_becomes_the_older_one(
    files: DirectoryStore, path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_SIZE", 8)
    older, positions = path.with_name(OLDER), []
    for value, sizes in (
        (b"one", (4, None)),
        (b"two", (8, None)),
        (b"three", (6, 8)),
        (b"4", (8, 8)),
        (b"5", (2, 8)),
    ):
        append(folder, value)
        positions.append(end_of(files, NAME))
        assert (path.stat().st_size, older.stat().st_size if older.exists() else None) == sizes
    assert values_after(files, "") == [b"three", b"4", b"5"]
    assert values_after(files, positions[2]) == [b"4", b"5"]  # in the older file
    assert values_after(files, positions[3]) == [b"5"]
    assert values_after(files, positions[4]) == []
    assert [has(files, NAME, position) for position in positions] == [False, False, True, True, True]


def test_file_that_others_can_write_is_replaced(files: DirectoryStore, path: Path, folder: int) -> None:
    path.write_bytes(b"forged\n")
    path.chmod(0o666)
    with pytest.raises(StoreError, match=f"^store {files.url}: the changes of {NAME}: it is world-writable"):
        await_after(files, NAME, "", 0)
    with pytest.raises(StoreError, match="world-writable"):
        end_of(files, NAME)
    append(folder, b"one")
    assert values_after(files, "") == [b"one"]


def test_something_else_in_its_place_is_refused(files: DirectoryStore, path: Path, folder: int) -> None:
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        append(folder, b"one")
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(BadSnapshot, match="it is not a regular file"):
        append(folder, b"one")
    with pytest.raises(StoreError, match="the changes of o/r: it is not a regular file"):
        await_after(files, NAME, "", 0)


def test_line_that_is_not_written_whole_is_an_error(
    path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    with pytest.raises(OSError) as raised:
        append(folder, b"one")
    assert raised.value.strerror == f"{FILE} could not be written whole" and path.read_bytes() == b"on"


def test_server_without_a_folder(files: DirectoryStore) -> None:
    assert (await_after(files, "o/none", "", 0), end_of(files, "o/none"), has(files, "o/none", "1:0")) == (
        [],
        "",
        False,
    )
    (files.root / "x").touch()
    assert (await_after(files, "x/y", "", 0), end_of(files, "x/y"), has(files, "x/y", "1:0")) == (
        [],
        "",
        False,
    )


def test_missing_store_is_an_error(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "none")
    for ask in (lambda: await_after(store, NAME, "", 0), lambda: end_of(store, NAME)):
        with pytest.raises(StoreError, match="no such directory"):
            ask()


def test_consumer_waits_for_a_batch(
    files: DirectoryStore, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float | None = None) -> bool:
        pauses.append(seconds or 0)
        if len(pauses) == 3:
            append(folder, b"one")
        return False

    monkeypatch.setattr(files.stopped, "wait", pause)
    assert values_after(files, "", wait=600) == [b"one"]
    assert pauses == [changes.POLL] * 3


def test_consumer_does_not_wait_longer_than_asked(
    files: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, pauses = [1000.0], list[float]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def pause(seconds: float | None = None) -> bool:
        assert seconds
        pauses.append(seconds)
        now[0] += seconds
        return False

    monkeypatch.setattr(files.stopped, "wait", pause)
    assert values_after(files, "", wait=1.25) == []
    assert pauses == [0.5, 0.5, 0.25]


def test_consumer_that_is_stopped_does_not_wait(files: DirectoryStore) -> None:
    files.stopped = threading.Event()
    files.stopped.set()
    assert values_after(files, "", wait=3600) == []
