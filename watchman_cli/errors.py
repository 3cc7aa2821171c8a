"""The exceptions that watchman raises, each with its message and the command's exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from watchman_cli.journal import with_priority
from watchman_cli.text import printable

# The kinds of a server's failure, for programs; schemas/health.schema.json describes each.
ErrorKind = Literal[
    "refused",
    "unreachable",
    "unresolved",
    "no answer",
    "reset",
    "protocol",
    "tls",
    "authentication",
    "bindings",
    "crashed",
    "too large",
    "too slow",
    "resources",
    "invalid snapshot",
    "server",
]


def print_error(line: str, level: int = 40) -> None:
    """Print a line on standard error; ignore the error if standard error is closed or full.

    `level` is one of the module `logging`; it is ERROR if it is not given.
    """
    with suppress(OSError):
        print(with_priority(printable(line), level), file=sys.stderr, flush=True)


class WatchmanError(Exception):
    """An error that is reported to the user; `exit_code` is the command's exit code."""

    exit_code = 1

    @property
    def messages(self) -> tuple[str, ...]:
        """The lines to print."""
        return (f"watchman: {self}",)


class ConfigError(WatchmanError):
    """The configuration or the command line is wrong; nothing was contacted."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)

    @property
    def messages(self) -> tuple[str, ...]:
        return self.problems


class UnknownServer(ConfigError):
    """A server that is named as OWNER/REPO is not in the configuration."""

    exit_code = 1


class StoreError(WatchmanError):
    """The store is unreachable, or refused a command; `transient` is True if a retry may succeed."""

    exit_code = 3

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class NoSnapshot(WatchmanError):
    """The store has no snapshot of the server."""


class NoDetails(WatchmanError):
    """The store has no details of that server, or none that belong to its snapshot."""


class NoSilence(WatchmanError):
    """The node is not silenced in the store."""


class NoSuchNode(WatchmanError):
    """The server has no node at that path."""


class NoChanges(WatchmanError):
    """The store has no changes of the server."""


class BadSnapshot(WatchmanError):
    """The stored value, or the server's reply, is not a valid snapshot."""


class ServerError(WatchmanError):
    """One server could not be read.

    `kind` is for programs, and `transient` says whether another attempt may succeed.
    """

    def __init__(self, kind: ErrorKind, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.transient = transient
