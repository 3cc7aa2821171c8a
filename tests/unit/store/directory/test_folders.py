"""A store's folders are made, opened without following a link, and refused if other users can write there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchman_cli.errors import StoreError
from watchman_cli.store.directory.folders import Folders


def opened(folders: Folders, *names: str) -> None:
    os.close(folders.open(*names))


def test_missing_folders_are_made(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b"
    folder = Folders(root, "file:///x").open("o", "r")
    assert os.fstat(folder).st_ino == (root / "o" / "r").stat().st_ino
    os.close(folder)


def test_only_folders_that_were_made_are_removed(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    folders = Folders(tmp_path, "file:///x")
    opened(folders, "o", "r")
    opened(folders, "p", "q")
    (tmp_path / "p" / "used").touch()
    folders.remove_made()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["o", "p", "p/used"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "o").symlink_to(tmp_path)
    with pytest.raises(OSError):
        Folders(tmp_path / "root", "file:///x").open("o")


@pytest.mark.parametrize("name", [".", "o"])
def test_a_world_writable_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "o").mkdir(exist_ok=True)
    (tmp_path / name).chmod(0o777)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(StoreError, match=r"store file:///x: .*refusing to write"):
        Folders(tmp_path, "file:///x").open("o", "r")
    assert len(list(Path("/proc/self/fd").iterdir())) == before  # each descriptor was closed
