"""A lease in Redis: a key with the run's token, which expires soon after the run's deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from redis import exceptions

from watchman_cli import snapshot
from watchman_cli.errors import StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import Lease, wait_for_address
from watchman_cli.store.commit import Current, Decision, Owner, decide, needed_part, needs_health
from watchman_cli.store.redis.calls import Calls, T, queue
from watchman_cli.store.redis.errors import KeepsChanging, get_or_none, is_race, is_timeout, value_or_none
from watchman_cli.store.redis.keys import address_key, server_keys
from watchman_cli.store.redis.lock import MAX_RACES, RedisLock
from watchman_cli.store.redis.transaction import NO_KEY, Stored, expire_stream, limit_lives, write_values
from watchman_cli.store.values import MAX_VALUE, Field, StoredState, Update

if TYPE_CHECKING:
    import redis
    from redis.client import Pipeline

    from watchman_cli.details.stored import StoredDetails


class Watch(NamedTuple):
    """A connection that watches the snapshot and some locks, and the locks' owners when the watch began."""

    pipe: Pipeline
    locks: list[RedisLock]
    owners: list[bytes | None]


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
        self._watch: Watch | None = None  # begun by `value`, for `commit`

    def acquire(self) -> bool:
        """Take the lease; return False if another run has it. Raises StoreError."""
        keys = self._keys
        answers = self._calls.call(
            lambda: self._lock.take(
                ("GETRANGE", keys.status, 0, snapshot.HEAD_SIZE - 1),
                ("STRLEN", keys.status),
                ("GETRANGE", keys.health, 0, MAX_VALUE["health"]),
                ("GETRANGE", keys.sync, 0, MAX_VALUE["sync"]),
                ("STRLEN", keys.changes),
                also=None if self._calls.has_slots else self._address,
            ),
            self._deadline,
        )
        if answers is None or not wait_for_address(self._take_address, self._deadline, self._calls.stopped):
            return False
        raw_head, size, health, sync, other = self._calls.call(
            lambda: [value_or_none(answer) for answer in answers], self._deadline
        )
        self._has_stream = other != 0  # STRLEN fails, and `other` is None, if the key is a stream
        self.stored = StoredState(
            head=snapshot.parse_head(raw_head or b""),
            raw_head=raw_head or b"",
            size=size or 0,
            health=_bounded(health, "health"),
            sync=_bounded(sync, "sync"),
        )
        return True

    def _take_address(self) -> bool:
        lock = self._address
        return lock is None or lock.held or self._calls.call(lock.take, self._deadline) is not None

    def value(self, field: Field) -> bytes | None:
        def get() -> Any:
            full_key = self._keys.of(field)
            if field != "status":
                return get_or_none(
                    lambda: self._calls.command(
                        full_key, lambda client: client.getrange(full_key, 0, MAX_VALUE[field])
                    )
                )
            self._stop_watching()
            found, self._watch = self._begin_watch(full_key)
            return found[0]

        value = _bounded(self._calls.call(get, self._deadline), field) or None
        if field == "status":
            self._read = value
        return value

    def details(self, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        from watchman_cli.store.redis import details

        reads = details.commands_of(self._keys, fields, paths)

        def read() -> StoredDetails:
            return details.stored_details(self._calls.commands(self._keys.details, *reads), fields, paths)

        return self._call(read)

    def has_details(self) -> bool:
        keys = self._keys
        # A run has no permission for EXISTS.
        looks = ("PTTL", keys.details), ("PTTL", keys.changed_details)

        def look() -> bool:
            answers = self._calls.commands(keys.details, *looks)
            return any(value_or_none(answer) != NO_KEY for answer in answers)

        return self._call(look)

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
            self._read = None

    def _write(self, update: Update, end: bool, *, retried: bool) -> None:
        for race in range(MAX_RACES):
            earlier, self._watch = self._watch, None
            try:
                watch = earlier or self._begin_watch()[1]
                with closing(watch.pipe):
                    known = earlier is not None
                    self._write_if_held(watch, update, end, retried=retried or race > 0, watched=known)
                    return
            except exceptions.WatchError as error:
                # Perhaps only the answer was lost: check once at once. Then it is retried as any failure.
                if race and not is_race(error):
                    raise
        raise KeepsChanging(self._keys.status)

    def _begin_watch(self, *reads: str) -> tuple[list[Any], Watch]:
        """Watch the snapshot and the locks; return the values of some keys, and the watch.

        A key of another type counts as missing.
        """
        locks = self._locks_in_transaction()
        lock_keys = [lock.key for lock in locks]

        def begin(client: redis.Redis) -> tuple[list[Any], Watch]:
            pipe = client.pipeline()
            try:
                pipe.watch(self._keys.status, *lock_keys)
                found: Any = pipe.execute_command("MGET", *reads, *lock_keys)
            except BaseException:
                _close(pipe)
                raise
            return found[: len(reads)], Watch(pipe, locks, found[len(reads) :])

        return self._calls.command(self._keys.status, begin)

    def _write_if_held(
        self, watch: Watch, update: Update, end: bool, *, retried: bool, watched: bool
    ) -> None:
        pipe = watch.pipe
        if retried and get_or_none(lambda: pipe.get(self._keys.health)) == update.health:
            return  # the update was written; only the answer was lost
        current, read = self._current(watch, update, watched)
        decision = decide(self.stored, update, current, read)
        self._warn_of_loss(current)
        mine = [lock for lock, owner in zip(watch.locks, watch.owners, strict=True) if owner == self._token]
        ended = [self._lock, *(lock for lock in mine if lock is not self._lock)] if end else []
        self._execute(pipe, update, ended, decision)
        for lock in ended:
            lock.held = False

    def _locks_in_transaction(self) -> list[RedisLock]:
        """Return the locks that one transaction can release: not the address's in a cluster."""
        together = self._address is not None and self._address.held and not self._calls.has_slots
        return [self._lock, self._address] if together and self._address else [self._lock]

    def _current(self, watch: Watch, update: Update, watched: bool) -> tuple[Current, bytes | None]:
        """Return the server as it is in Redis, and the whole snapshot if this lease has read it.

        The snapshot is watched: if another client replaces it before the transaction, nothing is written.
        With `watched`, it has been watched since it was read.
        """
        token, words = watch.owners[0], ""
        owner: Owner = "no run"
        if token == self._token:
            owner = "this run"
        elif token is not None and holder.may_be_alive(token):
            owner, words = "another run", holder.describe(token)
        stamp = ""
        if update.changed_details:
            from watchman_cli.store.redis.details import stored_stamp

            stamp = stored_stamp(watch.pipe, self._keys)
        needed, status = needed_part(update, owner), self._keys.status
        if needed == "whole" and watched and self._read is not None:
            return Current(owner, self._read, words, stamp), self._read
        value = b""
        if needed != "nothing" and owner != "another run":
            size = snapshot.HEAD_SIZE if needed == "head" else MAX_VALUE["status"] + 1
            value = get_or_none(lambda: watch.pipe.getrange(status, 0, size - 1)) or b""
        health = b""
        if needs_health(update, owner):
            health = get_or_none(lambda: watch.pipe.get(self._keys.health)) or b""
        return Current(owner, value, words, stamp, health), self._read

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

    def _execute(self, pipe: Pipeline, update: Update, ended: list[RedisLock], decision: Decision) -> None:
        keys, batch = self._keys, decision.batch
        written = update.snapshot is not None or update.new_time is not None
        life: Any = NO_KEY if written or not self.stored.size else pipe.pttl(keys.status)
        stored = Stored(life, self._has_stream)
        if batch is None:
            pipe.multi()
            queue(pipe, write_values(update, keys, stored))
        else:
            from watchman_cli.store.redis import stream

            foreign = stream.prepare(pipe, keys.changes)
            pipe.multi()
            queue(pipe, write_values(update, keys, stored))
            stream.append(pipe, keys, batch, update, foreign=foreign)
        if update.details is not None or update.details_life != "keep":
            from watchman_cli.store.redis.details import write_details

            queue(pipe, write_details(update, keys))
        queue(pipe, expire_stream(update, keys, stored))
        queue(pipe, limit_lives(update, keys, stored))
        if ended:
            pipe.delete(*(lock.key for lock in ended))
        answers: list[Any] = pipe.execute()
        if batch is not None:
            number = next(each for each in answers if isinstance(each, bytes))  # only XADD answers with bytes
            stream.trim(self._calls.client_for(keys.changes), keys.changes, number, decision.replaced)

    def release(self) -> None:
        """End the lease; another thread may do so while this one reads or writes the snapshot."""
        for lock in (self._lock, self._address):
            if lock:
                lock.release()

    def __exit__(self, *_: object) -> None:
        self._stop_watching()  # only in the thread that watches: a connection serves one thread
        self.release()

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            _close(watch.pipe)


def _close(pipe: Pipeline) -> None:
    with suppress(exceptions.RedisError, OSError):
        pipe.close()


def _bounded(value: bytes | None, field: Field) -> bytes:
    """Return a value, or empty bytes if it is larger than any value of watchman."""
    return value if value is not None and len(value) <= MAX_VALUE[field] else b""
