"""A lease in Redis: a key with the run's token, which expires soon after the run's deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any

from redis import exceptions

from watchman_cli import snapshot
from watchman_cli.errors import StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import Lease, wait_for_address
from watchman_cli.store.commit import Current, decide
from watchman_cli.store.redis import commit, watch
from watchman_cli.store.redis.calls import Calls, Command, T
from watchman_cli.store.redis.errors import KeepsChanging, get_or_none, is_race, is_timeout, value_or_none
from watchman_cli.store.redis.keys import address_key, server_keys
from watchman_cli.store.redis.lock import MAX_RACES, RedisLock
from watchman_cli.store.redis.transaction import NO_KEY
from watchman_cli.store.redis.watch import Watch
from watchman_cli.store.values import MAX_VALUE, Field, StoredState, Update

if TYPE_CHECKING:
    import redis

    from watchman_cli.details.stored import StoredDetails

SMALL = 64 << 10  # bytes of a snapshot that are read with the lease: all of it, for some 1,400 nodes


class RedisLease(Lease):
    """The right to read and write one server in Redis."""

    def __init__(self, calls: Calls, name: str, deadline: float, address: str | None) -> None:
        super().__init__()
        self._calls, self._deadline = calls, deadline
        self._keys = server_keys(name)
        token = holder.new_token()
        self._token = token
        self._lock = RedisLock(calls, self._keys.lock, token, deadline)
        self._address = RedisLock(calls, address_key(address), token, deadline) if address else None
        self._has_stream = False  # of changes
        self._read: bytes | None = None  # the whole snapshot, as `value` returned it
        self._watch: Watch | None = None  # for `commit`
        self._expected: Sequence[str] | None = None  # nodes whose details are read with the snapshot
        self._found: StoredDetails | None = None  # the details that were read with it

    def acquire(self) -> bool:
        """Take the lease; return False if another run has it. Raises StoreError."""
        answers = self._calls.call(self._take_lock, self._deadline)
        if answers is None or not wait_for_address(self._take_address, self._deadline, self._calls.stopped):
            return False
        beginning, size, health, sync, other = answers
        beginning = beginning or b""
        self._has_stream = other != 0  # STRLEN fails, and `other` is None, if the key is a stream
        raw_head = beginning[: snapshot.HEAD_SIZE]
        values = _bounded(health, "health"), _bounded(sync, "sync")
        self.stored = StoredState(snapshot.parse_head(raw_head), raw_head, size or 0, *values)
        if self._watch and all(owner == self._token for owner in self._watch.owners):
            self._read = beginning if 0 < len(beginning) == size <= MAX_VALUE["status"] else None
            self._watch = self._watch._replace(head=raw_head, is_read=self._read is not None)
        else:
            self._stop_watching()
        return True

    def _take_lock(self) -> list[Any] | None:
        """Take the lock, and the address's if it is free; return the stored values, or None if it is taken.

        A key of another type counts as missing.
        """
        keys, has_slots = self._keys, self._calls.has_slots
        answers = self._lock.take(
            ("GETRANGE", keys.status, 0, SMALL - 1),
            ("STRLEN", keys.status),
            ("GETRANGE", keys.health, 0, MAX_VALUE["health"]),
            ("GETRANGE", keys.sync, 0, MAX_VALUE["sync"]),
            ("STRLEN", keys.changes),
            also=None if has_slots else self._address,
            send=None if has_slots else self._send_watching,
        )
        return answers and [value_or_none(answer) for answer in answers]

    def _send_watching(self, *commands: Command) -> list[Any]:
        """Send the commands that take the locks, and the others after the watch began."""
        self._stop_watching()
        locks = [lock for lock in (self._lock, self._address) if lock]
        client, status = self._calls.client_for(self._keys.status), self._keys.status
        answers, self._watch = watch.begin_with(client, status, locks, *commands)
        return answers

    def _take_address(self) -> bool:
        lock = self._address
        return lock is None or lock.held or self._calls.call(lock.take, self._deadline) is not None

    def value(self, field: Field) -> bytes | None:
        if field == "status" and self._watch and self._read is not None:
            return self._read  # with the lease, and nobody has changed it since
        full_key = self._keys.of(field)

        def get(client: redis.Redis) -> Any:
            return get_or_none(lambda: client.getrange(full_key, 0, MAX_VALUE[field]))

        def read() -> Any:
            return self._watched_snapshot() if field == "status" else self._calls.command(full_key, get)

        value = _bounded(self._calls.call(read, self._deadline), field) or None
        if field == "status":
            self._read = value
        return value

    def prove(self, revision: str) -> snapshot.Head:
        head = self._calls.call(lambda: self._prove_parts(revision), self._deadline)
        return head or super().prove(revision)

    def _prove_parts(self, revision: str) -> snapshot.Head | None:
        """Prove a large snapshot on the connection that watches, a part at a time; None if that cannot be."""
        watching, size = self._answering, self.stored.size
        if (
            watching is None
            or watching.head != self.stored.raw_head
            or not SMALL < size <= MAX_VALUE["status"]
        ):
            return None
        try:
            head = watching.prove(self._keys.status, size, revision)
        except BaseException:
            self._stop_watching()
            raise
        self._watch = watching._replace(is_read=True)
        return head

    def _watched_snapshot(self) -> bytes | None:
        """Return the snapshot, which is watched from now on."""
        status = self._keys.status
        value: bytes | None
        watching = self._answering
        if watching is None:
            self._stop_watching()
            (value,), watching = self._begin_watch(status)
        else:
            read = "GETRANGE", status, 0, MAX_VALUE["status"]
            if self._expected is None:
                (answer,) = self._ask(read)
            else:
                from watchman_cli.store.redis import details

                reads = details.watched_commands_of(self._keys, (), self._expected)
                answer, *answers = self._ask(read, *reads)
                if not any(isinstance(each, Exception) for each in answers):  # or they are asked for again
                    watching, self._found = details.watched_details(watching, answers, (), self._expected)
            value = value_or_none(answer)
        whole = _bounded(value, "status")
        leased = self.stored.raw_head, self.stored.size
        is_read = bool(whole) and (whole[: snapshot.HEAD_SIZE], len(whole)) == leased
        self._watch = watching._replace(head=(value or b"")[: snapshot.HEAD_SIZE], is_read=is_read)
        return value

    def expect_details(self, paths: Sequence[str]) -> None:
        self._expected, self._found = paths, None

    def changed_details(self, paths: Sequence[str]) -> StoredDetails:
        if self._found is not None and paths == self._expected:
            return self._found  # with the snapshot; if they changed since, the commit sees it by their stamp
        return super().changed_details(paths)

    def details(self, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        from watchman_cli.store.redis import details

        def read() -> StoredDetails:
            watching = self._answering
            if watching is None:
                answers = self._ask(*details.commands_of(self._keys, fields, paths))
                return details.stored_details(answers, fields, paths)
            answers = self._ask(*details.watched_commands_of(self._keys, fields, paths))
            self._watch, found = details.watched_details(watching, answers, fields, paths)
            return found

        return self._call(read)

    def may_have_details(self) -> bool:
        if not self._calls.has_slots:
            return True  # DEL in the transaction needs no round trip
        # While a cluster moves a slot, it refuses a transaction with a missing key. A run has no permission
        # for EXISTS.
        looks = ("PTTL", self._keys.details), ("PTTL", self._keys.changed_details)
        return self._call(lambda: any(value_or_none(answer) != NO_KEY for answer in self._ask(*looks)))

    def _ask(self, *commands: Command) -> list[Any]:
        """Return the answers to commands, from the connection that watches, if one does."""
        watching = self._answering
        if watching is None:
            return self._calls.commands(self._keys.details, *commands)
        try:
            return watching.ask(*commands)
        except BaseException:
            self._stop_watching()
            raise

    @property
    def _answering(self) -> Watch | None:
        """The watch whose connection answers more commands: none in a cluster, where a key may have moved."""
        return None if self._calls.has_slots else self._watch

    def _call(self, ask: Callable[[], T]) -> T:
        """Return the store's answer by the deadline; without one, the locks are left to expire."""
        try:
            return self._calls.call(ask, self._deadline)
        except StoreError as error:
            if is_timeout(error.__cause__):
                self._lock.held = False  # a release would get no answer either
                if self._address:
                    self._address.held = False
            raise

    def commit(self, update: Update, *, end: bool = True) -> None:
        attempts = count()
        self._call(lambda: self._write(update, end, retried=next(attempts) > 0))
        if end:
            self.release()
        else:
            self.stored = self.stored.after(update)
            self._has_stream = self._has_stream or update.changes is not None
            self._read = self._found = None

    def _write(self, update: Update, end: bool, *, retried: bool) -> None:
        for race in range(MAX_RACES):
            earlier, self._watch = self._watch, None
            try:
                watching = earlier or self._begin_watch()[1]
                with closing(watching):
                    self._write_if_held(watching, update, end, retried=retried)
                    return
            except exceptions.WatchError as error:
                if is_race(error):  # then nothing was written
                    continue
                # Perhaps only the answer was lost: check once at once. Then it is retried as any failure.
                if race:
                    raise
                retried = True
        raise KeepsChanging(self._keys.status)

    def _begin_watch(self, *reads: str) -> tuple[list[Any], Watch]:
        locks, status = self._locks_in_transaction(), self._keys.status
        return self._calls.command(status, lambda client: watch.begin(client, status, locks, *reads))

    def _write_if_held(self, watching: Watch, update: Update, end: bool, *, retried: bool) -> None:
        pipe = watching.pipe
        if retried and get_or_none(lambda: pipe.get(self._keys.health)) == update.health:
            return  # the update was written; only the answer was lost
        current = commit.read_current(watching, self._keys, self._token, update)
        decision = decide(self.stored, update, current, self._read)
        self._warn_of_loss(current)
        mine = [
            lock for lock, owner in zip(watching.locks, watching.owners, strict=True) if owner == self._token
        ]
        ended = [self._lock, *(lock for lock in mine if lock is not self._lock)] if end else []
        commit.send(
            self._calls, pipe, self._keys, update, decision, ended,
            has_snapshot=self.stored.size > 0, has_stream=self._has_stream,
        )  # fmt: skip
        for lock in ended:
            lock.held = False

    def _locks_in_transaction(self) -> list[RedisLock]:
        """Return the locks that one transaction can release: not the address's in a cluster."""
        together = self._address is not None and self._address.held and not self._calls.has_slots
        return [self._lock, self._address] if together and self._address else [self._lock]

    def _warn_of_loss(self, current: Current) -> None:
        """Warn if this run's lock is gone before its time: Redis has lost data."""
        if current.owner == "this run" or time.monotonic() >= self._lock.expires or self.warnings:
            return
        lost = "the lock of this run"
        if self.stored.head and current.value[: snapshot.HEAD_SIZE] != self.stored.raw_head:
            lost = f"the snapshot of {self.stored.head.collected_time}"
        self.warnings.append(
            f"store {self._calls.url}: lost {lost}: it was restarted, emptied or failed over during the run"
        )

    def release(self) -> None:
        """End the lease; another thread may do so while this one reads or writes the snapshot."""
        for lock in (self._lock, self._address):
            if lock:
                lock.release()

    def __exit__(self, *_: object) -> None:
        self._stop_watching()  # only in the thread that watches: a connection serves one thread
        self.release()

    def _stop_watching(self) -> None:
        watching, self._watch = self._watch, None
        if watching is not None:
            watching.close()


def _bounded(value: bytes | None, field: Field) -> bytes:
    """Return a value, or empty bytes if it is larger than any value of watchman."""
    return value if value is not None and len(value) <= MAX_VALUE[field] else b""
