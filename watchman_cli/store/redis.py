"""Stores: where snapshots go and are read back from. The only code that imports redis.

A store keeps three values of each server, `owner/repo/status`, `/health` and `/sync`, and lends it
to one run at a time: a lease. A lease is kept by a key that expires in Redis, and by a lock that the
kernel takes back in a directory, so that a run which was killed leaves none behind.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from watchman_cli import snapshot
from watchman_cli.errors import BadSnapshot, ConfigError, NoSnapshot, StoreError
from watchman_cli.retry import retry
from watchman_cli.snapshot import Head, Snapshot
from watchman_cli.sync import cache as memory
from watchman_cli.text import printable

if TYPE_CHECKING:
    import redis

T = TypeVar("T")
SOCKET_TIMEOUT = 5.0  # seconds for one answer of Redis
NO_EXPIRY = -1  # what Redis answers to PTTL of a key that stays
PAUSE = 0.2  # seconds before another try at Redis, at first


@dataclass(frozen=True)
class Earlier:
    """What earlier runs left of one server: the beginnings of its values, and its health."""

    head: Head | None
    raw_head: bytes
    size: int  # of the snapshot, in bytes
    health: bytes | None
    sync: bytes


@dataclass(frozen=True)
class Writing:
    """What a run writes of one server, all of it or nothing.

    Either `snapshot` is a new one, or `touch` is the time to set in the one that is there, or the
    snapshot stays as it is. `sync` is None where it stays, and empty where it is to go.
    """

    health: bytes
    snapshot: bytes | None = None
    touch: str | None = None
    sync: bytes | None = None
    expire: int | None = None


class Superseded(Exception):
    """Another run has taken over this server since, and what it writes is newer."""


class Changed(Exception):
    """The snapshot whose time was to be set is not there any more."""


class Lease(ABC):
    """The right to read and write one server, for one run; released when its context ends."""

    earlier: Earlier

    @abstractmethod
    def value(self, what: str) -> bytes | None:
        """The whole value `status`, `health` or `sync`."""

    @abstractmethod
    def commit(self, writing: Writing) -> None:
        """Write, and end the lease. Raises Superseded, Changed or StoreError."""

    @abstractmethod
    def release(self) -> None:
        """End the lease."""

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Store(ABC):
    """Where snapshots are kept. `url` names it without its password."""

    url: str

    @abstractmethod
    def check(self, deadline: float) -> None:
        """Raise StoreError if the store can't be reached by `deadline`, a time.monotonic()."""

    @abstractmethod
    def lease(self, name: str, deadline: float) -> Lease | None:
        """The right to read and write the server `name` until `deadline`; None if another run has it."""

    @abstractmethod
    def value(self, name: str, what: str) -> bytes | None:
        """The value `status`, `health` or `sync` of the server `name`.

        Raises StoreError, and BadSnapshot where something else than a value is in its place.
        """

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""


def open_store(url: str, named_by: str = "store") -> Store:
    """The store at `url`. Raises ConfigError, which says who named it, where the address makes no sense."""
    if url.startswith("file://"):
        parts = urlsplit(url)
        path = unquote(parts.path)
        if parts.netloc or not path or "\0" in path:
            raise ConfigError([f"{named_by}: a directory is named as file:///path"])
        return DirectoryStore(Path(path))
    try:
        return RedisStore(url)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError([f"{named_by}: {redact(url)} is not an address that can be used"]) from error


def read_snapshot(store: str, name: str) -> Snapshot:
    """The snapshot of the server `name` (`owner/repo`) in the store at the URL `store`.

    Raises NoSnapshot where there is none, BadSnapshot where it is not valid, and StoreError where
    the store cannot be reached.
    """
    opened = open_store(store)
    try:
        value = opened.value(name, "status")
    finally:
        opened.close()
    if value is None:
        raise NoSnapshot(f"no snapshot of {name} in {opened.url}")
    return snapshot.decode(value)


