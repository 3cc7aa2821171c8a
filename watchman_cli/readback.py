"""Reading back the stored values of servers: every output is made from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from watchman_cli import health
from watchman_cli.errors import BadSnapshot, NoSnapshot
from watchman_cli.health import Health
from watchman_cli.snapshot import Snapshot, decode, parse_time

if TYPE_CHECKING:
    from watchman_cli.silences import Silence
    from watchman_cli.store import Store


@dataclass(frozen=True)
class StoredServer:
    """The stored values of one server at one moment.

    `error` says why there is no snapshot, and `value` has the snapshot's stored bytes. `health_summary` is a
    few words: `ok`, the number of failed runs and the reason of the last one, or why that is unknown.
    `silences` are those of this server, and the configured ones.
    """

    server: str  # owner/repo
    read_time: datetime
    snapshot: Snapshot | None
    error: str | None
    health: Health
    health_summary: str
    value: bytes = field(default=b"", repr=False)
    silences: tuple[Silence, ...] = ()

    @property
    def age(self) -> float | None:
        """Seconds from the snapshot's collection until it was read back, or None."""
        if self.snapshot is None:
            return None
        return (self.read_time - self.snapshot.collected_time).total_seconds()

    @property
    def stale_reason(self) -> str | None:
        """The reason why the snapshot is stale, or None if the last run succeeded."""
        return self.health_summary if self.health.failures else None


def read_snapshot(store: str, name: str) -> Snapshot:
    """Return the snapshot of the server `name` (`owner/repo`) in the store at the URL `store`.

    Raises NoSnapshot if it is missing, BadSnapshot if it is invalid, and StoreError if the store is
    unreachable.
    """
    from watchman_cli.store import open_store

    opened = open_store(store)
    try:
        return decode(_read_value(opened, name))
    finally:
        opened.close()


def read_server(store: Store, name: str) -> StoredServer:
    """Return the stored values of a server that has a valid snapshot.

    Raises NoSnapshot, BadSnapshot and StoreError, each with a message that names server and store.
    """
    try:
        value = _read_value(store, name)
        found = decode(value)
    except BadSnapshot as error:
        raise BadSnapshot(f"{name}: the snapshot in {store.url} is not valid: {error}") from error
    return _server_status(store, name, found, None, value)


def read_servers(
    store: Store,
    names: Sequence[str],
    decode: Callable[[bytes], Snapshot] = decode,
    maintenance: Sequence[Silence] = (),
) -> list[StoredServer]:
    """Return the stored values of each server. Raises StoreError.

    `decode` makes a snapshot from a value. It may decode all records, or only those that are used.
    `maintenance` are the configured silences.
    """
    found = (_read_any(store, name, decode) for name in names)
    return [replace(each, silences=(*maintenance, *read_silences(store, each.server))) for each in found]


def read_silences(store: Store, name: str) -> Sequence[Silence]:
    """Return the silences of a server in the store. Raises StoreError."""
    value = store.silences(name)
    if not value:
        return ()
    from watchman_cli.silences import decode

    return decode(name, value)


def _read_any(store: Store, name: str, decode: Callable[[bytes], Snapshot]) -> StoredServer:
    try:
        value, why = _find_value(store, name)
        if value is None:
            return _server_status(store, name, None, f"no snapshot{why}")
        return _server_status(store, name, decode(value), None, value)
    except BadSnapshot as error:
        return _server_status(store, name, None, f"its snapshot is not valid: {error}")


def _read_value(store: Store, name: str) -> bytes:
    value, why = _find_value(store, name)
    if value is None:
        raise NoSnapshot(f"{name}: no snapshot in {store.url}{why}")
    return value


def _find_value(store: Store, name: str) -> tuple[bytes | None, str]:
    """Return a server's stored snapshot, or None and the reason why an earlier snapshot is gone.

    A health record that names a snapshot proves that there was one. Otherwise the reason is empty.
    """
    value = store.value(name, "status")
    if value is not None:
        return value, ""
    record = health.decode(_read_health(store, name))
    if not record.ok and record.collected_time is None:
        return None, ""
    value = store.value(name, "status")  # a run may have written both since
    time = parse_time(record.collected_time or record.checked_time).astimezone(timezone.utc)
    return value, f": the one of {time:%Y-%m-%d %H:%M:%S} UTC is gone; {store.why_gone}"


def _read_health(store: Store, name: str) -> bytes | None:
    """Return the stored health record, or None; it is empty if its type or size is wrong."""
    try:
        return store.value(name, "health")
    except BadSnapshot:  # of another type
        return b""


def _server_status(
    store: Store, name: str, snapshot: Snapshot | None, error: str | None, value: bytes = b""
) -> StoredServer:
    record = _read_health(store, name)
    state = health.decode(record)
    summary = state.summary
    if not state.checked_time:
        summary = "its health record is not valid"
        if record is None:
            summary = "never read" if snapshot is None else "its health record is missing"
    return StoredServer(name, datetime.now(timezone.utc), snapshot, error, state, summary, value)
