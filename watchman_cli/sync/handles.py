"""Client handles: which are this watchman's, and which of those nobody uses any more.

A handle is known by its mark: among its suites is the name of none. A handle's number proves nothing, since
the server gives it to another client once it was dropped. Nor does a mark that two may have: who shares a
handle does not learn of the suites that the other one was told of. So each handle that is kept has a mark of
its own. No start of the server has the handles of the start before, so that the mark proves the start, too.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Iterable

from watchman_cli.ecflow_client import Answer, Handle

_REFEREE = "referee"
_END = 8  # digits of a mark that differ from one kept handle to the next
_MARK = re.compile(rf"(watchman_[0-9a-f]{{8}})[0-9a-f]{{{_END}}}(?:_({_REFEREE}|[0-9]+))?", re.ASCII)
DROPPED = "the client handle was dropped"
OTHER_SUITES = "the client handle's suites were changed"


def why_not_ours(answer: Answer, handle: int, mark: str, suites: Collection[str]) -> str | None:
    """Return why a handle is not the one registered with the mark, for these suites alone; else None.

    Anybody may add suites to a handle and remove them. One that adds new suites by itself has more suites
    as soon as there is one.
    """
    found = [each for each in answer.handles or () if each.number == handle and mark in each.suites]
    if not mark or not found:
        return DROPPED
    return None if set(found[0].suites) == {mark, *suites} else OTHER_SUITES


def own_mark(mark: str) -> str:
    """Return the mark of a handle that is kept, which no other handle has: it ends in another way."""
    return prefix_of(mark) + secrets.token_hex(_END // 2)


def prefix_of(mark: str) -> str:
    """Return what the marks of all handles of one watchman begin with."""
    return mark[:-_END]


def passing_mark(mark: str) -> str:
    """Return the mark of a handle that this process alone uses, and drops again."""
    return f"{mark}_{os.getpid()}"


def referee_mark(mark: str) -> str:
    """Return the mark of the handle with which the bindings read."""
    return f"{mark}_{_REFEREE}"


def stale_handles(handles: Iterable[Handle], prefixes: Collection[str], used: int) -> list[int]:
    """Return the numbers of the handles whose marks begin so, and that nobody uses, except the one in use.

    Those of a process that still runs, and those of anybody else, are not among them.
    """
    return [
        each.number
        for each in handles
        if each.number != used and any(_is_stale(name, prefixes) for name in each.suites)
    ]


def _is_stale(name: str, prefixes: Collection[str]) -> bool:
    match = _MARK.fullmatch(name)
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
