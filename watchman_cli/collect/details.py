"""What a health record tells of a snapshot's nodes, so that its readers need not look at each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from watchman_cli import snapshot
from watchman_cli.config import Server
from watchman_cli.deadlines import (
    Deadline,
    DeadlineState,
    Matches,
    count_changes,
    count_matches,
    judge,
    states_of,
)
from watchman_cli.health import Health
from watchman_cli.snapshot import parse_time
from watchman_cli.sync.reading import Reading


class NodeDetails:
    """What one reading tells of the nodes, from what `before` told and what changed since, where it did.

    `value` is the snapshot's bytes, or returns those of a field in the store: they are looked at only where
    that is necessary.
    """

    def __init__(
        self, server: Server, before: Health, reading: Reading, value: bytes | Callable[[str], bytes | None]
    ) -> None:
        self._server, self._before, self._reading, self._value = server, before, reading, value

    def counts(self) -> dict[str, int]:
        """Return how many nodes have each status, and what else is counted. Raises StoreError."""
        if self._reading.changes is not None and self._before.counts is not None:
            return snapshot.count_changes(self._before.counts, self._reading.changes)
        return snapshot.count_nodes(self._snapshot())

    def deadlines(self) -> list[dict[str, Any]] | None:
        """Return the state of each deadline of the server; None where it has none. Raises StoreError."""
        if not self._server.deadlines:
            return None
        before = {state.deadline: state for state in states_of(self._before.deadlines or ())}
        collected = parse_time(self._reading.read_time)
        return [
            judge(each, state, self._matches(each, state), collected).as_json()
            for each in self._server.deadlines
            for state in [before.get(str(each))]
        ]

    def _matches(self, deadline: Deadline, before: DeadlineState | None) -> Matches:
        if self._reading.changes is not None and before is not None:
            return count_changes(deadline, before.matches, self._reading.changes)
        return count_matches(deadline, self._snapshot())

    def _snapshot(self) -> bytes:
        if not isinstance(self._value, bytes):
            self._value = self._value("status") or b""
        return self._value


def new_misses(before: Health, now: Health) -> list[DeadlineState]:
    """Return each deadline that was missed between two health records of a server."""
    misses = {state.deadline: state.misses for state in states_of(before.deadlines or ())}
    return [each for each in states_of(now.deadlines or ()) if each.misses > misses.get(each.deadline, 0)]


def why_missed(state: DeadlineState) -> str:
    """Return what to say after a deadline that was missed."""
    if not state.matches.nodes:
        return "; there is no such node"
    many = "node is" if state.matches.others == 1 else "nodes are"
    return (
        f"; {state.matches.others} {many} not"
        if state.matches.others
        else "; it was so before the cycle began"
    )
