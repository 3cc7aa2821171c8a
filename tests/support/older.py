"""The release before this one: its wheel, built from the commit that it was, and the command of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.watchman import Result, Watchman

ROOT = Path(__file__).parents[2]
# Set both as part of a release. The commit is the one that `make release` built.
VERSION = "0.1.0"
COMMIT = "4acd829d6c806666959bc635267cc8dd66ea130a"


def install(folder: Path) -> Path:
    """Build the wheel of the release before, and unpack it; return the folder for PYTHONPATH.

    Its dependencies are those of this environment. Raises AssertionError if the clone is shallow.
    """
    known = subprocess.run(["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"], cwd=ROOT, check=False)
    assert known.returncode == 0, (
        f"this clone has no commit {COMMIT}, which is {VERSION}: git fetch --unshallow (fetch-depth: 0)"
    )
    source, site = folder / "source", folder / "site"
    source.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "-x", "-C", source], input=archive.stdout, check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*pip, *wheel], check=True, timeout=200)
    (built,) = folder.glob("*.whl")
    assert built.name.startswith(f"watchman_cli-{VERSION}-")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(built)], check=True, timeout=200)
    return site


@dataclass(frozen=True)
class Older:
    """The command of the release before, with the configuration of `watchman`."""

    watchman: Watchman
    site: Path

    def run(self, *arguments: str) -> Result:
        """Run the command to its end."""
        command = [sys.executable, "-m", "watchman_cli", *arguments]
        if arguments != ("--version",):
            command += ["--config", str(self.watchman.config)]
        done = subprocess.run(
            command,
            cwd=self.watchman.home,
            env=self.watchman.environment(PYTHONPATH=os.fspath(self.site)),
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode(), 0.0)
