"""Fixtures: the packages in dist/, and roots of their releases in which nothing else is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.packages.machine import APT, copy_root, make_bare_root, run_in

SUITES = {"deb12": "bookworm", "deb13": "trixie"}
# Of version 0.1.0, after its release: that one had no package.
FIRST_PACKAGE = "c315b1dbd44fcee6aeeba3b03d73fbf7cd4dd30d"
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
def bare(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root with nothing but the essential packages and apt, to be copied."""
    (release,) = [suite for name, suite in SUITES.items() if name in package.name]
    root = tmp_path_factory.mktemp("root") / release
    make_bare_root(release, root)
    run_in(root, *APT, "update")
    return root


@pytest.fixture(scope="session")
def root(package: Path, bare: Path) -> Path:
    """Return a root in which the package is installed, with nothing but what it depends on."""
    root = copy_root(bare, "installed")
    run_in(root, *APT, "install", str(package))
    return root


@pytest.fixture(scope="session")
def equipped(package: Path, bare: Path) -> Path:
    """Return a root in which the package is installed beside shells and logrotate."""
    root = copy_root(bare, "equipped")
    run_in(root, *APT, "install", str(package), "bash-completion", "zsh", "fish", "logrotate")
    return root


@pytest.fixture(scope="session")
def older(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first package that there was, built for this machine's release."""
    folder = tmp_path_factory.mktemp("older") / "source"
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
    found = subprocess.run(["git", "checkout", "-q", FIRST_PACKAGE], cwd=folder, check=False)
    assert found.returncode == 0, f"this clone has no commit {FIRST_PACKAGE}: git fetch --unshallow"
    subprocess.run(["packaging/deb"], cwd=folder, check=True)
    (made,) = (folder / "dist").glob("*.deb")
    if made.name.rpartition("+")[2] != package.name.rpartition("+")[2]:
        pytest.skip(f"{package.name} is another release's: an older one cannot be built here")
    return made