def redact(url: str) -> str:
    """A store's URL without its user, password and query, fit to be shown.

    Of one in which something may be a password in the wrong place, only the scheme is shown.
    """
    scheme, _, rest = url.partition("://")
    shown, _, query = rest.partition("?")
    shown = shown.rpartition("@")[2]
    hosts = shown.partition("/")[0].split(",")
    sane = all(re.fullmatch(r"([\w.-]*|\[[\da-fA-F:.]+\])(:\d+)?", host) for host in hosts)
    return f"{scheme}://{printable(shown) if sane and '@' not in query else '...'}"


# ------------------------------------------------------------------------------------ Redis


class RedisStore(Store):
    """A store in Redis, with one connection pool."""

    def __init__(self, url: str) -> None:
        self.url = redact(url)
        self._client = _connect(url)

    def check(self, deadline: float) -> None:
        self.retry(self._client.ping, deadline)

    def value(self, name: str, what: str) -> bytes | None:
        from redis.exceptions import ResponseError

        def get() -> Any:
            try:
                return self._client.get(f"{name}/{what}")
            except ResponseError as error:
                if _wrong_type(error):
                    raise BadSnapshot("it is of another type than a string") from error
                raise

        value: bytes | None = self.retry(get, time.monotonic() + SOCKET_TIMEOUT)
        return value

    def close(self) -> None:
        self._client.close()

    def lease(self, name: str, deadline: float) -> Lease | None:
        lease = RedisLease(self, self._client, name, deadline)
        return lease if self.retry(lease.acquire, deadline) else None

    def retry(self, action: Callable[[], T], deadline: float) -> T:
        """Do `action`, again while it fails for want of a connection and `deadline` allows.

        Raises StoreError.
        """
        from redis import exceptions

        def translated() -> T:
            try:
                return action()
            except (exceptions.RedisError, OSError) as error:
                raise self._explain(error) from error

        def patience() -> dict[str, Any]:
            from tenacity import RetryCallState, wait_random_exponential

            def too_late(state: RetryCallState) -> bool:
                return time.monotonic() + state.upcoming_sleep + self._timeout > deadline

            return {"stop": too_late, "wait": wait_random_exponential(multiplier=PAUSE, max=1)}

        return retry(translated, lambda error: isinstance(error, StoreError) and error.transient, patience)

    def limit(self, timeout: float) -> None:
        """Bound one answer of Redis to `timeout` seconds, so that a deadline can be kept."""
        self._timeout = min(SOCKET_TIMEOUT, timeout)
        for name in ("socket_timeout", "socket_connect_timeout"):
            self._client.connection_pool.connection_kwargs[name] = self._timeout

    _timeout = SOCKET_TIMEOUT

    def _explain(self, error: Exception) -> StoreError:
        from redis import exceptions

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
        self._keys = {what: f"{name}/{what}" for what in ("status", "health", "sync", "lock")}
        self._token = f"{_identity()} {secrets.token_hex(8)}".encode()
        self._held = False

    def acquire(self) -> bool:
        keys = self._keys
        left = max(1.0, self._deadline - time.monotonic()) + SOCKET_TIMEOUT
        pipe = self._client.pipeline(transaction=False)
        pipe.set(keys["lock"], self._token, nx=True, px=int(left * 1000))
        pipe.get(keys["lock"])
        pipe.pttl(keys["lock"])
        pipe.getrange(keys["status"], 0, snapshot.HEAD_SIZE - 1)
        pipe.strlen(keys["status"])
        pipe.get(keys["health"])
        pipe.getrange(keys["sync"], 0, memory.HEAD_SIZE - 1)
        taken, holder, expiry, *values = pipe.execute(raise_on_error=False)
        for answer in (taken, holder):
            if isinstance(answer, Exception) and not _wrong_type(answer):
                raise answer
        if holder != self._token:
            foreign = _wrong_type(holder) or expiry == NO_EXPIRY  # every lease expires
            if not foreign and holder is not None and not _is_dead(holder):
                return False
            return self._take_over(holder) and self.acquire()
        self._held = True
        raw_head, size, health, sync = (_or_none(value) for value in values)
        self.earlier = Earlier(
            snapshot.head_of(raw_head or b""), raw_head or b"", size or 0, health, sync or b""
        )
        return True

    def _take_over(self, holder: Any) -> bool:
        """Remove the lock of a process of this machine that is no more, unless somebody else did."""
        from redis.exceptions import WatchError

        with self._client.pipeline() as pipe:
            pipe.watch(self._keys["lock"])
            if not _wrong_type(holder) and pipe.get(self._keys["lock"]) != holder:
                return holder is None
            pipe.multi()
            pipe.delete(self._keys["lock"])
            try:
                pipe.execute()
            except WatchError:
                return False
        return True

    def value(self, what: str) -> bytes | None:
        def get() -> Any:
            return self._client.get(self._keys[what])

        value: bytes | None = self._store.retry(get, self._deadline)
        return value

    def commit(self, writing: Writing) -> None:
        try:
            self._store.retry(lambda: self._write(writing), self._deadline)
        except StoreError as error:
            self._held = not error.transient  # it would not answer a release either
            raise
        self._held = False

    def _write(self, writing: Writing) -> None:
        from redis.exceptions import WatchError

        keys = self._keys
        with self._client.pipeline() as pipe:
            pipe.watch(keys["lock"], keys["status"])
            holder = pipe.get(keys["lock"])
            if holder != self._token:
                if _or_none(_try(lambda: pipe.get(keys["health"]))) == writing.health:
                    return  # it was written, and only the answer was lost
                unchanged = _try(lambda: pipe.getrange(keys["status"], 0, snapshot.HEAD_SIZE - 1))
                if holder is not None or unchanged not in (b"", self.earlier.raw_head):
                    raise Superseded
            if writing.touch is not None:
                now = pipe.getrange(keys["status"], 0, snapshot.HEAD_SIZE - 1), pipe.strlen(keys["status"])
                if now != (self.earlier.raw_head, self.earlier.size):
                    raise Changed
            pipe.multi()
            if writing.snapshot is not None:
                pipe.set(keys["status"], writing.snapshot, ex=writing.expire)
            elif writing.touch is not None:
                pipe.setrange(keys["status"], snapshot.TIME_AT, writing.touch)
                if writing.expire:
                    pipe.expire(keys["status"], writing.expire)
            pipe.set(keys["health"], writing.health)
            if writing.sync:
                pipe.set(keys["sync"], writing.sync)
            elif writing.sync is not None:
                pipe.delete(keys["sync"])
            pipe.delete(keys["lock"])
            try:
                pipe.execute()
            except WatchError as error:
                raise Superseded from error

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
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_connect_timeout": SOCKET_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),  # retried here, where the deadline is known
    }
    if not url.startswith("redis+sentinel://"):
        return redis.Redis.from_url(url, **options)
    from redis.sentinel import Sentinel

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


