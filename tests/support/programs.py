"""The programs that the demo and the tests start, which are looked for in sbin too."""

from __future__ import annotations

import os
import shutil

# ecflow_server is in /usr/sbin, which Debian leaves out of an ordinary user's PATH.
MORE = ("/usr/local/sbin", "/usr/sbin", "/sbin")
PACKAGES = {
    "ecflow_client": "ecflow-client",
    "ecflow_server": "ecflow-server",
    "openssl": "openssl",
    "redis-cli": "redis-tools",
    "redis-server": "redis-server",
    "systemd-analyze": "systemd",
}


class MissingProgram(Exception):
    """A program is not installed; says from which package it comes."""


def find_program(name: str) -> str:
    """Return the path of a program. Raises MissingProgram."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *MORE)))
    if path is None:
        package = PACKAGES.get(name, name)
        raise MissingProgram(f"{name} is not installed: run `make servers`, or install the package {package}")
    return path
