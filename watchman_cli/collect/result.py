"""What a run did with one server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman_cli.config import Server
from watchman_cli.errors import ServerError, WatchmanError
from watchman_cli.health import Health
from watchman_cli.sync.reading import Reading


@dataclass(frozen=True)
class Outcome:
    """What a run did with one server; `seconds` is how long it took.

    `result` is written, skipped (another run is reading it), failed (the server was not read),
    lost (it was read, or was to be, and the store did not take it) or interrupted. `phases` has the seconds
    of each part of it: lease, read, write and verify. `health` is the record that was written.
    """

    server: Server
    result: str
    seconds: float = 0.0
    attempts: int = 0
    error: WatchmanError | None = None
    kept: str | None = None  # when the snapshot that stays in the store was collected, ISO 8601
    reading: Reading | None = None
    requests: int = 0
    received: int = 0  # bytes
    verification: str | None = None
    snapshot: bytes | None = None  # in a dry run
    warnings: tuple[str, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict)
    health: Health | None = None
    skipped: str = "another run is reading it"  # how a run that skipped the server knew of the other one


def unexpected(error: Exception) -> ServerError:
    """Return what an exception that nothing else handles means for the server that it happened over."""
    if isinstance(error, MemoryError):
        return ServerError("resources", "this process has no memory for it")
    found = ServerError("server", f"unexpected {type(error).__name__}: a fault of watchman's")
    found.__cause__ = error
    return found
