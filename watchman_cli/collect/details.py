"""What a health record says of a snapshot's nodes, so that its readers need not look at each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from watchman_cli import snapshot
from watchman_cli.config import Server
from watchman_cli.health import Health
from watchman_cli.sync.reading import Reading


class NodeDetails:
    """What one reading says of the nodes, from what `before` said and what changed since, where it did.

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
        from watchman_cli.collect.deadlines import judge_deadlines

        return judge_deadlines(self._server.deadlines, self._before, self._reading, self._snapshot)

    def _snapshot(self) -> bytes:
        if not isinstance(self._value, bytes):
            self._value = self._value("status") or b""
        return self._value
