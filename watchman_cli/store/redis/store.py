"""A store in Redis: one server, the master that Sentinels name, or a Redis Cluster.

A lease is a key that expires soon after the run's deadline (lease.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from redis import exceptions

from watchman_cli import retry, snapshot
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store.base import Lease, Store
from watchman_cli.store.redact import redact
from watchman_cli.store.redis import errors
from watchman_cli.store.redis.calls import Command, queue
from watchman_cli.store.redis.connection import MAX_TIMEOUT, TimeBudget
from watchman_cli.store.redis.keys import address_key, key, server_keys
from watchman_cli.store.redis.lease import RedisLease
from watchman_cli.store.redis.topology import open_topology
from watchman_cli.store.redis.url import parse
from watchman_cli.store.values import MAX_VALUE, Field, StoredBatch

if TYPE_CHECKING:
    from watchman_cli.details.stored import StoredDetails

T = TypeVar("T")
ROOM = 1.25  # times its timeout: a retry that a busy machine delays still has all of it
INITIAL_BACKOFF = 0.2  # seconds before the first retry
READ_DEADLINE = 20.0  # seconds for one value that is read outside a run


class RedisStore(Store):
    """A store in Redis, with one connection a thread."""

    why_gone = "Redis evicted it (see its maxmemory-policy), or it expired (the setting `expire`)"

    def __init__(self, url: str) -> None:
        """Connect to nothing yet. Raises ValueError with the reason if `url` is not a valid address."""
        super().__init__(redact(url))
        self._budget = TimeBudget()
        self._topology = open_topology(parse(url), self._budget)

    def check(self, deadline: float) -> None:
        def ping() -> None:
            try:
                self.client_for("check").ping()
            except exceptions.NoPermissionError:
                pass  # it answers, and keys may have other permissions

        self.call(ping, deadline)

    def value(self, name: str, field: Field) -> bytes | None:
        limit = MAX_VALUE[field]
        value = self._read(key(name, field), limit + 1)
        if value is not None and len(value) > limit:
            raise BadSnapshot(f"it is larger than {limit >> 20} MB")
        return value

    def head(self, name: str) -> bytes:
        return self._read(key(name, "status"), snapshot.HEAD_SIZE) or b""

    def _read(self, full_key: str, size: int) -> bytes | None:
        """Return the first `size` bytes of a value. Raises StoreError and BadSnapshot."""

        def get() -> Any:
            try:
                found = self.command(full_key, lambda client: client.getrange(full_key, 0, size - 1))
                # Empty or missing: GETRANGE does not tell them apart.
                return found or self.command(full_key, lambda client: client.get(full_key))
            except exceptions.ResponseError as error:
                if errors.is_wrong_type(error):
                    raise BadSnapshot("it is of another type than a string") from error
                raise

        value: bytes | None = self.call(get, time.monotonic() + READ_DEADLINE, retry_until=MAX_TIMEOUT)
        return value

    def details(self, name: str, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        from watchman_cli.store.redis.details import read_details

        keys = server_keys(name)

        def read() -> StoredDetails:
            return self.command(keys.details, lambda client: read_details(client, keys, fields, paths))

        return self.call(read, time.monotonic() + READ_DEADLINE, retry_until=MAX_TIMEOUT)

    def changes_after(self, name: str, position: str, wait: float = 0) -> Sequence[StoredBatch]:
        from watchman_cli.store.redis import stream

        return stream.read_after(self, name, position, wait)

    def await_changes(self, positions: Mapping[str, str], wait: float) -> Collection[str]:
        from watchman_cli.store.redis import stream

        if self.has_slots or not positions:  # the keys are on several Redis servers
            return super().await_changes(positions, wait)
        return stream.await_any(self, positions, wait)

    def changes_end(self, name: str) -> str:
        from watchman_cli.store.redis import stream

        return stream.end_of(self, name)

    def keeps_changes_from(self, name: str, position: str) -> bool:
        from watchman_cli.store.redis import stream

        return stream.has(self, name, position)

    def changes_at(self, seconds: float) -> str:
        from watchman_cli.store.redis import stream

        return stream.position_at(seconds)

    def silences(self, name: str) -> bytes:
        from watchman_cli.store.redis import silences

        return silences.read(self, name)

    def change_silences(self, name: str, change: Callable[[bytes], bytes]) -> None:
        from watchman_cli.store.redis import silences

        silences.change(self, name, change)

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        with ExitStack() as failing:
            lease = RedisLease(self, name, deadline, address)
            failing.push(lease)
            if not lease.acquire():  # one of two locks may be held
                return None
            failing.pop_all()
        return lease

    def remove(self, name: str, address: str) -> None:

        def delete() -> None:
            for full_key in (*server_keys(name).all, address_key(address)):
                self.command(full_key, partial(_delete, full_key))

        self.call(delete, time.monotonic() + MAX_TIMEOUT)

    def set_timeout(self, seconds: float) -> None:
        self._budget.timeout = min(MAX_TIMEOUT, seconds)

    def close(self) -> None:
        self._topology.close()

    @property
    def has_slots(self) -> bool:
        """Return whether a transaction is limited to the keys of one server."""
        return self._topology.has_slots

    def client_for(self, full_key: str) -> redis.Redis:
        """Return a client of the Redis server that has a key; its errors are for `call`."""
        return self._topology.client_for(full_key)

    def command(self, full_key: str, act: Callable[[redis.Redis], T]) -> T:
        """Return the result of `act`, called with a client of the Redis server that has a key.

        If a cluster moves the key's slot and the key has already moved, `act` is called again with a client
        of the new node. Its errors are for `call`.
        """
        try:
            return act(self.client_for(full_key))
        except exceptions.AskError as error:  # MovedError is one
            return act(self._topology.asking_client(full_key, error))

    def commands(self, full_key: str, *commands: Command) -> list[Any]:
        """Return the answers to commands that are sent together; an error is one of the answers.

        In a cluster, all keys are in the slot of `full_key`. If some keys have already moved while the slot
        is moved, their commands are sent to the new node.
        """
        answers = _send(self.client_for(full_key), commands)
        moved = [index for index, answer in enumerate(answers) if errors.is_ask(answer)]
        if moved:
            client = self._topology.asking_client(full_key, answers[moved[0]])
            again = _send(client, [commands[index] for index in moved])
            for index, answer in zip(moved, again, strict=True):
                answers[index] = answer
        return answers

    def call(self, func: Callable[[], T], deadline: float, *, retry_until: float | None = None) -> T:
        """Return the result of `func`, retried if its failure is transient and `deadline` allows.

        With `retry_until`, no attempt begins after that many seconds. A run that was stopped, and resumed
        after its deadline, has one quick attempt, and a second one if its connection was closed.
        Raises StoreError.
        """
        late = time.monotonic() > deadline
        last_start = deadline if retry_until is None else time.monotonic() + retry_until

        def translated() -> T:
            try:
                with self._budget.until(deadline):
                    return func()
            except (exceptions.RedisError, OSError) as error:
                cause = errors.unwrapped(error)
                raise self._translate(cause, late) from cause

        def options() -> dict[str, Any]:
            from tenacity import RetryCallState, sleep_using_event, wait_random_exponential

            def too_late(state: RetryCallState) -> bool:
                failure = state.outcome.exception() if state.outcome else None
                if state.attempt_number == 1 and failure and not errors.is_timeout(failure.__cause__):
                    return self.stopped.is_set()
                soonest_end = time.monotonic() + state.upcoming_sleep + ROOM * self._budget.timeout
                return self.stopped.is_set() or soonest_end > last_start

            return {
                "stop": too_late,
                "wait": wait_random_exponential(multiplier=INITIAL_BACKOFF, max=1),
                "sleep": sleep_using_event(self.stopped),
            }

        return retry.call(translated, is_transient, options)

    def _translate(self, error: Exception, late: bool) -> StoreError:
        self._topology.forget(error)
        waited = f"no answer in {self._budget.timeout:g} s"
        if late:
            waited = "no answer; the request began after the deadline: was this run stopped?"
        elif self._budget.exhausted:
            waited = "no complete answer by the deadline"
        follows = self._topology.follows_master
        message, transient = errors.describe(error, waited, follows_master=follows)
        return StoreError(f"store {self.url}: {message}", transient=transient)


def _delete(full_key: str, client: redis.Redis) -> None:
    client.delete(full_key)


def _send(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    pipe = client.pipeline(transaction=False)
    queue(pipe, commands)
    answers: list[Any] = pipe.execute(raise_on_error=False)
    return answers


def is_transient(error: BaseException) -> bool:
    """Return whether a retry may succeed."""
    return isinstance(error, StoreError) and error.transient
