"""The keys in Redis, and the lock among them: it holds a run's token, and expires by itself."""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from redis import exceptions

from watchman_cli.errors import StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import LOCK_GRACE
from watchman_cli.store.redis_errors import is_wrong_type

if TYPE_CHECKING:
    from redis.client import Pipeline

    from watchman_cli.store.redis import RedisStore

NO_EXPIRY = -1  # what Redis answers to PTTL of a key that stays


def key(name: str, field: str) -> str:
    """Return the key of one value of the server `name`; all of them hash to one slot of a Redis Cluster."""
    return f"{name}/status" if field == "status" else f"{{{name}/status}}/{field}"


def address_key(address: str) -> str:
    """Return the key of the lock of one ecFlow server's address."""
    return f"{{address/{address}}}/lock"


class RedisLock:
    """A key that holds a token while its run goes on."""

    def __init__(self, store: RedisStore, full_key: str, token: bytes, deadline: float) -> None:
        self._store, self.key, self._token, self._deadline = store, full_key, token, deadline
        self.held = False
        self._releasing = threading.Lock()
        self.expires = 0.0  # when Redis lets it expire, a time.monotonic()

    def take(self, *reads: tuple[str, Any], also: RedisLock | None = None) -> list[Any] | None:
        """Take the lock and return what `reads`, a pipeline's methods with arguments, answer; None if held.

        A lock of a dead process of this machine is taken over, and so is what is no lock of watchman's. The
        lock `also` is taken with the same request where it is free.
        """
        locks = (self, also) if also else (self,)
        while True:
            pipe = self._store.client_for(self.key).pipeline(transaction=False)
            for lock in locks:
                lock._add_request(pipe)
            for method, arguments in reads:
                getattr(pipe, method)(*arguments)
            try:
                answers = pipe.execute(raise_on_error=False)
            except Exception:
                # They may have been taken. An interrupted run tries nothing again, and gives them back.
                for lock in locks:
                    lock.held = lock.held or self._store.stopped.is_set()
                raise
            for lock, taken in zip(locks, answers, strict=False):
                lock.held = lock.held or taken is True
            if isinstance(answers[0], Exception):
                raise answers[0]
            mine = answers[0] or self._is_mine()
            if mine is not None:
                return answers[len(locks) :] if mine else None

    def _add_request(self, pipe: Pipeline) -> None:
        """Add to a pipeline what takes the lock where it is free."""
        lifetime = max(1.0, self._deadline - time.monotonic()) + LOCK_GRACE
        pipe.set(self.key, self._token, nx=True, px=int(lifetime * 1000))
        self.expires = time.monotonic() + lifetime

    def _is_mine(self) -> bool | None:
        """Return whether the lock is this run's, which lost the answer, or another's; None where it is free.

        One that was abandoned is deleted.
        """
        pipe = self._store.client_for(self.key).pipeline(transaction=False)
        pipe.get(self.key)
        pipe.pttl(self.key)
        owner, expiry = pipe.execute(raise_on_error=False)
        for answer in (owner, expiry):
            if isinstance(answer, Exception) and not is_wrong_type(answer):
                raise answer
        if owner == self._token:
            self.held = True
            return True
        foreign = is_wrong_type(owner) or expiry == NO_EXPIRY  # every lease expires
        if owner is not None and not foreign and not holder.is_dead(owner):
            return False
        return None if self._delete_foreign(owner) else False

    def _delete_foreign(self, owner: Any) -> bool:
        """Delete the lock of `owner`; return False where another run was faster."""
        with closing(self._store.client_for(self.key).pipeline()) as pipe:
            pipe.watch(self.key)
            if not is_wrong_type(owner) and pipe.get(self.key) != owner:
                return owner is None
            pipe.multi()
            pipe.delete(self.key)
            try:
                pipe.execute()
            except exceptions.WatchError:
                return False
        return True

    def release(self) -> None:
        """Give the lock back, whatever of it Redis permits; at worst it expires by itself.

        While another thread does so, wait for that.
        """
        with self._releasing:
            if self.held:
                self.held = False
                self._delete()

    def _delete(self) -> None:
        def delete() -> None:
            client = self._store.client_for(self.key)
            with suppress(exceptions.WatchError), closing(client.pipeline()) as pipe:
                try:
                    pipe.watch(self.key)
                    if pipe.get(self.key) == self._token:
                        pipe.multi()
                        pipe.delete(self.key)
                        pipe.execute()
                except exceptions.ResponseError:  # a permission that is missing
                    # It was taken with SET, which is therefore permitted.
                    client.set(self.key, self._token, xx=True, px=1)

        with suppress(StoreError):
            self._store.call(delete, 0)
