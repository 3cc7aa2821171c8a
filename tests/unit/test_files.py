"""Files that are replaced as a whole, locks of directories, and files that others may have written."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import opened_below
from watchman_cli import files
from watchman_cli.files import (
    TEMPORARY,
    locked,
    make_directories,
    replace_file,
    temporary_name,
    why_distrusted,
    write_new,
)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_temporary_names_differ_and_are_known_as_such() -> None:
    names = {temporary_name() for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith(TEMPORARY) and len(name) == len(TEMPORARY) + 16 for name in names)


# --------------------------------------------------------------------------------- a new file


@pytest.mark.parametrize(
    ("mode", "umask", "found"), [(None, 0, 0o644), (0o600, 0, 0o600), (None, 0o077, 0o600)]
)
def test_new_file_is_not_writable_for_others(
    tmp_path: Path, folder: int, mode: int | None, umask: int, found: int
) -> None:
    os.umask(umask)
    if mode is None:
        write_new("new", b"data", folder)
    else:
        write_new("new", b"data", folder, mode=mode)
    assert (tmp_path / "new").read_bytes() == b"data" and mode_of(tmp_path / "new") == found


@pytest.mark.parametrize("link", [False, True])
def test_file_that_exists_is_not_written(tmp_path: Path, folder: int, link: bool) -> None:
    path = tmp_path / "new"
    if link:
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_new("new", b"data", folder)
    assert names(tmp_path) == ["new"] and (link or path.read_bytes() == b"old")


@pytest.mark.parametrize("durably", [True, False])
def test_file_that_cannot_be_written_whole_is_removed(
    tmp_path: Path, folder: int, durably: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full file system, which some report only if the file is synchronized."""
    synchronized: list[int] = []

    def full(descriptor: int) -> None:
        synchronized.append(descriptor)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    if durably:
        with pytest.raises(OSError, match="No space left"):
            write_new("new", b"data", folder)
    else:
        write_new("new", b"data", folder, durably=False)
    assert names(tmp_path) == ([] if durably else ["new"])
    assert len(synchronized) == int(durably)


# ----------------------------------------------------------------------------- a file that is replaced


def test_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "status.prom"
    for data, mode in ((b"one", 0o644), (b"two", 0o600)):
        replace_file(path, data, mode)
        assert (path.read_bytes(), mode_of(path), names(tmp_path)) == (data, mode, [path.name])


def test_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"kept")
    path.symlink_to(target)
    replace_file(path, b"new")
    assert (target.read_bytes(), path.read_bytes(), path.is_symlink()) == (b"kept", b"new", False)


def test_link_to_an_open_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    path.symlink_to("/proc/self/fd/1")
    with pytest.raises(OSError, match="a link to an open file of a process"):
        replace_file(path, b"new")
    assert path.is_symlink() and names(tmp_path) == ["stdout"]


def test_directory_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "status.prom"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(path, b"new")
    assert names(tmp_path) == [path.name] and opened_below(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "none" / "file", b"new")


# ------------------------------------------------------------------------------- a directory's lock


def is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_lock_is_held_within_its_context(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path, 0):
            assert is_locked(tmp_path)
        assert not is_locked(tmp_path)
    with pytest.raises(ZeroDivisionError), locked(tmp_path, 0):
        raise ZeroDivisionError
    assert not is_locked(tmp_path)


def test_lock_of_another_process_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = [*range(3)]
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)

    def pause(seconds: float) -> None:
        assert seconds == files._LOCK_POLL
        pauses.pop()
        if not pauses:
            os.close(held)

    monkeypatch.setattr(time, "sleep", pause)
    with locked(tmp_path, 60):
        assert pauses == [] and is_locked(tmp_path)


def test_patience_ends(tmp_path: Path) -> None:
    with locked(tmp_path, 0), pytest.raises(OSError, match=f"another process holds the lock of {tmp_path}$"):
        with locked(tmp_path, -1):
            pytest.fail("two have the lock")


def test_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match=r"cannot be locked \(No locks available\), as on NFS") as raised:
        with locked(tmp_path, 60):
            pytest.fail("it is not locked")
    assert raised.value.errno == 37


# --------------------------------------------------------------------- files that others can write

FILE, DIRECTORY = stat.S_IFREG, stat.S_IFDIR
ME, OTHER = 1000, 1001


@pytest.mark.parametrize(
    ("mode", "owner", "reason"),
    [
        (FILE | 0o644, ME, None),
        (FILE | 0o664, ME, None),  # the group's members are the owner's choice
        (FILE | 0o644, 0, None),
        (FILE | 0o644, OTHER, "it belongs to user 1001"),
        (FILE | 0o646, ME, "it is world-writable"),
        (FILE | 0o602, OTHER, "it is world-writable"),
        (FILE | 0o1646, ME, "it is world-writable"),  # the sticky bit of a file protects nothing
        (DIRECTORY | 0o755, ME, None),
        (DIRECTORY | 0o777, ME, "it is world-writable"),
        (DIRECTORY | 0o1777, ME, None),
        (DIRECTORY | 0o1777, OTHER, "it belongs to user 1001"),
    ],
)
def test_distrusted_owner_or_mode(mode: int, owner: int, reason: str | None) -> None:
    status = os.stat_result((mode, 0, 0, 0, owner, 0, 0, 0, 0, 0))
    assert why_distrusted(status, (ME, 0)) == reason


# ----------------------------------------------------------------------------------- directories


def test_missing_directories_are_made(tmp_path: Path) -> None:
    os.umask(0o002)
    deep = tmp_path / "a" / "b" / "c"
    assert make_directories(deep) == [deep.parents[1], deep.parent, deep]
    assert [mode_of(each) for each in (deep, deep.parent, deep.parents[1])] == [0o755] * 3
    assert make_directories(deep) == []
    assert make_directories(deep / "d") == [deep / "d"]


@pytest.mark.parametrize("link", [False, True])
def test_file_in_the_place_of_a_directory(tmp_path: Path, link: bool) -> None:
    path = tmp_path / "a"
    if link:
        path.symlink_to(tmp_path / "none")
    else:
        path.touch()
    with pytest.raises(FileExistsError):
        make_directories(path)


def test_another_process_makes_the_directory_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = Path.mkdir

    def twice(path: Path, mode: int) -> None:
        monkeypatch.undo()
        mkdir(path, mode)
        mkdir(path, mode)

    monkeypatch.setattr(Path, "mkdir", twice)
    assert make_directories(tmp_path / "a" / "b") == [tmp_path / "a" / "b"]
