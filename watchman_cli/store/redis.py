"""A store in Redis. A lease is a key that expires soon after the run's deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from watchman_cli import retry, snapshot
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import Lease, LeaseLost, SnapshotChanged, Store, StoredState, Update
from watchman_cli.store.url import redact
from watchman_cli.text import printable

T = TypeVar("T")
SOCKET_TIMEOUT = 5.0  # seconds for one answer of Redis
NO_EXPIRY = -1  # what Redis answers to PTTL of a key that stays
INITIAL_BACKOFF = 0.2  # seconds before the first retry
MAX_SYNC = 64 << 20  # bytes that are read of a value, at most
MAX_HEALTH = 1 << 20


def key(name: str, field: str) -> str:
    """Return the key of one value of the server `name`; all of them hash to one slot of a Redis Cluster."""
    return f"{name}/status" if field == "status" else f"{{{name}/status}}/{field}"


class RedisStore(Store):
    """A store in Redis, with one connection pool."""

    def __init__(self, url: str) -> None:
        self.url = redact(url)
        self._client = _connect(url)

    def check(self, deadline: float) -> None:
        self.call(self._client.ping, deadline)

    def value(self, name: str, field: str) -> bytes | None:
        def get() -> Any:
            try:
                return self._client.get(key(name, field))
            except exceptions.ResponseError as error:
                if _wrong_type(error):
                    raise BadSnapshot("it is of another type than a string") from error
                raise

        value: bytes | None = self.call(get, time.monotonic() + SOCKET_TIMEOUT)
        return value

    def close(self) -> None:
        self._client.close()

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        lease = RedisLease(self, self._client, name, deadline)
        return lease if self.call(lease.acquire, deadline) else None

    def call(self, func: Callable[[], T], deadline: float) -> T:
        """Return what `func` returns, called again while the connection fails and `deadline` allows.

        Raises StoreError.
        """

        def translated() -> T:
            try:
                return func()
            except (exceptions.RedisError, OSError) as error:
                raise self._explain(error) from error

        def options() -> dict[str, Any]:
            from tenacity import RetryCallState, wait_random_exponential

            def too_late(state: RetryCallState) -> bool:
                return time.monotonic() + state.upcoming_sleep + self._timeout > deadline

            return {"stop": too_late, "wait": wait_random_exponential(multiplier=INITIAL_BACKOFF, max=1)}

        return retry.call(translated, _is_transient, options)

    def set_timeout(self, seconds: float) -> None:
        self._timeout = min(SOCKET_TIMEOUT, seconds)
        for name in ("socket_timeout", "socket_connect_timeout"):
            self._client.connection_pool.connection_kwargs[name] = self._timeout

    _timeout = SOCKET_TIMEOUT

    def _explain(self, error: Exception) -> StoreError:
        refusals = (
            (exceptions.AuthenticationError, "refused the user or password"),
            (exceptions.AuthorizationError, "refused the user or password"),
            (exceptions.NoPermissionError, "the user may not do this there"),
            (exceptions.ReadOnlyError, "it is a read-only replica"),
            (exceptions.OutOfMemoryError, "it is out of memory (maxmemory)"),
        )
        for kind, message in refusals:
            if isinstance(error, kind):
                return StoreError(f"store {self.url}: {message}")
        if isinstance(error, exceptions.BusyLoadingError):
            return StoreError(f"store {self.url}: still loading its data set", transient=True)
        if isinstance(error, (exceptions.TimeoutError, TimeoutError)):
            return StoreError(f"store {self.url}: no answer in {self._timeout:g} s", transient=True)
        if isinstance(error, (exceptions.ConnectionError, OSError)):
            cause = error.__cause__ or error.__context__ or error
            why = getattr(cause, "strerror", None) or "the connection was lost"
            return StoreError(f"store {self.url}: cannot be reached: {why}", transient=True)
        return StoreError(f"store {self.url}: refused: {printable(str(error))[:200]}")


class RedisLease(Lease):
    """A lease in Redis: a key with this run's token, which expires soon after the deadline."""

    def __init__(self, store: RedisStore, client: redis.Redis, name: str, deadline: float) -> None:
        self._store, self._client, self._deadline = store, client, deadline
        self._keys = {field: key(name, field) for field in ("status", "health", "sync", "lock")}
        self._token = holder.new_token()
        self._held = False
        self.warnings = []

    def acquire(self) -> bool:
        keys = self._keys
        left = max(1.0, self._deadline - time.monotonic()) + SOCKET_TIMEOUT
        pipe = self._client.pipeline(transaction=False)
        pipe.set(keys["lock"], self._token, nx=True, px=int(left * 1000))
        pipe.get(keys["lock"])
        pipe.pttl(keys["lock"])
        pipe.getrange(keys["status"], 0, snapshot.HEAD_SIZE - 1)
        pipe.strlen(keys["status"])
        pipe.getrange(keys["health"], 0, MAX_HEALTH)
        pipe.getrange(keys["sync"], 0, MAX_SYNC)
        taken, owner, expiry, *values = pipe.execute(raise_on_error=False)
        for answer in (taken, owner):
            if isinstance(answer, Exception) and not _wrong_type(answer):
                raise answer
        if owner != self._token:
            foreign = _wrong_type(owner) or expiry == NO_EXPIRY  # every lease expires
            if not foreign and owner is not None and not holder.is_dead(owner):
                return False
            return self._take_over(owner) and self.acquire()
        self._held = True
        raw_head, size, health, sync = (_value_or_none(value) for value in values)
        self.stored = StoredState(
            head=snapshot.parse_head(raw_head or b""),
            raw_head=raw_head or b"",
            size=size or 0,
            health=_bounded(health, MAX_HEALTH),
            sync=_bounded(sync, MAX_SYNC),
        )
        return True

    def _take_over(self, owner: Any) -> bool:
        """Delete the lock of a dead process of this machine; return False where another run did."""
        with self._client.pipeline() as pipe:
            pipe.watch(self._keys["lock"])
            if not _wrong_type(owner) and pipe.get(self._keys["lock"]) != owner:
                return owner is None
            pipe.multi()
            pipe.delete(self._keys["lock"])
            try:
                pipe.execute()
            except exceptions.WatchError:
                return False
        return True

    def value(self, field: str) -> bytes | None:
        def get() -> Any:
            return self._client.get(self._keys[field])

        value: bytes | None = self._store.call(get, self._deadline)
        return value

    def commit(self, update: Update, *, end: bool = True) -> None:
        try:
            self._store.call(lambda: self._write(update, end), self._deadline)
        except StoreError as error:
            self._held = not error.transient  # it would not answer a release either
            raise
        self._held = not end

    def _write(self, update: Update, end: bool) -> None:
        keys = self._keys
        with self._client.pipeline() as pipe:
            pipe.watch(keys["lock"], keys["status"])
            owner = pipe.get(keys["lock"])
            if owner != self._token:
                if _value_or_none(_get_or_none(lambda: pipe.get(keys["health"]))) == update.health:
                    return  # it was written, and only the answer was lost
                unchanged = _get_or_none(lambda: pipe.getrange(keys["status"], 0, snapshot.HEAD_SIZE - 1))
                if owner is not None or unchanged not in (b"", self.stored.raw_head):
                    raise LeaseLost
            if update.new_time is not None:
                now = pipe.getrange(keys["status"], 0, snapshot.HEAD_SIZE - 1), pipe.strlen(keys["status"])
                if now != (self.stored.raw_head, self.stored.size):
                    raise SnapshotChanged
            pipe.multi()
            if update.snapshot is not None:
                pipe.set(keys["status"], update.snapshot, ex=update.expire)
            elif update.new_time is not None:
                pipe.setrange(keys["status"], snapshot.TIME_OFFSET, update.new_time)
                if update.expire:
                    pipe.expire(keys["status"], update.expire)
            pipe.set(keys["health"], update.health)
            if update.sync:
                pipe.set(keys["sync"], update.sync)
            elif update.sync is not None:
                pipe.delete(keys["sync"])
            if end:
                pipe.delete(keys["lock"])
            try:
                pipe.execute()
            except exceptions.WatchError as error:
                raise LeaseLost from error

    def release(self) -> None:
        if not self._held:
            return
        self._held = False
        with suppress(Exception), self._client.pipeline() as pipe:  # it expires by itself at worst
            pipe.watch(self._keys["lock"])
            if pipe.get(self._keys["lock"]) == self._token:
                pipe.multi()
                pipe.delete(self._keys["lock"])
                pipe.execute()


