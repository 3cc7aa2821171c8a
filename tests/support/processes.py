"""The processes of this machine, by what stands in their environment."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def processes_with(mark: str) -> list[int]:
    """Return the PIDs of those whose environment has a text in it; one may end meanwhile."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found
