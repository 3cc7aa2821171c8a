"""The files that a pattern names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchman_cli.config.include import find_files, patterns_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "conf.d" / "sub").mkdir(parents=True)
    for name in (
        "b.yaml",
        "a.yaml",
        "10.yaml",
        "9.yaml",
        ".hidden.yaml",
        "a.yaml~",
        "[x].yaml",
        "sub/s.yaml",
    ):
        (tmp_path / "conf.d" / name).touch()
    (tmp_path / "watchman.yaml").touch()
    return tmp_path / "watchman.yaml"


def found(path: Path, *patterns: str) -> list[str]:
    """The names of the files that patterns name, relative to the directory of `path`."""
    files, problems = find_files(path, [([], pattern) for pattern in patterns])
    assert not problems
    return [os.path.relpath(file, path.parent) for file, _ in files]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["conf.d/*.yaml"], ["10.yaml", "9.yaml", "[x].yaml", "a.yaml", "b.yaml"]),
        (["conf.d/?.yaml"], ["9.yaml", "a.yaml", "b.yaml"]),
        (["conf.d/[x].yaml"], ["[x].yaml"]),
        (["conf.d/[x*.yaml"], ["[x].yaml"]),
        (["conf.d/.h*"], [".hidden.yaml"]),
        (["conf.d/b.yaml", "conf.d/*.yaml"], ["b.yaml", "10.yaml", "9.yaml", "[x].yaml", "a.yaml"]),
        (["conf.d/*/*.yaml"], ["sub/s.yaml"]),
        (["co*/a.yaml"], ["a.yaml"]),
        (["conf.d/*.yml", "gone/*.yaml", "watchman.yaml/*"], []),
    ],
)
def test_files_in_order_of_name(path: Path, patterns: list[str], names: list[str]) -> None:
    assert found(path, *patterns) == [f"conf.d/{name}" for name in names]


def test_a_file_is_found_once_and_never_by_itself(path: Path) -> None:
    (path.parent / "link.yaml").symlink_to("watchman.yaml")
    (path.parent / "again.yaml").symlink_to("conf.d/a.yaml")
    assert found(path, "*.yaml", "conf.d/a.yaml") == ["again.yaml"]


def test_absolute_paths_and_the_home(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path.parent / "conf.d"))
    assert found(path, f"{path.parent}/conf.d/sub/s*") == found(path, "~/sub/s.yaml") == ["conf.d/sub/s.yaml"]


def test_a_name_without_a_sign_must_exist(path: Path) -> None:
    files, problems = find_files(path, [(["include"], "conf.d/gone.yaml")])
    missing = path.parent / "conf.d/gone.yaml"
    assert (files, problems) == ([], [(["include"], f"{missing}: No such file or directory")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root lists every directory")
def test_a_directory_that_cannot_be_listed(path: Path) -> None:
    (path.parent / "conf.d").chmod(0)
    files, problems = find_files(path, [(["include"], "conf.d/*.yaml")])
    (path.parent / "conf.d").chmod(0o700)
    assert (files, problems) == ([], [(["include"], f"{path.parent}/conf.d: Permission denied")])


def test_a_loop_of_links(path: Path) -> None:
    (path.parent / "loop").symlink_to("loop")
    files, problems = find_files(path, [(["include"], "loop/*.yaml")])
    assert not files
    assert problems == [(["include"], f"{path.parent}/loop: Too many levels of symbolic links")]


@pytest.mark.parametrize(
    ("document", "patterns"),
    [
        ({"include": "a"}, [(["include"], "a")]),
        ({"include": ""}, []),
        ({"include": ["a", 1, "b", ""]}, [(["include", 0], "a"), (["include", 2], "b")]),
        ({"include": 1}, []),
        ({}, []),
        ([], []),
    ],
)
def test_patterns(document: object, patterns: object) -> None:
    assert patterns_of(document) == patterns
