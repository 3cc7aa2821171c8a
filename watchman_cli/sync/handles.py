"""Client handles: which are this watchman's, and which of those nobody uses any more.

A handle is known by its mark: among its suites is the name of none. A handle's number proves nothing, since
it is given to somebody else once it was dropped.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from watchman_cli.ecflow_client import Answer, Handle

_REFEREE = "referee"


def is_ours(answer: Answer, handle: int, mark: str) -> bool:
    """Return whether a handle is on the server, and is the one that was registered with the mark."""
    return bool(mark) and any(each.number == handle and mark in each.suites for each in answer.handles or ())


def passing_mark(mark: str) -> str:
    """Return the mark of a handle that this process alone uses, and drops again."""
    return f"{mark}_{os.getpid()}"


def referee_mark(mark: str) -> str:
    """Return the mark of the handle with which the bindings read."""
    return f"{mark}_{_REFEREE}"


def stale_handles(handles: Iterable[Handle], marks: Collection[str], used: int) -> list[int]:
    """Return the numbers of the handles with these marks that nobody uses, but for the one in use.

    Those of a process that still runs, and those of anybody else, are not among them.
    """
    return [
        each.number
        for each in handles
        if each.number != used and any(_is_stale(name, marks) for name in each.suites)
    ]


def _is_stale(name: str, marks: Collection[str]) -> bool:
    mark, _, user = name.rpartition("_")
    if mark not in marks:
        return name in marks
    return user == _REFEREE or (user.isdecimal() and _is_dead(int(user)))


def _is_dead(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's
        return False
    return False
