"""The bytes of a configuration's file, and who may read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchman_cli.config import file
from watchman_cli.config.file import SIZE_LIMIT, read_bytes
from watchman_cli.errors import ConfigError


@pytest.mark.parametrize(
    ("mode", "by_others"),
    [(0o600, False), (0o700, False), (0o640, True), (0o604, True), (0o644, True), (0o622, False)],
)
def test_file_that_others_may_read_is_noted(tmp_path: Path, mode: int, by_others: bool) -> None:
    path = tmp_path / "watchman.yaml"
    path.write_bytes(b"servers: []\n")
    path.chmod(mode)
    assert read_bytes(path) == (b"servers: []\n", by_others)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "pipe"])
def test_only_a_regular_file_is_read(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "x")
    with pytest.raises(ConfigError) as raised:
        read_bytes(tmp_path / "x")
    assert str(raised.value) == f"{tmp_path}/x: not a regular file"


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        read_bytes(tmp_path / "x")
    assert str(raised.value) == f"{tmp_path}/x: No such file or directory"


def test_largest_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SIZE_LIMIT == 4 * 1024 * 1024
    monkeypatch.setattr(file, "SIZE_LIMIT", 10)
    path = tmp_path / "x"
    path.write_bytes(b"x" * 10)
    assert read_bytes(path)[0] == b"x" * 10
    path.write_bytes(b"x" * 11)
    with pytest.raises(ConfigError) as raised:
        read_bytes(path)
    assert str(raised.value) == f"{path}: 11 bytes; a configuration has at most 10"
