"""Following the changes of several servers of one store, in the order of time.

A server that fails, or has no changes, delays no other: one call waits for the batches of all servers, and
those that have one, or have had none for a while, are read in threads.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple, Union

from watchman_cli.changes.batch import Batch
from watchman_cli.errors import StoreError, WatchmanError
from watchman_cli.follow import WAIT, Cursor, Follower, cursor_at_end, history
from watchman_cli.store import Store

THREADS = 16  # that read the store at once
CHECK = 10.0  # seconds without a batch after which a server's snapshot is checked
BETWEEN = "another writer replaced the snapshot in between, or older changes were trimmed"
OnProblem = Callable[[str, WatchmanError], None]  # with the server


class Gap(NamedTuple):
    """The changes of a server until a time are unknown."""

    server: str
    time: datetime
    reason: str


Item = Union[Batch, Gap]


class Looked(NamedTuple):
    """What came of a server when it was read: nothing, if it has no new changes, or an error."""

    server: str
    items: Sequence[Item]
    error: WatchmanError | None


def time_of(item: Item) -> datetime:
    """Return the time of a batch or of a gap."""
    return item.time if isinstance(item, Gap) else item.read_time


def cursors_at_end(store: Store, names: Collection[str]) -> dict[str, Cursor | WatchmanError]:
    """Return the cursor after each server's last batch, or the error with which it could not be read."""

    def read(name: str) -> Cursor | WatchmanError:
        try:
            return cursor_at_end(store, name)
        except WatchmanError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(names, pool.map(read, names), strict=True))


def past_changes(
    store: Store,
    names: Collection[str],
    since: float | None,
    cursors: dict[str, Cursor | None],
    on_problem: OnProblem,
) -> Iterator[Item]:
    """Yield the stored batches of all servers, merged by time; write the last cursor of each to `cursors`.

    With `since`, a time.time(), older batches are left out. If a server cannot be read, `on_problem` is
    called, and its cursor is that of its last batch here, or None.
    """

    def of_one(name: str) -> Iterator[Item]:
        previous = None
        try:
            for cursor, batch in history(store, name, since):
                if batch.before is None or (previous and previous.revision != batch.before):
                    yield Gap(name, batch.read_time, batch.reason or BETWEEN)
                yield batch
                cursors[name] = previous = cursor
        except WatchmanError as error:
            if previous is None:
                cursors[name] = None
            on_problem(name, error)

    yield from heapq.merge(*map(of_one, names), key=time_of)


def follow_all(store: Store, cursors: Mapping[str, Cursor | None]) -> Iterator[list[Looked]]:
    """Yield what comes of the servers after their cursors, without end; one that is None begins with a gap.

    A server without a new batch is in a list every CHECK seconds, and one that fails every WAIT seconds.
    """
    followers = {name: Follower(store, name, cursor) for name, cursor in cursors.items()}
    due, failing = dict.fromkeys(followers, 0.0), set[str]()
    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            ready = {name for name, moment in due.items() if moment <= time.monotonic()}
            positions = {
                name: follower.position
                for name, follower in followers.items()
                if name not in ready | failing and follower.position is not None
            }
            try:
                ready.update(store.await_changes(positions, 0 if ready else WAIT))
            except StoreError as error:
                store.stopped.wait(WAIT)
                if error.transient:
                    yield [Looked(name, (), error) for name in positions]
                    continue
                ready.update(positions)  # it may be the error of one: each is read by itself
            looked = list(pool.map(lambda name: _look(followers[name], name), ready))
            failing = failing - ready | {each.server for each in looked if each.error}
            for each in looked:
                due[each.server] = time.monotonic() + (WAIT if each.error else CHECK)
            yield looked


def _look(follower: Follower, name: str) -> Looked:
    """Return the next batches of a server; a snapshot that was read again is a gap."""
    try:
        found = follower.step(0)
    except WatchmanError as error:
        return Looked(name, (), error)
    items = [
        each if isinstance(each, Batch) else Gap(name, each.snapshot.collected_time, each.reason)
        for each in found
    ]
    return Looked(name, items, None)
