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

    def take(self, *reads: tuple[str, Any]) -> list[Any] | None:
        """Take the lock and return what `reads`, a pipeline's methods with arguments, answer; None if held.

        A lock of a dead process of this machine is taken over, and so is what is no lock of watchman's.
        """
        while True:
            lifetime = max(1.0, self._deadline - time.monotonic()) + LOCK_GRACE
            pipe = self._store.client_for(self.key).pipeline(transaction=False)
            pipe.set(self.key, self._token, nx=True, px=int(lifetime * 1000))
            pipe.get(self.key)
            pipe.pttl(self.key)
            for method, arguments in reads:
                getattr(pipe, method)(*arguments)
            self.expires = time.monotonic() + lifetime
            try:
                taken, owner, expiry, *answers = pipe.execute(raise_on_error=False)
            except Exception:
                # It may have been taken. Nothing is tried again in an interrupted run, which gives it back.
                self.held = self.held or self._store.stopped.is_set()
                raise
            self.held = self.held or taken is True or owner == self._token
            for answer in (taken, owner, expiry):
                if isinstance(answer, Exception) and not is_wrong_type(answer):
                    raise answer
            if owner == self._token:
                return answers
            foreign = is_wrong_type(owner) or expiry == NO_EXPIRY  # every lease expires
            if owner is not None and not foreign and not holder.is_dead(owner):
                return None
            if not self._delete_foreign(owner):
                return None

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
