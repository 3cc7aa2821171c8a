"""When the bindings read a server too, and how what they read compares with what the protocol gave."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from watchman_cli.bindings.referee import VERIFIED
from watchman_cli.config import Server
from watchman_cli.health import Health
from watchman_cli.snapshot import MAX_SKEW, StatusRecord, parse_time
from watchman_cli.sync.reading import Reading

SEVERAL_LINES = "a job's id, a trigger or a complete has several lines, which the bindings do not read"


class Verification(NamedTuple):
    """What comparing gave, in words; `difference` says where both differ, if they do."""

    summary: str
    difference: str | None = None


def compare(
    ours: Sequence[StatusRecord],
    theirs: Sequence[StatusRecord],
    changed: Collection[str],
    cut: Collection[str] = (),
) -> Verification:
    """Compare two readings node by node, except the nodes that changed between them.

    `cut` has the nodes of which the bindings did not read all lines.
    """
    if cut and [mine.path for mine in ours] != [other.path for other in theirs]:
        return Verification(f"not verified: {SEVERAL_LINES}")
    known = {detail.name for detail in VERIFIED}  # the bindings are not asked for other details
    if len(ours) != len(theirs):
        return _differs(f"{len(ours) - 1} nodes, where the bindings have {len(theirs) - 1}")
    for mine, other in zip(ours, theirs, strict=True):
        if mine.path != other.path:
            return _differs(f"{mine.path}, where the bindings have {other.path}")
        if mine.path in changed or (mine.path in cut and other.status == "unknown"):
            continue
        if mine.path == "/":  # of which they report only the state
            mine = mine._replace(flags=(), more=())
        mine = mine._replace(more=tuple(each for each in mine.more if each[0] in known))
        if mine.since and other.since and mine.status == other.status:
            # The server sends no memento where a state is set that a node has, which renews its time.
            mine = mine._replace(since=other.since)
        if mine != other:
            return _differs(f"{_describe(mine)}, where the bindings have {_describe(other)}")
    if changed:
        return Verification(f"equal, but for {len(changed)} nodes that changed meanwhile")
    return Verification("equal, node by node")


def _differs(how: str) -> Verification:
    text = f"the protocol's reading differs from the bindings': {how}"
    return Verification(text, text)


def _describe(record: StatusRecord) -> str:
    more = (f"{name} {value}" for name, value in record.more)
    details = [record.status, *([f"since {record.since}"] if record.since else []), *record.flags, *more]
    return f"{record.path} {' '.join(details)}"


def verification_due(server: Server, reading: Reading, record: Health) -> bool:
    """Return whether the bindings are to read a server too, in this run.

    A time that is further away than any that this configuration sets was set by a clock that was ahead, or by
    another configuration.
    """
    if server.reader != "auto" or reading.numbers is None or not record.next_verification:
        return False
    wait = parse_time(record.next_verification) - datetime.now(timezone.utc)
    return not timedelta(0) < wait <= timedelta(seconds=server.full_sync_every) + MAX_SKEW


def next_verification(server: Server, done: bool) -> str:
    """Return when the bindings read next: first anywhere in the interval, so that servers take turns."""
    wait = server.full_sync_every * (1.0 if done else random.random())
    return (datetime.now(timezone.utc) + timedelta(seconds=wait)).isoformat(timespec="seconds")
