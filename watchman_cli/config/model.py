"""What a configuration says, in frozen dataclasses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from watchman_cli.config.validate import suggestion
from watchman_cli.errors import ConfigError

Protocol = Literal["tcp", "ssl", "http", "https"]
Reader = Literal["auto", "protocol", "bindings"]


@dataclass(frozen=True)
class Server:
    """One ecFlow server that is watched; times are in seconds, `max_reply` in megabytes."""

    owner: str
    repo: str
    host: str
    port: int
    connect_timeout: float
    attempts: int
    deadline: float
    full_sync_every: float
    protocol: Protocol
    reader: Reader
    max_reply: int
    expire: int | None = None
    certificate: Path | None = None
    tokens: Path | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    suites: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`owner/repo`, under which it is kept in the store."""
        return f"{self.owner}/{self.repo}"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Config:
    """A configuration file that was found without a mistake."""

    path: Path
    store: str
    ecflow_python: str | None
    sync_cache: str
    servers: tuple[Server, ...]
    warnings: tuple[str, ...]
    store_named_by: str = "store"  # the option, the variable or the line of the file

    def select(self, names: Iterable[str]) -> tuple[Server, ...]:
        """The servers of these names, each a `repo`, or `owner/repo` where a repo is not unique.

        All servers where no name is given. Raises ConfigError for an unknown or ambiguous name.
        """
        wrong, chosen = [], set()
        for name in names:
            matches = [server for server in self.servers if name in (server.repo, server.name)]
            if len(matches) == 1:
                chosen.add(matches[0].name)
            elif matches:
                those = ", ".join(server.name for server in matches)
                wrong.append(f"--server {name}: more than one server has this repo, name one of: {those}")
            else:
                known = [n for server in self.servers for n in (server.name, server.repo)]
                wrong.append(f"--server {name}: no such server in {self.path}{suggestion(name, known)}")
        if wrong:
            raise ConfigError(wrong)
        return tuple(server for server in self.servers if not chosen or server.name in chosen)
