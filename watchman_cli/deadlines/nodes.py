"""The nodes that a deadline is of, and how many of them have another status."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchman_cli.deadlines.model import Deadline, Matches
from watchman_cli.snapshot import StatusRecord, status_pattern


def count_matches(deadline: Deadline, value: bytes) -> Matches:
    """Return how many nodes in a snapshot's bytes a deadline is of; they are searched, not decoded."""
    found = status_pattern(_expression(deadline.path)).findall(value)
    return Matches(len(found), sum(status != deadline.status.encode() for status in found))


def count_changes(
    deadline: Deadline, before: Matches, changes: Iterable[tuple[StatusRecord, StatusRecord]]
) -> Matches:
    """Return what count_matches would, after records changed from the first to the second of each."""
    pattern, others = re.compile(_expression(deadline.path)), before.others
    for old, new in changes:
        if old.status != new.status and pattern.fullmatch(new.path):
            others += (new.status != deadline.status) - (old.status != deadline.status)
    return Matches(before.nodes, others)


def _expression(path: str) -> str:
    return '[^/"]*'.join(map(re.escape, path.split("*")))
