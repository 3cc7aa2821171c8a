"""A store in one SQLite file, as an example: docs/extending.md adds it to watchman as `store/sqlite.py`."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from watchman_cli import snapshot
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import (
    ADDRESS_WAIT,
    LOCK_GRACE,
    MAX_VALUE,
    Lease,
    LeaseLost,
    SnapshotChanged,
    Store,
    StoredState,
    Update,
    with_time,
)
from watchman_cli.text import printable

POLL = 0.1  # seconds between two looks at an address that another run reads
TABLES = (
    "CREATE TABLE IF NOT EXISTS value (name, field, data BLOB, expires REAL, PRIMARY KEY (name, field))",
    "CREATE TABLE IF NOT EXISTS lock (key PRIMARY KEY, token BLOB, expires REAL)",
)


class SqliteStore(Store):
    """A store in a file of this host."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite://{printable(str(path))}")
        self._path = path
        self._timeout = 5.0

    def set_timeout(self, seconds: float) -> None:
        self._timeout = seconds

    def check(self, deadline: float) -> None:
        with self.transaction():
            pass

    def close(self) -> None:
        """Nothing is kept open: each transaction has a connection of its own."""

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of what is done to the connection, or nothing where that raises. Raises StoreError."""
        try:
            with closing(sqlite3.connect(self._path, self._timeout, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                for table in TABLES:
                    database.execute(table)
                yield database
                database.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"store {self.url}: {error}") from error

    def value(self, name: str, field: str) -> bytes | None:
        with self.transaction() as database:
            return _read(database, name, field)

    def remove(self, name: str, address: str) -> None:
        with self.transaction() as database:
            database.execute("DELETE FROM value WHERE name = ?", [name])
            database.execute("DELETE FROM lock WHERE key IN (?, ?)", [name, f"address {address}"])

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        lifetime = max(1.0, deadline - time.monotonic())
        lease = SqliteLease(self, name, lifetime)
        if not lease.lock(name):
            return None
        give_up = time.monotonic() + lifetime * ADDRESS_WAIT
        while address and not lease.lock(f"address {address}"):
            if time.monotonic() + POLL > give_up or self.stopped.wait(POLL):
                lease.release()
                return None
        lease.read()
        return lease


class SqliteLease(Lease):
    """The right to read and write one server."""

    def __init__(self, store: SqliteStore, name: str, lifetime: float) -> None:
        super().__init__()
        self._store, self._name = store, name
        self._token = holder.new_token()
        self._expires = time.time() + lifetime + LOCK_GRACE

    def lock(self, key: str) -> bool:
        """Take the lock `key`; return False if another run has it."""
        with self._store.transaction() as database:
            return _lock(database, key, self._token, self._expires)

    def read(self) -> None:
        """Note what earlier runs left."""
        found = {field: self.value(field) or b"" for field in MAX_VALUE}
        self._digest = hashlib.sha256(found["status"]).digest()
        raw_head = found["status"][: snapshot.HEAD_SIZE]
        head = snapshot.parse_head(raw_head)
        self.stored = StoredState(head, raw_head, len(found["status"]), found["health"], found["sync"])

    def value(self, field: str) -> bytes | None:
        try:
            return self._store.value(self._name, field)
        except BadSnapshot:
            return None  # it will be replaced

    def commit(self, update: Update, *, end: bool = True) -> None:
        with self._store.transaction() as database:
            now = _read_or_none(database, self._name, "status") or b""
            held = database.execute(
                "SELECT 1 FROM lock WHERE key = ? AND token = ?", [self._name, self._token]
            ).fetchone()
            if not held:
                head = snapshot.parse_head(now[: snapshot.HEAD_SIZE])
                free = _lock(database, self._name, self._token, self._expires)
                if not free or self.stored.superseded_by(head, update):
                    raise LeaseLost
            value = update.snapshot
            if update.new_time is not None:
                if not now or hashlib.sha256(now).digest() != self._digest:
                    raise SnapshotChanged
                value = with_time(now, update.new_time)
            if value is not None:
                expires = time.time() + update.expire if update.expire else None
                _write(database, self._name, "status", value, expires)
            if update.sync is not None:
                _write(database, self._name, "sync", update.sync)
            _write(database, self._name, "health", update.health)
        if end:
            self.release()
        else:
            self.read()

    def release(self) -> None:
        with self._store.transaction() as database:
            database.execute("DELETE FROM lock WHERE token = ?", [self._token])


def _lock(database: sqlite3.Connection, key: str, token: bytes, expires: float) -> bool:
    row = database.execute("SELECT token, expires FROM lock WHERE key = ?", [key]).fetchone()
    if row and row[0] != token and row[1] > time.time() and not holder.is_dead(row[0]):
        return False
    database.execute("REPLACE INTO lock VALUES (?, ?, ?)", [key, token, expires])
    return True


def _read(database: sqlite3.Connection, name: str, field: str) -> bytes | None:
    query = "SELECT length(data), data FROM value WHERE name = ? AND field = ? AND coalesce(expires > ?, 1)"
    row = database.execute(query, [name, field, time.time()]).fetchone()
    if row and row[0] > MAX_VALUE[field]:
        raise BadSnapshot(f"it is larger than {MAX_VALUE[field] >> 20} MB")
    return bytes(row[1]) if row else None


def _read_or_none(database: sqlite3.Connection, name: str, field: str) -> bytes | None:
    try:
        return _read(database, name, field)
    except BadSnapshot:
        return None  # it will be replaced


def _write(
    database: sqlite3.Connection, name: str, field: str, data: bytes, expires: float | None = None
) -> None:
    if data:
        database.execute("REPLACE INTO value VALUES (?, ?, ?, ?)", [name, field, data, expires])
    else:
        database.execute("DELETE FROM value WHERE name = ? AND field = ?", [name, field])
