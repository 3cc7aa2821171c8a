"""What can go wrong, as a small family of exceptions that carry what the user needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

from watchman_cli.text import printable


def print_error(line: str) -> None:
    """Print a line on standard error; where that cannot be, nothing else is to fail for it."""
    with suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)


class WatchmanError(Exception):
    """Anything that watchman tells its user; `exit_code` is what the command ends with."""

    exit_code = 1

    @property
    def lines(self) -> tuple[str, ...]:
        """What to tell."""
        return (f"watchman: {self}",)


class ConfigError(WatchmanError):
    """The configuration or the command line is wrong; nothing was contacted."""

    exit_code = 2

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)

    @property
    def lines(self) -> tuple[str, ...]:
        return self.mistakes


class StoreError(WatchmanError):
    """The store could not be reached, or refused; `transient` where another try may succeed."""

    exit_code = 3

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class NoSnapshot(WatchmanError):
    """The store has no snapshot of that server."""


class BadSnapshot(WatchmanError):
    """What the store or a server gave is not a valid snapshot."""


class ServerError(WatchmanError):
    """One server could not be read.

    `kind` is one of those in the health schema, `detail` what the bindings printed, and `transient`
    says whether another attempt may succeed.
    """

    def __init__(self, kind: str, message: str, *, detail: str = "", transient: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail
        self.transient = transient
