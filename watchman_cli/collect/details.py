"""What a health record says of a snapshot's nodes, so that its readers need not look at each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from watchman_cli import snapshot
from watchman_cli.config import Server
from watchman_cli.errors import StoreError
from watchman_cli.health import Health
from watchman_cli.store import Lease
from watchman_cli.sync.reading import Reading


class NodeDetails:
    """What one reading says of the nodes, from what `before` said and what changed since, where it did.

    `value` is the snapshot's bytes, or returns those in the store: they are looked at only where that is
    necessary. `revision` is that of the stored snapshot which was read before.
    """

    def __init__(
        self,
        server: Server,
        before: Health,
        reading: Reading,
        value: bytes | Callable[[], bytes],
        revision: str | None,
    ) -> None:
        self._server, self._before, self._reading, self._value = server, before, reading, value
        # A directory's files are replaced one by one: a run may have ended between snapshot and record.
        self._counted = revision is not None and before.counted_revision == revision

    def counts(self) -> dict[str, int]:
        """Return how many nodes have each status, and what else is counted. Raises StoreError."""
        if self._reading.changes is not None and self._before.counts is not None and self._counted:
            return snapshot.count_changes(self._before.counts, self._reading.changes, self._snapshot)
        return snapshot.count_nodes(self._snapshot())

    def deadlines(self) -> list[dict[str, Any]] | None:
        """Return the state of each deadline of the server, or None. Raises StoreError."""
        if not self._server.deadlines and not self._before.deadlines:
            return None
        from watchman_cli.collect.deadlines import judge_deadlines

        judged = judge_deadlines(
            self._server.deadlines, self._before, self._reading, self._snapshot, counted=self._counted
        )
        return judged or None

    def _snapshot(self) -> bytes:
        if not isinstance(self._value, bytes):
            self._value = self._value()
        return self._value


def count_again(record: Health, server: Server, lease: Lease) -> Health:
    """Return a record counted from the snapshot that is kept, if it was counted from another one."""
    head = lease.stored.head
    if head is None or record.counted_revision == head.revision:
        return record
    if record.counts is None and not record.deadlines:
        return record
    try:
        value = lease.value("status") or b""
        snapshot.records_of(value, head.revision)
    except (StoreError, snapshot.NotWhole):  # the next run that reads the server counts
        return record
    deadlines = record.deadlines
    if deadlines:
        from watchman_cli.collect.deadlines import count_matches_again

        deadlines = count_matches_again(server.deadlines, deadlines, value)
    counts = None if record.counts is None else snapshot.count_nodes(value)
    return replace(record, counts=counts, deadlines=deadlines, counted_revision=head.revision)