def _or_none(answer: Any) -> Any:
    """An answer, or None where the key holds something of another type: it is ours to write over."""
    if isinstance(answer, Exception):
        if not _wrong_type(answer):
            raise answer
        return None
    return answer


def _try(ask: Callable[[], Any]) -> Any:
    from redis.exceptions import ResponseError

    try:
        return ask()
    except ResponseError as error:
        return _or_none(error)


# ------------------------------------------------------------------------- who holds a lease


@cache
def _identity() -> str:
    """This process, so that another on the same machine can tell whether it still runs."""
    return f"{socket.gethostname()} {_machine()} {os.getpid()} {_started(os.getpid())}"


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "?"


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "?"


def _is_dead(holder: bytes) -> bool:
    """Whether a lease's holder was a process of this machine that runs no more."""
    try:
        _, machine, pid, started, _ = holder.decode().split()
        return machine == _machine() != "?" and _started(int(pid)) != started
    except ValueError:
        return False  # not of ours: it expires by itself, or never


# ---------------------------------------------------------------------------------- a directory


@dataclass
class DirectoryStore(Store):
    """A store in a directory: a key is a file, and is only ever replaced as a whole."""

    root: Path
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"file://{printable(str(self.root))}"

    def check(self, deadline: float) -> None:
        with self._told():
            self.root.mkdir(parents=True, exist_ok=True)

    def value(self, name: str, what: str) -> bytes | None:
        with self._told(), suppress(FileNotFoundError, NotADirectoryError):
            if not self.root.is_dir():
                raise StoreError(f"store {self.url}: no such directory")
            try:
                return self._file(name, what).read_bytes()
            except IsADirectoryError as error:
                raise BadSnapshot("it is a directory") from error
        return None

    def close(self) -> None:
        """Nothing is kept open."""

    def lease(self, name: str, deadline: float) -> Lease | None:
        folder = self.root / name
        with self._told():
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return DirectoryLease(self, name, lock)
            except BlockingIOError:
                os.close(lock)
                return None
            except BaseException:
                os.close(lock)
                raise

    def _file(self, name: str, what: str) -> Path:
        return self.root / name / (what if what == "sync" else f"{what}.json")

    def keep(self, name: str, what: str, data: bytes) -> None:
        """Keep one value, by itself and without a lease; none where it is empty. Raises StoreError."""
        with self._told():
            if data:
                (self.root / name).mkdir(parents=True, exist_ok=True)
                self.replace(name, what, data)
            else:
                self.remove(name, what)

    def replace(self, name: str, what: str, data: bytes) -> None:
        """Replace a file as a whole; when that fails, the old one is there still."""
        path = self._file(name, what)
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def remove(self, name: str, what: str) -> None:
        """Remove a file, if it is there."""
        self._file(name, what).unlink(missing_ok=True)

    def _told(self) -> _Told:
        return _Told(self.url)


