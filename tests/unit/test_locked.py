"""requirements/dev.txt has each package that pyproject.toml requires, in an allowed version, by hashes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKED = (ROOT / "requirements" / "dev.txt").read_text()
PINNED = re.compile(
    r"^([a-z0-9-]+)==(\S+)(?: ; .*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)


def required() -> list[Requirement]:
    """Return what the package and its extras of the development require."""
    tomllib: Any = pytest.importorskip("tomllib", reason="Python 3.10 has no TOML")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    names = [*project["dependencies"], *extras["test"], *extras["dev"], *extras["docs"]]
    return [each for each in map(Requirement, names) if each.name != "watchman-cli"]


def test_each_package_is_locked_in_an_allowed_version() -> None:
    pinned: dict[str, list[str]] = {}
    for name, version, _ in PINNED.findall(LOCKED):
        pinned.setdefault(name, []).append(version)
    for each in required():
        versions = pinned.get(canonicalize_name(each.name), [])
        assert versions and all(map(each.specifier.contains, versions)), f"{each}: run make lock"


def test_each_line_is_a_pinned_package_with_hashes() -> None:
    rest = re.sub(r"^ *#.*\n", "", PINNED.sub("", LOCKED), flags=re.M)
    assert rest == "" and "://" not in LOCKED
