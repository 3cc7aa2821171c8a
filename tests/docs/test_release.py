"""`make release`: what it builds is checked, the same from any copy of a commit, and has both names."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    subprocess.run([*GIT, "clone", "-q", str(ROOT), str(folder)], check=True)
    return folder


def commit(checkout: Path, name: str, old: str, new: str) -> None:
    text = (checkout / name).read_text()
    assert old in text
    (checkout / name).write_text(text.replace(old, new))
    subprocess.run([*GIT, "commit", "-qam", "change"], cwd=checkout, check=True)


def release(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [checkout / "packaging" / "release"]
    environment = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_wheel_and_sdist_of_the_commit(checkout: Path) -> None:
    (checkout / "docs" / "not committed.md").touch()
    built = release(checkout)
    assert (built.returncode, built.stderr.count("\n")) == (0, 1), built.stderr
    assert "without the changes that are not committed" in built.stderr
    wheel, sdist = sorted((checkout / "dist").iterdir(), key=lambda file: file.suffix != ".whl")
    assert re.fullmatch(r"watchman_cli-[\d.]+-py3-none-any\.whl", wheel.name)
    assert re.fullmatch(r"watchman_cli-[\d.]+\.tar\.gz", sdist.name)
    listed = subprocess.run(["tar", "-tf", sdist], capture_output=True, text=True, check=True).stdout
    assert "/packaging/release\n" in listed
    assert "not committed" not in listed
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
        scripts = configparser.ConfigParser()
        scripts.read_string(archive.read(name).decode())
    assert set(scripts["console_scripts"]) == {"watchman", "ecflow-watchman"}


def test_builds_that_differ_are_no_release(checkout: Path) -> None:
    commit(
        checkout,
        "pyproject.toml",
        "[tool.hatch.version]",
        "[tool.hatch.build]\nreproducible = false\n\n[tool.hatch.version]",
    )
    built = release(checkout)
    assert built.returncode == 1
    assert "Two builds of one commit differ" in built.stderr
    assert not (checkout / "dist").exists()


def test_a_readme_that_an_index_refuses_is_no_release(checkout: Path) -> None:
    commit(checkout, "pyproject.toml", 'content-type = "text/markdown"', 'content-type = "text/x-rst"')
    built = release(checkout)
    assert built.returncode == 1
    assert "FAILED" in built.stderr


def test_help_has_the_name_that_was_called(tmp_path: Path) -> None:
    called = Path(sys.executable).with_name("ecflow-watchman")
    result = subprocess.run([called, "collect", "--help"], capture_output=True, text=True, check=True)
    assert "ecflow-watchman collect [OPTIONS]" in result.stdout
