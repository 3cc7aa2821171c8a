"""The example of a store keeps what every store promises: run in a copy of the project that has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.store.conftest import Kind
from tests.integration.store.test_contract import *  # noqa: F403
from watchman_cli.store import Store


class SqliteKind(Kind):
    """The file, as somebody changes it who knows of no lease."""

    def run(self, query: str, *values: object) -> list[tuple[bytes]]:
        with sqlite3.connect(urlsplit(self.url).path) as database:
            return database.execute(query, values).fetchall()

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

    def leftovers(self) -> list[str]:
        return [str(row[0]) for row in self.run("SELECT name FROM value WHERE name LIKE '%probe%'")]

    def locks(self) -> list[str]:
        return [str(row[0]) for row in self.run("SELECT key FROM lock")]


@pytest.fixture
def kind(tmp_path: Path) -> Iterator[Kind]:
    made = SqliteKind(f"sqlite://{tmp_path}/store.sqlite")
    made.open().check(0)
    yield made


@pytest.fixture
def store(kind: Kind) -> Store:
    return kind.open()
