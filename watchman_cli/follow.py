"""Following a server's changes, without missing one: where that cannot be proved, the snapshot is read again.

Each batch names the revision that it replaced. A reader that has the snapshot of that revision applies it;
any other has missed something: the stream was trimmed, or another writer was in between. Where no batch
comes, the revision of the stored snapshot shows whether one should have.
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

WAIT = 2.0  # seconds for which the store is waited for, before the snapshot's revision is looked at
PAUSE = 1.0  # seconds after a failure


@dataclass(frozen=True)
class Change:
    """What became of one node: `previous` is None where it appeared, and `status` where it vanished.

    Both are the same where only something else changed. `time` is when the server was asked; `since`, `flags`
    and `more` are those of the record now. No other change of the server has this `id`.
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
    """The server as a whole runs jobs now, or no longer: RUNNING, HALTED or SHUTDOWN."""

    id: str
    server: str
    time: datetime
    previous: str
    state: str


@dataclass(frozen=True)
class DeadlineMissed:
    """A deadline of the configuration, in words, that the run at `time` found to be missed."""

    id: str
    server: str
    time: datetime
    deadline: str


@dataclass(frozen=True)
class Resynchronised:
    """The snapshot was read again, for this reason: what changed before it is not known node by node."""

    snapshot: Snapshot
    reason: str


@dataclass(frozen=True)
class Cursor:
    """How far a reader has read, and the revision of the snapshot that it has then."""

    position: str
    revision: str | None


Event = Union[Change, ServerStateChange, DeadlineMissed]


def follow_changes(
    store: str, name: str, on_problem: Callable[[str], None] = lambda _: None
) -> Generator[Event | Resynchronised, None, None]:
    """Yield each change of the server `name` (`owner/repo`) in the store at the URL `store`, without end.

    The first that is yielded is Resynchronised, with the snapshot on which the changes follow. Another one
    comes whenever it cannot be proved that no change was missed. A store that does not answer later is asked
    again, and `on_problem` is called with the reason.

    Raises NoSnapshot, BadSnapshot and StoreError where already the first snapshot cannot be read.
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
    """Yield the changes of a batch, that of the server's state first, and the deadlines that were missed."""
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
    """Yield each batch after a cursor, or after a first Resynchronised; None where for a while none came.

    Raises WatchmanError where nothing could be read yet.
    """
    follower, began = _Follower(store, name, cursor), False
    while True:
        try:
            found = follower.step()
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
    """Yield the batches that the store still has, with the cursor after each; those since a time.time().

    Raises StoreError.
    """
    position = "" if since is None else store.changes_at(since)
    while stored := store.changes_after(name, position):
        for each in stored:
            position = each.position
            try:
                batch = decode(each.value)
            except BadBatch:  # the revisions of the next one show that something is missing
                continue
            if since is None or batch.read_time.timestamp() >= since:
                yield Cursor(position, batch.after), batch


class _Follower:
    """What one reader has read; `cursor` is None where the snapshot is to be read again."""

    def __init__(self, store: Store, name: str, cursor: Cursor | None) -> None:
        self._store, self._name, self._cursor = store, name, cursor
        self._position = cursor.position if cursor else None  # after the last batch that was yielded
        self._reason = "the first look"

    def step(self) -> Sequence[Batch | Resynchronised]:
        """Return what is next, waiting for it for a while. Raises WatchmanError."""
        found = [] if self._cursor is None else self._followed(self._cursor)
        return found if found or self._cursor else self._resynchronise()

    def _followed(self, cursor: Cursor) -> Sequence[Batch | Resynchronised]:
        """Return the batches that follow each on the one before, and note where one does not."""
        found: list[Batch | Resynchronised] = []
        stored = self._store.changes_after(self._name, cursor.position, WAIT)
        if not stored and self._revision() != cursor.revision:
            # Either its batch was appended since, or there will be none.
            stored = self._store.changes_after(self._name, cursor.position)
            if not stored:
                self._lose("the snapshot was replaced, and no batch says how")
        if stored and cursor.position and not self._store.keeps_changes_from(self._name, cursor.position):
            self._lose("what came next was dropped already")
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
        """Read the snapshot, and find the place in the stream from which the changes follow on it.

        Of the batches that are passed over, the missed deadlines are yielded: no snapshot has them.
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
        position = self._passed(position, revision)
        missed = [] if self._position is None else self._misses(self._position, position)
        self._cursor, self._position = Cursor(position, revision), position
        return [*missed, Resynchronised(found, self._reason)]

    def _misses(self, start: str, end: str) -> list[Batch]:
        """Return the batches between two positions that have missed deadlines, as resets."""
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

    def _passed(self, position: str, revision: str | None) -> str:
        """Return the position after the batch that led to a revision, if that one came after `position`."""
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

    def _revision(self) -> str | None:
        head = snapshot.parse_head(self._store.head(self._name))
        return head.revision if head else None
