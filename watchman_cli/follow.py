"""Following a server's changes without missing one: if that cannot be proved, the snapshot is read again.

Each batch names the revision that it replaced. If a consumer has the snapshot of that revision, it applies
the batch. Otherwise it has missed a batch: the stream was trimmed, or another writer replaced the snapshot.
If no batch comes, the revision of the stored snapshot shows whether one is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Union

from watchman_cli import snapshot
from watchman_cli.changes.batch import BadBatch, Batch, decode
from watchman_cli.errors import BadSnapshot, NoSnapshot, WatchmanError
from watchman_cli.snapshot import Snapshot
from watchman_cli.store import Store, open_store

WAIT = 2.0  # seconds to wait for a batch, before the snapshot's revision is checked
PAUSE = 1.0  # seconds after a failure


@dataclass(frozen=True)
class Change:
    """A change of one node. `previous` is None if the node appeared, and `status` is None if it vanished.

    Both are equal if only flags or details changed. `time` is when the server was read; `since`, `flags` and
    `more` are the node's after the change. The `id` is unique.
    """

    id: str
    server: str
    time: datetime
    path: str
    previous: str | None
    status: str | None
    since: str | None = None
    flags: tuple[str, ...] = ()
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class ServerStateChange:
    """A change of the server itself: RUNNING, HALTED or SHUTDOWN."""

    id: str
    server: str
    time: datetime
    previous: str
    state: str


@dataclass(frozen=True)
class DeadlineMissed:
    """A missed node deadline, as it is configured; the run at `time` found the miss."""

    id: str
    server: str
    time: datetime
    deadline: str


@dataclass(frozen=True)
class Resynchronised:
    """A snapshot that was read, with the reason: the changes of each node before it are unknown."""

    snapshot: Snapshot
    reason: str


@dataclass(frozen=True)
class Cursor:
    """A consumer's position after a batch, and the revision of its snapshot there."""

    position: str
    revision: str | None


Event = Union[Change, ServerStateChange, DeadlineMissed]


def follow_changes(
    store: str, name: str, on_problem: Callable[[str], None] = lambda _: None
) -> Generator[Event | Resynchronised, None, None]:
    """Yield each change of the server `name` (`owner/repo`) in the store at the URL `store`, without end.

    First comes a Resynchronised, with the snapshot that the changes follow. Another one comes whenever it
    cannot be proved that no change was missed. If the store fails later, the call is retried, and
    `on_problem` is called with the reason.

    Raises NoSnapshot, BadSnapshot and StoreError if the first snapshot cannot be read.
    """
    opened = open_store(store)
    try:
        for each in follow(opened, name, None, on_problem):
            if isinstance(each, Batch):
                yield from events_of(each)
            elif each is not None:
                yield each
    finally:
        opened.close()


def events_of(batch: Batch) -> Iterator[Event]:
    """Yield the changes of a batch: the server's state first, then nodes, then missed deadlines."""
    read_time = batch.read_time
    if batch.server_state_before:
        yield ServerStateChange(
            f"{batch.id}/server", batch.source, read_time, batch.server_state_before, batch.server_state
        )
    for number, (old, new) in enumerate(batch.changes):
        known = new or old
        assert known
        yield Change(
            id=f"{batch.id}/{number}",
            server=batch.source,
            time=read_time,
            path=known.path,
            previous=old.status if old else None,
            status=new.status if new else None,
            since=new.since if new else None,
            flags=new.flags if new else (),
            more=new.more if new else (),
        )
    for number, deadline in enumerate(batch.missed):
        yield DeadlineMissed(f"{batch.id}/missed/{number}", batch.source, read_time, deadline)


def follow(
    store: Store, name: str, cursor: Cursor | None, on_problem: Callable[[str], None]
) -> Iterator[Batch | Resynchronised | None]:
    """Yield each batch after a cursor, or after a first Resynchronised; yield None if none came for a while.

    Raises WatchmanError if the first read fails.
    """
    follower, began = Follower(store, name, cursor), False
    while True:
        try:
            found = follower.step(WAIT)
        except WatchmanError as error:
            if not began:
                raise
            on_problem(str(error))
            store.stopped.wait(PAUSE)
        else:
            began = True
            if not found:
                yield None
            yield from found


def history(store: Store, name: str, since: float | None) -> Iterator[tuple[Cursor, Batch]]:
    """Yield the batches that the store still has, with the cursor after each.

    With `since`, a time.time(), older batches are left out. Raises StoreError.
    """
    position = "" if since is None else store.changes_at(since)
    while stored := store.changes_after(name, position):
        for each in stored:
            position = each.position
            try:
                batch = decode(each.value)
            except BadBatch:  # the revision in the next batch shows that one is missing
                continue
            if since is None or batch.read_time.timestamp() >= since:
                yield Cursor(position, batch.after), batch


