"""Who may write a configuration that nobody named, or that names a program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchman_cli import config
from watchman_cli.config.permissions import find_other_writer
from watchman_cli.errors import ConfigError

SERVERS = "servers:\n- {owner: o, repo: r, host: h, port: 1}\n"
PROGRAM = "ecflow_python: /usr/bin/python3\n"
SOMEBODY = 54321  # a user that is neither the caller nor root


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    for each in (folder.parent, folder):
        each.chmod(0o755)
    (folder / "watchman.yaml").write_text(PROGRAM + SERVERS)
    (folder / "watchman.yaml").chmod(0o644)
    monkeypatch.chdir(folder)
    return folder


def spoil(folder: Path, how: str) -> str:
    """Let somebody else write the configuration; return the place that lets them."""
    file = folder / "watchman.yaml"
    place = {"file": file, "folder": folder, "above": folder.parent}.get(how.partition(" ")[0], file)
    if how.endswith("group"):
        place.chmod(place.stat().st_mode | 0o020)
    elif how.endswith("others"):
        place.chmod(place.stat().st_mode | 0o002)
    elif how.endswith("owner"):
        os.chown(place, SOMEBODY, -1)
    else:  # a link from a place where nobody else may write
        shared = folder.parent / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        place = file.rename(shared / "watchman.yaml").parent
        file.symlink_to(shared / "watchman.yaml")
    return str(place)


HOWS = ["file group", "file others", "folder group", "folder others", "above others", "link"]
HOWS += ["file owner", "folder owner", "above owner"] if os.geteuid() == 0 else []


@pytest.mark.parametrize("how", HOWS)
def test_a_configuration_that_others_may_write(folder: Path, how: str) -> None:
    assert config.find(None, {}) == Path("watchman.yaml")
    assert config.load(Path("watchman.yaml"), {}).ecflow_python == "/usr/bin/python3"
    place = spoil(folder, how)
    done = "chown it" if how.endswith("owner") else f"chmod go-w {place}"
    whose = f"{place} belongs to {'the user 54321' if how.endswith('owner') else ''}"
    with pytest.raises(ConfigError) as caught:
        config.find(None, {})
    assert whose in str(caught.value) and done in str(caught.value) and "--config" in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        config.load(Path("watchman.yaml"), {})
    assert str(caught.value).startswith("watchman.yaml:1: ecflow_python: ")
    assert whose in str(caught.value) and done in str(caught.value)
    own = config.load(Path("watchman.yaml"), {"WATCHMAN_ECFLOW_PYTHON": "/opt/python"})
    assert own.ecflow_python == "/opt/python"
    (folder / "watchman.yaml").write_text(SERVERS)
    assert config.load(Path("watchman.yaml"), {}).servers, "it names no program, and was named itself"


def test_files_in_a_sticky_directory_are_safe(folder: Path) -> None:
    folder.chmod(0o1777)
    assert find_other_writer(Path("watchman.yaml")) is None


def test_a_program_is_not_looked_for_in_the_working_directory(folder: Path) -> None:
    (folder / "watchman.yaml").write_text(f"ecflow_python: bin/python\n{SERVERS}")
    with pytest.raises(ConfigError, match="is not the absolute path of a Python interpreter, or the name"):
        config.load(Path("watchman.yaml"), {})


@pytest.mark.parametrize(
    ("main", "included", "refused"),
    [
        (0o644, 0o644, False),
        (0o644, 0o664, True),
        (0o664, 0o664, False),
        (0o664, 0o666, True),
        (0o666, 0o666, False),
    ],
)
def test_users_who_can_write_the_including_file(
    folder: Path, main: int, included: int, refused: bool
) -> None:
    (folder / "watchman.yaml").chmod(main)
    (folder / "more.yaml").touch()
    (folder / "more.yaml").chmod(included)
    assert bool(find_other_writer(folder / "more.yaml", folder / "watchman.yaml")) is refused


def test_a_group_that_cannot_write_the_including_file(folder: Path) -> None:
    (folder / "watchman.yaml").chmod(0o664)
    (folder / "more.yaml").touch()
    (folder / "more.yaml").chmod(0o664)
    os.chown(folder / "more.yaml", -1, 54321 if os.geteuid() == 0 else os.getgid())
    refused = os.geteuid() == 0
    assert bool(find_other_writer(folder / "more.yaml", folder / "watchman.yaml")) is refused


def test_a_place_is_checked_once(folder: Path) -> None:
    seen: set[Path] = set()
    assert find_other_writer(folder / "watchman.yaml", None, seen) is None
    assert folder in seen
    folder.chmod(0o777)
    assert find_other_writer(folder / "watchman.yaml", None, seen) is None
