"""Client handles: which are this watchman's, and which are unused.

A handle is known by its marker: one of its suite names, which no suite has. A handle's number proves nothing:
the server gives it to another client after it was dropped. A marker that two handles may have proves nothing
either: a client that shares a handle does not learn of the suites that the other client was told of. So each
handle that is kept has a marker of its own. A start of the server has no handle of an earlier start, so the
marker proves the start, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from watchman_cli.ecflow_client import Answer

if TYPE_CHECKING:
    from watchman_cli.ecflow_client import Handle

_REFEREE = "referee"
_END = 8  # digits of a marker that differ from one kept handle to the next
_MARKER = rf"(watchman_[0-9a-f]{{8}})[0-9a-f]{{{_END}}}(?:_({_REFEREE}|[0-9]+))?"
DROPPED = "the client handle was dropped"
OTHER_SUITES = "the client handle's suites were changed"


def why_not_ours(answer: Answer, handle: int, marker: str, suites: Collection[str]) -> str | None:
    """Return why a handle is not the one registered with the marker for exactly these suites, or None.

    Any client may add suites to a handle and remove them. A handle that adds new suites by itself has more
    suites when a suite is loaded.
    """
    matches = [each for each in answer.handles or () if each.number == handle and marker in each.suites]
    if not marker or not matches:
        return DROPPED
    return None if set(matches[0].suites) == {marker, *suites} else OTHER_SUITES


def own_marker(marker: str) -> str:
    """Return the marker of a handle that is kept; its end differs from every other marker."""
    return prefix_of(marker) + os.urandom(_END // 2).hex()


def prefix_of(marker: str) -> str:
    """Return the prefix of the markers of all handles of one watchman."""
    return marker[:-_END]


def passing_marker(marker: str) -> str:
    """Return the marker of a handle that only this process uses, and drops again."""
    return f"{marker}_{os.getpid()}"


def referee_marker(marker: str) -> str:
    """Return the marker of the handle with which the bindings read."""
    return f"{marker}_{_REFEREE}"


def stale_handles(handles: Iterable[Handle], prefixes: Collection[str], used: int) -> list[int]:
    """Return the numbers of the handles whose markers have one of the prefixes, and that no process uses.

    The handle number `used`, handles of running processes, and those of other programs are not among them.
    """
    return [
        each.number
        for each in handles
        if each.number != used and any(_is_stale(name, prefixes) for name in each.suites)
    ]


def _is_stale(name: str, prefixes: Collection[str]) -> bool:
    match = re.fullmatch(_MARKER, name, re.ASCII)
    if match is None or match[1] not in prefixes:
        return False
    user = match[2]
    return user is None or user == _REFEREE or _is_dead(int(user))


def _is_dead(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # it is another user's
        return False
    return False
