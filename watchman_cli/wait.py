"""Waiting until a node has a status: only the store is asked, and only its snapshots count."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from watchman_cli.errors import BadSnapshot, NoSnapshot, StoreError
from watchman_cli.readback import read_server
from watchman_cli.snapshot import HEAD_SIZE, parse_head, parse_time
from watchman_cli.store import Store, open_store

INTERVAL = 2.0  # seconds between two looks at the first bytes of a snapshot; a run is made each minute


@dataclass(frozen=True)
class NodeSight:
    """A node in one snapshot. `status` is None if the snapshot does not have the node.

    `collected_time` and `revision` are the snapshot's; both are None if there is no valid snapshot.
    """

    status: str | None = None
    collected_time: datetime | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Waited:
    """The end of a wait: whether the node reached a wanted status in time, and how it was seen last."""

    reached: bool
    last: NodeSight


def wait_for_status(
    store: str,
    name: str,
    path: str,
    statuses: Collection[str],
    timeout: float | None = None,
    max_age: float = 0.0,
    on_problem: Callable[[str], None] = lambda _: None,
) -> Waited:
    """Wait until a node has one of the statuses, in a snapshot that is collected from now on.

    The node is at the absolute `path` of the server `name` (`owner/repo`), in the store at the URL `store`.
    It need not exist yet. After `timeout` seconds, `reached` is False. A snapshot counts, too, if it was
    collected at most `max_age` seconds before the call. If the store fails later, or has no valid snapshot,
    `on_problem` is called with the reason, once, and the wait continues.

    Raises StoreError if the store is unreachable at first.
    """
    end = math.inf if timeout is None else time.monotonic() + timeout
    oldest = datetime.now(timezone.utc) - timedelta(seconds=max_age)
    opened = open_store(store)
    try:
        return wait_in(opened, name, path, statuses, oldest, end, on_problem)
    finally:
        opened.close()


def wait_in(
    store: Store,
    name: str,
    path: str,
    statuses: Collection[str],
    oldest: datetime,
    end: float,
    on_problem: Callable[[str], None],
) -> Waited:
    """Wait as wait_for_status does, until `end`, a time.monotonic(), in a store that is open.

    No snapshot that was collected before `oldest` counts. Raises StoreError if the store is unreachable at
    first.
    """
    sight, reported, answered = NodeSight(), "", False
    while True:
        try:
            sight, problem = _look(store, name, path, sight), ""
        except (StoreError, NoSnapshot, BadSnapshot) as error:
            if isinstance(error, StoreError) and not answered:
                raise
            sight, problem = NodeSight(), str(error)
        answered = True
        if problem and problem != reported:
            on_problem(problem)
        reported = problem
        fresh = sight.collected_time is not None and sight.collected_time >= oldest
        if fresh and sight.status in statuses:
            return Waited(True, sight)
        left = end - time.monotonic()
        if left <= 0 or store.stopped.wait(min(INTERVAL, left)):
            return Waited(False, sight)


def _look(store: Store, name: str, path: str, last: NodeSight) -> NodeSight:
    """Return a node in the stored snapshot.

    If the records are those of the last look, the snapshot's first bytes are enough. Otherwise everything
    comes from one snapshot, which may be later than those first bytes. Raises NoSnapshot, BadSnapshot and
    StoreError.
    """
    head = parse_head(store.head(name))
    if head is not None and head.revision == last.revision:
        return NodeSight(last.status, parse_time(head.collected_time), last.revision)
    found = read_server(store, name)
    assert found.snapshot is not None
    head = parse_head(found.value[:HEAD_SIZE])
    revision = head.revision if head else None
    return NodeSight(found.snapshot.status(path), found.snapshot.collected_time, revision)