class _Told:
    """A context in which what the system says of a file becomes a StoreError."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise StoreError(f"store {self._url}: {error.strerror}") from error
        if isinstance(error, OSError):
            raise StoreError(f"store {self._url}: {error.strerror}: {error.filename}") from error


class DirectoryLease(Lease):
    """A lease on a directory: the kernel's lock on it, gone with the process whatever ends it."""

    def __init__(self, store: DirectoryStore, name: str, lock: int) -> None:
        self._store, self._name, self._lock = store, name, lock
        status = self.value("status") or b""
        raw_head = status[: snapshot.HEAD_SIZE]
        sync = (self.value("sync") or b"")[: memory.HEAD_SIZE]
        head = snapshot.head_of(raw_head)
        self.earlier = Earlier(head, raw_head, len(status), self.value("health"), sync)

    def value(self, what: str) -> bytes | None:
        try:
            return self._store.value(self._name, what)
        except BadSnapshot as error:
            raise StoreError(f"store {self._store.url}: {self._name}/{what}: {error}") from error

    def commit(self, writing: Writing) -> None:
        value = writing.snapshot
        if writing.touch is not None:
            old = self.value("status") or b""
            if (old[: snapshot.HEAD_SIZE], len(old)) != (self.earlier.raw_head, self.earlier.size):
                raise Changed
            end = snapshot.TIME_AT + snapshot.TIME_SIZE
            value = old[: snapshot.TIME_AT] + writing.touch.encode() + old[end:]
        with _Told(self._store.url):
            if value is not None:
                self._store.replace(self._name, "status", value)
            if writing.sync:
                self._store.replace(self._name, "sync", writing.sync)
            elif writing.sync is not None:
                self._store.remove(self._name, "sync")
            self._store.replace(self._name, "health", writing.health)
        self.release()

    def release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
