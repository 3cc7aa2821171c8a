"""Fixtures: the packages in dist/, and roots of their releases in which nothing else is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.packages.machine import APT, make_bare_root, run_in

SUITES = {"deb12": "bookworm", "deb13": "trixie"}
PACKAGES: list[Path | None] = [*sorted((ROOT / "dist").glob("ecflow-watchman_*.deb"))] or [None]


@pytest.fixture(scope="session", params=PACKAGES, ids=lambda file: str(file).rpartition("_")[0][-5:])
def package(request: pytest.FixtureRequest) -> Path:
    """Return each package in turn."""
    assert request.param, "`make deb` makes the package"
    return Path(request.param)


@pytest.fixture(scope="session")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same package with a higher version, which is an upgrade for dpkg."""
    folder = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder / "files"], check=True)
    control = folder / "files" / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 99.", 1))
    made = folder / "newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", folder / "files", made], check=True)
    return made


@pytest.fixture(scope="session")
def root(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root in which the package is installed, with nothing but what it depends on."""
    (release,) = [suite for name, suite in SUITES.items() if name in package.name]
    root = tmp_path_factory.mktemp("root") / release
    make_bare_root(release, root)
    run_in(root, *APT, "update")
    run_in(root, *APT, "install", str(package))
    return root
