"""Where tests look for the programs that they start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import programs


def install(folder: Path, name: str) -> str:
    folder.mkdir()
    path = folder / name
    path.touch(0o755)
    return str(path)


def test_sbin_is_searched_after_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = install(tmp_path / "sbin", "a-server")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(programs, "MORE", (str(tmp_path / "sbin"),))
    assert programs.find_program("a-server") == installed
    first = install(tmp_path / "bin", "a-server")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert programs.find_program("a-server") == first


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(programs, "MORE", ())
    with pytest.raises(programs.MissingProgram, match=r"^redis-cli is not installed: .* redis-tools$"):
        programs.find_program("redis-cli")
