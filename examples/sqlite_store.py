"""A store in one SQLite file, as an example: docs/extending.md adds it to watchman as `store/sqlite.py`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store import holder
from watchman_cli.store.base import LOCK_GRACE, Lease, Store, wait_for_address
from watchman_cli.store.commit import Current, Owner, decide, needs_health, new_value
from watchman_cli.store.values import MAX_VALUE, Field, StoredState, Update
from watchman_cli.text import printable

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
        """Commit everything that the context does with the connection, or nothing if it raises.

        Raises StoreError.
        """
        try:
            with closing(sqlite3.connect(self._path, self._timeout, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                for table in TABLES:
                    database.execute(table)
                yield database
                database.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"store {self.url}: {error}") from error

    def value(self, name: str, field: Field) -> bytes | None:
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
        lock_address = (lambda: lease.lock(f"address {address}")) if address else lambda: True
        if not wait_for_address(lock_address, deadline, self.stopped):
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
        self._read: bytes | None = None  # the whole snapshot, as `value` returned it

    def lock(self, key: str) -> bool:
        """Take the lock `key`; return False if another run has it."""
        with self._store.transaction() as database:
            return _lock(database, key, self._token, self._expires)

    def read(self) -> None:
        """Read the values that earlier runs left."""
        status, health, sync = (self.value(field) or b"" for field in MAX_VALUE)
        self.stored = StoredState.from_values(status, health, sync)
        self._read = None

    def value(self, field: Field) -> bytes | None:
        try:
            value = self._store.value(self._name, field)
        except BadSnapshot:
            value = None  # the next commit replaces it
        if field == "status":
            self._read = value
        return value

    def commit(self, update: Update, *, end: bool = True) -> None:
        with self._store.transaction() as database:
            owner: Owner = "this run"
            if not _is_held(database, self._name, self._token):
                free = _lock(database, self._name, self._token, self._expires)
                owner = "no run" if free else "another run"
            current = _read_or_none(database, self._name, "status") or b""
            needed = needs_health(update, owner)
            health = _read_or_none(database, self._name, "health") if needed else None
            decide(self.stored, update, Current(owner, current, health=health or b""), self._read)
            value = new_value(update, current)
            if value is not None:
                expires = time.time() + update.expire if update.expire else None
                _write(database, self._name, "status", value, expires)
            if update.sync is not None:
                _write(database, self._name, "sync", update.sync)
            _write(database, self._name, "health", update.health)
        if end:
            self.release()
        else:
            self.stored, self._read = self.stored.after(update), None

    def release(self) -> None:
        with self._store.transaction() as database:
            database.execute("DELETE FROM lock WHERE token = ?", [self._token])


def _is_held(database: sqlite3.Connection, key: str, token: bytes) -> bool:
    query = "SELECT 1 FROM lock WHERE key = ? AND token = ?"
    return database.execute(query, [key, token]).fetchone() is not None


def _lock(database: sqlite3.Connection, key: str, token: bytes, expires: float) -> bool:
    row = database.execute("SELECT token, expires FROM lock WHERE key = ?", [key]).fetchone()
    if row and row[0] != token and row[1] > time.time() and not holder.is_dead(row[0]):
        return False
    database.execute("REPLACE INTO lock VALUES (?, ?, ?)", [key, token, expires])
    return True


def _read(database: sqlite3.Connection, name: str, field: Field) -> bytes | None:
    query = "SELECT length(data), data FROM value WHERE name = ? AND field = ? AND coalesce(expires > ?, 1)"
    row = database.execute(query, [name, field, time.time()]).fetchone()
    if row and row[0] > MAX_VALUE[field]:
        raise BadSnapshot(f"it is larger than {MAX_VALUE[field] >> 20} MB")
    return bytes(row[1]) if row else None


def _read_or_none(database: sqlite3.Connection, name: str, field: Field) -> bytes | None:
    try:
        return _read(database, name, field)
    except BadSnapshot:
        return None  # the next commit replaces it


def _write(
    database: sqlite3.Connection, name: str, field: Field, data: bytes, expires: float | None = None
) -> None:
    if data:
        database.execute("REPLACE INTO value VALUES (?, ?, ?, ?)", [name, field, data, expires])
    else:
        database.execute("DELETE FROM value WHERE name = ? AND field = ?", [name, field])
