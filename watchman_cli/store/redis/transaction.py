"""The commands of a commit's transaction, decided by the stored values; nothing is sent here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from watchman_cli import snapshot
from watchman_cli.store.redis.calls import Command
from watchman_cli.store.redis.keys import ServerKeys
from watchman_cli.store.values import Update

NO_KEY, NO_EXPIRY = -2, -1  # answers of Redis to PTTL: the key is missing, or never expires

Found = Literal["replaced", "expires", "stays", "missing"]
Expiry = Literal["set", "remove", "keep"]

# The expiry, by the snapshot and by whether `expire` is configured. A failed run sets no new time in the
# snapshot: the expiry only follows the configuration.
_EXPIRY: Mapping[tuple[Found, bool], Expiry] = {
    ("replaced", True): "set",
    ("replaced", False): "remove",
    ("expires", True): "keep",
    ("expires", False): "remove",
    ("stays", True): "set",
    ("stays", False): "keep",
    ("missing", True): "keep",
    ("missing", False): "keep",
}


class Stored(NamedTuple):
    """The state in Redis: the snapshot's time to live, as PTTL gives it, and whether there are changes."""

    life: int = NO_KEY
    has_stream: bool = False


def expiry_of(update: Update, life: int) -> Expiry:
    """Return whether to set, remove or keep the expiry of the snapshot, whose time to live is `life`."""
    if update.has_reading:
        found: Found = "replaced"
    elif life == NO_KEY:
        found = "missing"
    else:
        found = "stays" if life == NO_EXPIRY else "expires"
    return _EXPIRY[found, update.expire is not None]


def write_values(update: Update, keys: ServerKeys, stored: Stored) -> Iterator[Command]:
    """Yield the commands that write the snapshot, its expiry, the health record and the sync cache."""
    status, sync = keys.status, keys.sync
    expiry = expiry_of(update, stored.life)
    if update.snapshot is not None:
        yield "SET", status, update.snapshot, *_ex(update.expire)
    elif update.new_time is not None:
        yield "SETRANGE", status, snapshot.TIME_OFFSET, update.new_time
    if update.snapshot is None:  # SET itself sets or removes it
        yield from _expire(expiry, status, update.expire)
    yield "SET", keys.health, update.health
    if update.sync:
        yield "SET", sync, update.sync
    elif update.sync is not None:
        yield "DEL", sync


def delete(update: Update, keys: ServerKeys, locks: Sequence[str]) -> Iterator[Command]:
    """Yield the command that deletes locks, and the details if they are not wanted.

    A run without details has no permission for UNLINK.
    """
    details = (keys.details, keys.changed_details) if update.details == "delete" else ()
    if locks or details:
        yield "DEL", *locks, *details


def expire_stream(update: Update, keys: ServerKeys, stored: Stored) -> Iterator[Command]:
    """Yield the command that makes the stream of changes expire with the snapshot, if there is a stream."""
    appended = update.changes is not None
    if not (appended or stored.has_stream):
        return  # while a cluster moves a slot, it refuses a transaction with a missing key
    if update.expire is None:
        yield "PERSIST", keys.changes
    elif appended or expiry_of(update, stored.life) == "set":
        yield "EXPIRE", keys.changes, update.expire


def limit_lives(update: Update, keys: ServerKeys, stored: Stored) -> Iterator[Command]:
    """Yield the commands that make every value of the server expire after `update.lifetime`."""
    there = {
        keys.status: update.has_reading or stored.life != NO_KEY,
        keys.health: True,
        keys.sync: bool(update.sync),
        keys.changes: update.changes is not None or stored.has_stream,
        keys.details: update.details is not None and update.details != "delete",
        keys.changed_details: update.changed_details is not None,
    }
    if update.lifetime is not None:
        for full_key in (full_key for full_key, known in there.items() if known):
            yield "EXPIRE", full_key, update.lifetime


def _expire(expiry: Expiry, full_key: str, seconds: int | None) -> Iterator[Command]:
    if expiry == "set":
        assert seconds is not None
        yield "EXPIRE", full_key, seconds
    elif expiry == "remove":
        yield "PERSIST", full_key


def _ex(seconds: int | None) -> tuple[str, int] | tuple[()]:
    """Return the option of SET that drops the value after so many seconds."""
    return () if seconds is None else ("EX", seconds)
