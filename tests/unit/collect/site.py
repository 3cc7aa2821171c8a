"""A site in memory: a configured server, its store, and the lines that runs reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.unit.collect.ecflow import Ecflow
from watchman_cli import health, snapshot
from watchman_cli.collect import Collector, Outcome
from watchman_cli.config import Config, Server
from watchman_cli.health import Health
from watchman_cli.snapshot import StatusRecord
from watchman_cli.store.memory import MemoryStore

NAME = "o/r"


class Site:
    """A configured server, the store, and the lines that runs reported."""

    def __init__(self, ecflow: Ecflow, port: int) -> None:
        self.ecflow, self.port = ecflow, port
        self.store = MemoryStore()
        self.reported: list[str] = []
        self.failures: list[str] = []
        self.takes_lines = True
        self.sync_cache = "store"
        self.options: dict[str, Any] = {"protocol": "tcp", "reader": "protocol"}
        self.interpreter: str | None = None

    def server(self, repo: str = "r") -> Server:
        given: dict[str, Any] = {"full_sync_every": 1800.0, "max_reply": 64} | self.options
        return Server("o", repo, "127.0.0.1", self.port, 5.0, 2, 20.0, **given)

    def collector(self, *repos: str, dry: bool = False, reset_sync: bool = False) -> Collector:
        servers = tuple(self.server(repo) for repo in repos or ("r",))
        config = Config(Path("watchman.yaml"), "memory://", self.interpreter, self.sync_cache, servers, ())

        def on_warnings(server: Server, lines: Sequence[str]) -> bool:
            self.reported += lines
            return self.takes_lines

        def on_failure(outcome: Outcome) -> bool:
            self.failures.append(str(outcome.error))
            return self.takes_lines

        return Collector(
            config, servers, None if dry else self.store, jobs=4,
            on_warnings=on_warnings, on_failure=on_failure, reset_sync=reset_sync,
        )  # fmt: skip

    def run(self, **options: Any) -> Outcome:
        (outcome,) = self.collector(**options).run(lambda outcome: None)
        return outcome

    def health(self) -> Health:
        return health.decode(self.store.value(NAME, "health"))

    def records(self) -> list[StatusRecord]:
        return list(snapshot.decode(self.store.value(NAME, "status") or b"").records)
