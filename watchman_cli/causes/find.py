"""Find the causes of a server: in its snapshot, its deadlines, and the runs that failed to read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from watchman_cli import snapshot
from watchman_cli.causes.model import Cause, Notices
from watchman_cli.snapshot import RecordUpdate

if TYPE_CHECKING:
    from watchman_cli.deadlines import DeadlineState

_WITHOUT_ZONE = re.compile(r".* by \d\d:\d\d")  # the beginning of a deadline in words


def aborted_causes(
    notices: Notices,
    changes: Sequence[RecordUpdate] | None,
    content: Callable[[], bytes],
    seen: str,
    *,
    judged: bool,
) -> list[Cause]:
    """Return the root causes of a snapshot that was collected at `seen`.

    With `judged`, the notices' causes are those of the snapshot that was replaced, and `changes` are the
    records that differ from it, or None if they are unknown. `content` returns the snapshot's bytes. It is
    called only if a node became aborted or is no longer: root causes are found by the whole tree.
    """
    if judged and changes is not None and not any(map(_concerns_aborted, changes)):
        return [each.cause for each in notices.known if each.cause.kind == "aborted"]
    return [Cause("aborted", each.path, each.since or seen) for each in snapshot.find_root_causes(content())]


def _concerns_aborted(change: RecordUpdate) -> bool:
    old, new = change
    return (old.status == "aborted") != (new.status == "aborted")


def halted_causes(server_state: str, seen: str) -> Iterator[Cause]:
    """Yield the cause of a server that starts no jobs, if it was read at `seen` in such a state."""
    if server_state in ("HALTED", "SHUTDOWN"):
        yield Cause("halted", "halted", seen, f"server {server_state}")


def missed_causes(deadlines: Iterable[DeadlineState]) -> Iterator[Cause]:
    """Yield a cause for each deadline that is missed in its cycle, and not reached since."""
    for state in deadlines:
        if state.configured and state.state == "missed" and state.reached is None:
            words = _WITHOUT_ZONE.match(state.deadline)
            name = words[0] if words else state.deadline
            due = state.due.isoformat()
            yield Cause("missed", name, due, f"deadline missed: {state.deadline}; {state.why_missed}")


def failing_cause(since: str, message: str) -> Cause:
    """Return the cause of a server that runs fail to read since a time, with the last failure's message."""
    return Cause("failing", "failing", since, f"not read: {message}"[:1000])
