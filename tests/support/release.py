"""The ecFlow of other Debian releases: which there are, and how a command runs inside their roots."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.programs import find_program

ROOTS = Path(os.environ.get("WATCHMAN_RELEASES", "/var/tmp/watchman-releases"))
ENTER = Path(__file__).parent.parent / "releases" / "enter"
# Debian 11 has ecFlow 5.6.0, Debian 12 5.9.2, Debian 13 5.13.8; unstable had 5.19.0 in 2026.
NAMES = ("bullseye", "bookworm", "trixie", "sid")


@dataclass(frozen=True)
class Release:
    """A Debian release, whose ecFlow is this machine's own where `root` is None."""

    name: str
    root: Path | None

    @cached_property
    def version(self) -> tuple[int, ...]:
        """The version of its ecFlow, for example (5, 13, 8)."""
        said = subprocess.check_output(self.command("ecflow_client", "--version"), text=True)
        found = re.search(r"Ecflow version\(([\d.]+)\)", said)
        assert found, said
        return tuple(map(int, found[1].split(".")))

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs the command with this release's programs."""
        if self.root:
            return [str(ENTER), str(self.root), *command]
        return [find_program(command[0]), *command[1:]]

    def interpreter(self, folder: Path) -> Path:
        """Return a program in the folder that is this release's Python interpreter with the bindings."""
        path = folder / f"python-{self.name}"
        command = shlex.join(self.command("/usr/bin/python3"))
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o700)
        return path


HERE = Release("this machine", None)


def this_release() -> str:
    """Return the code name of the release that this machine runs."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")


def releases() -> list[Release]:
    """Return the releases to test against, the oldest first; this machine's own needs no root."""
    here = this_release()
    return [Release(name, None if name == here else ROOTS / name) for name in NAMES]


if __name__ == "__main__":  # for the Makefile: the roots that are needed here
    for release in releases():
        if release.root:
            print(release.name, release.root)
