"""Count the nodes that match a deadline's path, and those with another status."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchman_cli.deadlines.model import Deadline, DeadlineState, Matches
from watchman_cli.snapshot import RecordUpdate, status_pattern


def count_matches(deadline: Deadline, value: bytes) -> Matches:
    """Return the number of matching nodes in a snapshot's bytes, which are searched, not decoded."""
    statuses = status_pattern(_expression(deadline.path)).findall(value)
    return Matches(len(statuses), sum(status != deadline.status.encode() for status in statuses))


def count_changes(deadline: Deadline, previous: Matches, changes: Iterable[RecordUpdate]) -> Matches:
    """Return the result of count_matches after some records changed, from the one before."""
    pattern, mismatched = re.compile(_expression(deadline.path)), previous.mismatched
    for old, new in changes:
        if old.status != new.status and pattern.fullmatch(new.path):
            mismatched += (new.status != deadline.status) - (old.status != deadline.status)
    return Matches(previous.nodes, mismatched)


def match_again(
    deadlines: Iterable[Deadline], states: Iterable[DeadlineState], value: bytes
) -> tuple[DeadlineState, ...]:
    """Return states with the matching nodes of a snapshot that they were not judged by."""
    configured = {str(deadline): deadline for deadline in deadlines}
    return tuple(
        state._replace(matches=count_matches(configured[state.deadline], value))
        if state.deadline in configured
        else state
        for state in states
    )


def _expression(path: str) -> str:
    """Return a path's regular expression."""
    return '[^/"]*'.join(map(re.escape, path.split("*")))