def cursor_at_end(store: Store, name: str) -> Cursor:
    """Return the position after the last batch, and the revision of the snapshot there. Raises WatchmanError.

    A snapshot and its batch are written together: if the end is the same before and after the snapshot is
    read, they belong together.
    """
    end = store.changes_end(name)
    while True:
        revision = _revision_of(store, name)
        before, end = end, store.changes_end(name)
        if end == before:
            return Cursor(end, revision)


def _revision_of(store: Store, name: str) -> str | None:
    head = snapshot.parse_head(store.head(name))
    return head.revision if head else None


class Follower:
    """The progress of one consumer. `_cursor` is None if the snapshot must be read again."""

    def __init__(self, store: Store, name: str, cursor: Cursor | None) -> None:
        self._store, self._name, self._cursor = store, name, cursor
        self._position = cursor.position if cursor else None  # after the last batch that was yielded
        self._reason = "the first snapshot"

    @property
    def position(self) -> str | None:
        """The position after which the next batch is awaited, or None if the snapshot must be read again."""
        return self._cursor.position if self._cursor else None

    def step(self, wait: float) -> Sequence[Batch | Resynchronised]:
        """Return the next batches or a Resynchronised; wait for `wait` seconds at most.

        Raises WatchmanError.
        """
        found = [] if self._cursor is None else self._next_batches(self._cursor, wait)
        return found if found or self._cursor else self._resynchronise()

    def _next_batches(self, cursor: Cursor, wait: float) -> Sequence[Batch | Resynchronised]:
        """Return the batches that each follow the one before; drop the cursor if a batch does not."""
        found: list[Batch | Resynchronised] = []
        stored = self._store.changes_after(self._name, cursor.position, wait)
        if not stored and _revision_of(self._store, self._name) != cursor.revision:
            # Either its batch was appended since, or it has none.
            stored = self._store.changes_after(self._name, cursor.position)
            if not stored:
                self._lose("the snapshot was replaced without a batch of changes")
        if stored and cursor.position and not self._store.keeps_changes_from(self._name, cursor.position):
            self._lose("the next changes were already dropped")
            return found
        for each in stored:
            try:
                batch = decode(each.value)
            except BadBatch as error:
                self._lose(f"a batch is not valid: {error}")
                return found
            if batch.before is None or batch.before != cursor.revision:
                self._lose(batch.reason or "a batch is missing before the next one")
                return found
            cursor = self._cursor = Cursor(each.position, batch.after)
            self._position = each.position
            found.append(batch)
        return found

    def _lose(self, reason: str) -> None:
        self._cursor, self._reason = None, reason

    def _resynchronise(self) -> Sequence[Batch | Resynchronised]:
        """Read the snapshot, and find the position in the stream from which changes follow it.

        The batches before that position are passed over, except their missed deadlines: no snapshot has
        those.
        """
        position = self._store.changes_end(self._name)
        value = self._store.value(self._name, "status")
        if value is None:
            raise NoSnapshot(f"{self._name}: no snapshot in {self._store.url}")
        try:
            found = snapshot.decode(value)
        except BadSnapshot as error:
            why = f"the snapshot in {self._store.url} is not valid: {error}"
            raise BadSnapshot(f"{self._name}: {why}") from error
        head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
        revision = head.revision if head else None
        position = self._position_of(position, revision)
        missed = [] if self._position is None else self._missed_between(self._position, position)
        self._cursor, self._position = Cursor(position, revision), position
        return [*missed, Resynchronised(found, self._reason)]

    def _missed_between(self, start: str, end: str) -> list[Batch]:
        """Return the batches with missed deadlines between two positions, as resets."""
        found: list[Batch] = []
        while start != end and (stored := self._store.changes_after(self._name, start)):
            for each in stored:
                start = each.position
                with suppress(BadBatch):
                    batch = decode(each.value)
                    if batch.missed:
                        found.append(batch.as_reset(self._reason))
                if start == end:
                    break
        return found

    def _position_of(self, position: str, revision: str | None) -> str:
        """Return the position after the batch that led to a revision, or `position` if it has none."""
        for number, each in enumerate(self._store.changes_after(self._name, position)):
            try:
                batch = decode(each.value)
            except BadBatch:
                break
            if batch.before == revision and not number:
                break
            if batch.after == revision:
                return each.position
        return position
