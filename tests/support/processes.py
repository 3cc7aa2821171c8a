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


def opened_below(folder: Path) -> list[str]:
    """Return the paths in a folder that this process has open, and the folder itself."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # it was the descriptor of this listing
            found.append(str(link.readlink()))
    return [each for each in found if Path(each).is_relative_to(folder)]
