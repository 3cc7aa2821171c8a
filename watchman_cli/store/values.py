"""The values of one server: those that a store has, and those that a run writes."""

from typing import TYPE_CHECKING, Literal, NamedTuple

from watchman_cli import snapshot
from watchman_cli.snapshot import Head

if TYPE_CHECKING:
    from watchman_cli.changes.batch import Batch
    from watchman_cli.details import DetailsLife
    from watchman_cli.details.stored import DetailsUpdate

Field = Literal["status", "health", "sync"]  # a value of a server
MAX_BATCHES = 1440  # of a server in Redis: one day, with a run each minute
MAX_BATCH = 64 << 20  # bytes to read of one batch
MAX_SILENCES = 1 << 20  # bytes to read of a server's silences
MAX_VALUE: dict[Field, int] = {"status": 512 << 20, "health": 1 << 20, "sync": 64 << 20}  # bytes to read


class StoredState(NamedTuple):
    """The values of one server that earlier runs stored.

    `raw_head` has the first snapshot.HEAD_SIZE bytes of the snapshot, or is empty. `size` is the snapshot's
    length in bytes, or 0. `head` is None if the snapshot is missing or another tool wrote it. `health` and
    `sync` are whole; each is empty if the value is missing or too large.
    """

    head: Head | None
    raw_head: bytes
    size: int
    health: bytes
    sync: bytes

    @classmethod
    def from_values(cls, status: bytes, health: bytes, sync: bytes) -> "StoredState":
        """Return the state of a server with these values; a missing one is empty."""
        raw_head = status[: snapshot.HEAD_SIZE]
        return cls(snapshot.parse_head(raw_head), raw_head, len(status), health, sync)

    def after(self, update: "Update") -> "StoredState":
        """Return the state after `update` is written."""
        raw_head, size = self.raw_head, self.size
        if update.snapshot is not None:
            raw_head, size = update.snapshot[: snapshot.HEAD_SIZE], len(update.snapshot)
        elif update.new_time is not None:
            raw_head = with_time(raw_head, update.new_time)
        return StoredState(
            head=snapshot.parse_head(raw_head),
            raw_head=raw_head,
            size=size,
            health=update.health,
            sync=self.sync if update.sync is None else update.sync,
        )

    def superseded_by(self, head: Head | None, update: "Update") -> bool:
        """Return whether `head` is of a later snapshot than both this one and the update's."""
        if head is None or (self.head and head.collected_time <= self.head.collected_time):
            return False
        own = snapshot.parse_head(update.snapshot[: snapshot.HEAD_SIZE]) if update.snapshot else None
        return own is None or head.collected_time > own.collected_time


class Update(NamedTuple):
    """The values of one server that a run writes, all or nothing.

    `snapshot` is a new snapshot, or `new_time` is the time to set in the stored one; if both are None, the
    snapshot stays as it is. `sync` is None to keep the sync cache, and empty to delete it. After `expire`
    seconds the store drops the snapshot; None keeps it for ever. A run that could not read its server sets
    `expire`, too: the configuration may have changed since the snapshot was written. `changes` is appended
    with the snapshot; with `publish_snapshot`, the snapshot itself is published. After `lifetime` seconds,
    the store drops everything of the server, if it can: a probe sets it, since it may be killed before it
    has removed its values.
    `details` are written with the snapshot that they belong to; if they change others than those that are
    stored, SnapshotChanged is raised. `details_life` says if they expire with the snapshot from now on.
    """

    health: bytes
    snapshot: bytes | None = None
    new_time: str | None = None
    sync: bytes | None = None
    expire: int | None = None
    changes: "Batch | None" = None
    publish_snapshot: bool = False
    lifetime: int | None = None
    details: 'DetailsUpdate | Literal["delete"] | None' = None
    details_life: "DetailsLife" = "keep"

    @property
    def has_reading(self) -> bool:
        """Whether the snapshot is written, or its time is set."""
        return self.snapshot is not None or self.new_time is not None

    @property
    def changed_details(self) -> "DetailsUpdate | None":
        """The details, if they are added to those that are stored."""
        details = self.details
        return None if details is None or details == "delete" or details.base is not None else details


class StoredBatch(NamedTuple):
    """A batch of changes as bytes, and the position in the store after it."""

    position: str
    value: bytes


def with_time(value: bytes, new_time: str) -> bytes:
    """Return a snapshot, or its beginning, with another time."""
    end = snapshot.TIME_OFFSET + snapshot.TIME_SIZE
    return value[: snapshot.TIME_OFFSET] + new_time.encode() + value[end:]


def is_whole(value: bytes, head: Head | None) -> bool:
    """Return whether `value` is the whole snapshot of `head`, byte for byte as it was written."""
    try:
        snapshot.prove((value,), head.revision if head else "")
    except snapshot.NotWhole:
        return False
    return True
