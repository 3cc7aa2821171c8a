"""A configuration's content, in named tuples."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from watchman_cli.errors import ConfigError
from watchman_cli.text import plain_or_quoted, suggestion

if TYPE_CHECKING:
    from watchman_cli.config.notify import Notify
    from watchman_cli.deadlines import Deadline
    from watchman_cli.silences import Silence

Protocol = Literal["tcp", "ssl", "http", "https"]
Reader = Literal["auto", "protocol", "bindings"]
Publish = Literal["notice", "snapshot"]


class Server(NamedTuple):
    """One ecFlow server that is watched; times are in seconds, `max_reply` in megabytes.

    With `details`, those of `detail_kinds` are kept; without kinds, all.
    """

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
    changes: bool = False
    publish: Publish = "notice"
    expire: int | None = None
    certificate: Path | None = None
    tokens: Path | None = None
    user: str | None = None
    password: str | None = None
    suites: tuple[str, ...] = ()
    deadlines: "tuple[Deadline, ...]" = ()
    details: bool = False
    detail_kinds: tuple[str, ...] = ()
    secret_names: tuple[str, ...] = ()
    report_after: int = 1
    min_interval: float = 0

    def __repr__(self) -> str:
        return f"Server({self.name!r}, {self.address!r})"  # without the password

    @property
    def name(self) -> str:
        """The server's name in the store, `owner/repo`."""
        return f"{self.owner}/{self.repo}"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    @property
    def details_signature(self) -> list[str] | None:
        """What distinguishes the details to keep from those of another configuration; or None."""
        if not self.details:
            return None
        return [*sorted(self.detail_kinds), "", *sorted({name.casefold() for name in self.secret_names})]


class Config(NamedTuple):
    """A valid configuration."""

    path: Path
    store: str
    ecflow_python: str | None
    sync_cache: str
    servers: tuple[Server, ...]
    warnings: tuple[str, ...]
    metrics_file: Path | None = None
    maintenance: "tuple[Silence, ...]" = ()
    included: tuple[Path, ...] = ()  # the files that the file at `path` includes
    notify: "Notify | None" = None
    store_source: str = "store"  # the option, the variable or the line that names the store

    def select(self, names: Iterable[str]) -> tuple[Server, ...]:
        """Return the servers of these names, each a `repo`, or `owner/repo` if the repo is not unique.

        Without names, return all servers. Raises ConfigError for an unknown or ambiguous name.
        """
        problems, chosen = [], set()
        for name in names:
            matches = [server for server in self.servers if name in (server.repo, server.name)]
            if len(matches) == 1:
                chosen.add(matches[0].name)
            elif matches:
                those = ", ".join(server.name for server in matches)
                problems.append(
                    f"{plain_or_quoted(name)}: more than one server has this repo, name one of: {those}"
                )
            else:
                known = [n for server in self.servers for n in (server.name, server.repo)]
                problems.append(
                    f"{plain_or_quoted(name)}: no such server in {self.path}{suggestion(name, known)}"
                )
        if problems:
            raise ConfigError(problems)
        return tuple(server for server in self.servers if not chosen or server.name in chosen)