def _connect(url: str) -> redis.Redis:
    options: dict[str, Any] = {
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_connect_timeout": SOCKET_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),  # retried here, where the deadline is known
    }
    if not url.startswith("redis+sentinel://"):
        return redis.Redis.from_url(url, **options)
    parts = urlsplit(url)
    if not parts.hostname or not parts.path.strip("/"):
        raise ValueError("redis+sentinel://[user:password@]host:port[,host:port]/service[/db]")
    hosts = parts.netloc.rpartition("@")[2].split(",")
    pairs = [(host.rpartition(":")[0] or host, int(host.rpartition(":")[2] or 26379)) for host in hosts]
    service, _, db = parts.path.strip("/").partition("/")
    user = {"username": unquote(parts.username)} if parts.username else {}
    password = {"password": unquote(parts.password)} if parts.password else {}
    extra = {key: value for key, value in parse_qsl(parts.query) if key.startswith("sentinel_")}
    sentinel_options = {key.removeprefix("sentinel_"): value for key, value in extra.items()}
    sentinel = Sentinel(pairs, sentinel_kwargs={**options, **sentinel_options}, **options)
    client: redis.Redis = sentinel.master_for(service, db=int(db or 0), **options, **user, **password)
    return client


def _wrong_type(answer: Any) -> bool:
    return isinstance(answer, Exception) and "WRONGTYPE" in str(answer)


def _value_or_none(answer: Any) -> Any:
    """Return an answer; None where the key holds another type: watchman writes over it."""
    if isinstance(answer, Exception):
        if not _wrong_type(answer):
            raise answer
        return None
    return answer


def _get_or_none(get: Callable[[], Any]) -> Any:
    try:
        return get()
    except exceptions.ResponseError as error:
        return _value_or_none(error)


def _bounded(value: bytes | None, limit: int) -> bytes:
    """Return a value; nothing where it is larger than any that watchman writes."""
    return value if value is not None and len(value) <= limit else b""


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, StoreError) and error.transient
