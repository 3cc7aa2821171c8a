"""The example's store, for the tests of tests/integration/store/test_contract.py: see docs/extending.md."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

from tests.integration.store.conftest import Kind


class SqliteKind(Kind):
    """A SQLite file, and its values as another program changes them, without a lease."""

    keeps_changes = False

    def run(self, query: str, *values: object) -> list[tuple[bytes]]:
        self.open().check(0)  # which makes the tables
        with sqlite3.connect(self.file) as database:
            return database.execute(query, values).fetchall()

    @property
    def file(self) -> Path:
        return Path(urlsplit(self.url).path)

    def put(self, name: str, field: str, value: bytes) -> None:
        self.run("REPLACE INTO value VALUES (?, ?, ?, NULL)", name, field, value)

    def get(self, name: str, field: str) -> bytes | None:
        rows = self.run("SELECT data FROM value WHERE name = ? AND field = ?", name, field)
        return rows[0][0] if rows else None

    def delete(self, name: str, field: str) -> None:
        if field == "lock":
            self.run("DELETE FROM lock WHERE key = ?", name)
        else:
            self.run("DELETE FROM value WHERE name = ? AND field = ?", name, field)

    def is_locked(self, name: str) -> bool:
        return bool(self.run("SELECT 1 FROM lock WHERE key = ?", name))

    def locks(self) -> list[str]:
        return [str(row[0]) for row in self.run("SELECT key FROM lock")]

    def leftovers(self) -> list[str]:
        return [str(row[0]) for row in self.run("SELECT name FROM value WHERE name LIKE '%probe%'")]

    def clear(self) -> None:
        self.file.unlink(missing_ok=True)
