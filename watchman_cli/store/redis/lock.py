"""A lock in Redis: a key that holds a run's token, and expires by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from redis import exceptions

from watchman_cli.errors import StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import LOCK_GRACE
from watchman_cli.store.redis.calls import Calls, Command
from watchman_cli.store.redis.errors import KeepsChanging, is_race, is_wrong_type

if TYPE_CHECKING:
    import redis

NO_EXPIRY = -1  # what Redis answers to PTTL of a key that stays
Send = Callable[..., "list[Any]"]  # of commands, each an argument; returns their answers
MAX_RACES = 10  # attempts if another client changes a key in between


class RedisLock:
    """A key that has a run's token during the run."""

    def __init__(self, calls: Calls, full_key: str, token: bytes, deadline: float) -> None:
        self._calls, self.key, self._token, self._deadline = calls, full_key, token, deadline
        self.held = False
        self._releasing = threading.Lock()
        self.other: bytes | None = None  # the token of another run that has it
        self.expires = 0.0  # when Redis lets it expire, a time.monotonic()

    def take(
        self, *reads: Command, also: RedisLock | None = None, send: Send | None = None
    ) -> list[Any] | None:
        """Take the lock and return the answers to `reads`; None if another run is proved to have it.

        A lock of a dead process on this machine is taken over, and so is a key that another tool wrote. If
        the lock `also` is free, the same request takes it. `send` sends the commands of that request.
        """
        locks = (self, also) if also else (self,)
        send = send or partial(self._calls.commands, self.key)
        for _ in range(MAX_RACES):
            try:
                answers = send(*(lock._request() for lock in locks), *reads)
            except Exception:
                # They may have been taken. An interrupted run does not retry, and releases them.
                for lock in locks:
                    lock.held = lock.held or self._calls.stopped.is_set()
                raise
            for lock, taken in zip(locks, answers, strict=False):
                lock.held = lock.held or taken is True
            if isinstance(answers[0], Exception):
                raise answers[0]
            if answers[0] or self._is_mine():
                return answers[len(locks) :]
            if self.other is not None:
                return None
        raise KeepsChanging(self.key)

    def _request(self) -> Command:
        """Return the command that takes the lock if it is free."""
        lifetime = max(1.0, self._deadline - time.monotonic()) + LOCK_GRACE
        self.expires = time.monotonic() + lifetime
        return "SET", self.key, self._token, "NX", "PX", int(lifetime * 1000)

    def _is_mine(self) -> bool:
        """Return whether the lock is this run's, whose answer was lost; note if it is another run's.

        An abandoned lock is deleted.
        """
        self.other = None
        owner, life = self._calls.commands(self.key, ("GET", self.key), ("PTTL", self.key))
        for answer in (owner, life):
            if isinstance(answer, Exception) and not is_wrong_type(answer):
                raise answer
        if owner == self._token:
            self.held = True
            return True
        foreign = is_wrong_type(owner) or life == NO_EXPIRY  # every lease expires
        if owner is not None and not foreign and holder.may_be_alive(owner):
            self.other = owner
        elif owner is not None:
            self._delete_foreign(owner)
        return False

    def _delete_foreign(self, owner: Any) -> None:
        """Delete the lock of `owner`, unless another run was faster."""

        def delete(client: redis.Redis) -> None:
            with client.pipeline() as pipe:
                pipe.watch(self.key)
                if is_wrong_type(owner) or pipe.get(self.key) == owner:
                    pipe.multi()
                    pipe.delete(self.key)
                    pipe.execute()

        try:
            self._calls.command(self.key, delete)
        except exceptions.WatchError as error:
            if not is_race(error):
                raise

    def release(self) -> None:
        """Release the lock with the commands that Redis permits; at worst it expires by itself.

        If another thread does so, wait for it.
        """
        with self._releasing:
            if self.held:
                self.held = False
                self._delete()

    def _delete(self) -> None:
        def delete(client: redis.Redis) -> None:
            with client.pipeline() as pipe:
                try:
                    pipe.watch(self.key)
                    if pipe.get(self.key) == self._token:
                        pipe.multi()
                        pipe.delete(self.key)
                        pipe.execute()
                except exceptions.WatchError as error:
                    if not is_race(error):  # the connection was lost: the key may remain
                        raise
                except (exceptions.AskError, exceptions.TryAgainError):
                    raise
                except exceptions.ResponseError:  # a permission is missing
                    # SET took the lock, so SET is permitted.
                    client.set(self.key, self._token, xx=True, px=1)

        with suppress(StoreError):
            self._calls.call(lambda: self._calls.command(self.key, delete), 0)
