"""Only regular files that trusted users wrote are read; each failure becomes a StoreError."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.support.processes import opened_below
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store.directory.files import (
    check_regular,
    open_regular,
    read_regular,
    translating_os_errors,
    unlink,
)

TRUSTED = (os.geteuid(),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "status.json"
    path.write_bytes(b"12345")
    path.chmod(0o644)
    return path


def test_largest_value_is_read(path: Path) -> None:
    assert read_regular(path, 5, TRUSTED) == b"12345"
    assert read_regular(path, 5 << 20, TRUSTED) == b"12345"
    with pytest.raises(BadSnapshot, match=r"^it is larger than 0 MB$"):
        read_regular(path, 4, TRUSTED)
    path.write_bytes(b"x" * (3 << 20))
    with pytest.raises(BadSnapshot, match=r"^it is larger than 2 MB$"):
        read_regular(path, 2 << 20, TRUSTED)


@pytest.mark.parametrize("kind", ["link", "pipe", "socket", "directory"])
def test_other_kinds_of_files_are_refused_at_once(
    path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.unlink()
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(path.parent)  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    else:
        path.mkdir()
    reason = "it is a directory" if kind == "directory" else "it is not a regular file"
    with pytest.raises(BadSnapshot, match=f"^{reason}$"):
        open_regular(path, TRUSTED)
    assert opened_below(path.parent) == []


def test_missing_file_is_for_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none", TRUSTED)


@pytest.mark.parametrize("reason", ["it is world-writable", f"it belongs to user {os.geteuid()}"])
def test_file_of_an_untrusted_user_is_ignored(path: Path, reason: str) -> None:
    trusted = TRUSTED
    if "world" in reason:
        path.chmod(0o666)
    else:
        trusted = (os.geteuid() + 1,)
    with pytest.raises(BadSnapshot, match=f"^{reason}, so it is ignored until a run replaces it: {path}$"):
        open_regular(path, trusted)
    assert opened_below(path.parent) == []
    with open_regular(path, TRUSTED) if trusted != TRUSTED else path.open("rb") as file:
        assert file.read() == b"12345"


def test_descriptor_of_a_pipe() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(BadSnapshot, match="it is not a regular file"):
            check_regular(reader)
    finally:
        os.close(reader)
        os.close(writer)


def test_file_is_deleted_if_it_exists(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        for _ in range(2):
            unlink(path.name, folder)
            assert not path.exists()
        (path.parent / "folder").mkdir()
        with pytest.raises(IsADirectoryError):
            unlink("folder", folder)
    finally:
        os.close(folder)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "/d/x"), "No such file or directory: /d/x"),
        (NotADirectoryError(20, "Not a directory", "/d"), "Not a directory: /d"),
        (PermissionError(13, "Permission denied", "/d/x"), "Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_failure_names_the_store(error: OSError, message: str) -> None:
    with pytest.raises(StoreError) as raised, translating_os_errors("file:///d"):
        raise error
    assert str(raised.value) == f"store file:///d: {message}"
    assert not raised.value.transient and raised.value.__cause__ is error


def test_other_exceptions_pass() -> None:
    with pytest.raises(BadSnapshot), translating_os_errors("file:///d"):
        raise BadSnapshot("x")
