"""The rules of a commit, for every store: a store reads, asks `decide`, and writes.

1. Another live run has the lease: LeaseLost.
2. No run has it, and the stored snapshot is later than both the run's and the leased one: LeaseLost. So it
   is if the update has no reading, and the stored health record is later than the leased one.
3. A new time is set only in the leased snapshot, byte for byte, proved to be whole: else SnapshotChanged.
4. A batch of changes follows the stored snapshot, or becomes a reset.
5. Changed details are added only to those that they changed: else SnapshotChanged.

The store then writes everything, or nothing.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

import orjson

from watchman_cli import snapshot
from watchman_cli.store.base import LeaseLost, SnapshotChanged
from watchman_cli.store.values import StoredState, Update, is_whole, with_time

if TYPE_CHECKING:
    from watchman_cli.changes.batch import Batch
    from watchman_cli.snapshot import Head

SUPERSEDED = "another run has written a later snapshot meanwhile"
RECORDED = "another run has written its result meanwhile"

Owner = Literal["this run", "no run", "another run"]  # of a lock
Part = Literal["nothing", "head", "whole"]  # of a snapshot


class Current(NamedTuple):
    """A server in the store at the time of a commit.

    `value` is the part of the stored snapshot that `needed_part` names, or empty. `holder` names the other
    run for an operator. `details` is the stamp of the stored details, if the update changes some of them.
    `health` is the stored record if `needs_health`, or empty. `is_proved` says that the stored snapshot is
    the leased one, and was proved to be whole: then `value` is its head.
    """

    owner: Owner
    value: bytes = b""
    holder: str = "another run"
    details: str = ""
    health: bytes = b""
    is_proved: bool = False


class Decision(NamedTuple):
    """A commit that may be written: its batch of changes, and the head of the stored snapshot, if known."""

    batch: "Batch | None"
    replaced: "Head | None"


def needed_part(update: Update, owner: Owner) -> Part:
    """Return how much of the stored snapshot `decide` needs."""
    if update.new_time is not None:
        return "whole"
    return "head" if owner == "no run" or update.changes is not None else "nothing"


def needs_health(update: Update, owner: Owner) -> bool:
    """Return whether `decide` needs the stored health record."""
    return owner == "no run" and not update.has_reading


def decide(stored: StoredState, update: Update, current: Current, read: bytes | None = None) -> Decision:
    """Return the decision to write `update`, for a lease that began with `stored`.

    `read` is the whole snapshot, if the lease's owner has read and checked it. Raises LeaseLost and
    SnapshotChanged.
    """
    head = check_lease(stored, update, current)
    if update.new_time is not None and not current.is_proved:
        _check_snapshot(stored, current.value, read)
    if update.changed_details and update.changed_details.before != current.details:
        raise SnapshotChanged
    batch = update.changes
    if batch is not None:
        batch = batch.or_reset(head.revision if head else None)
    return Decision(batch, head)


def check_lease(stored: StoredState, update: Update, current: Current) -> "Head | None":
    """Return the head of the stored snapshot, if it is known and valid. Raises LeaseLost."""
    if current.owner == "another run":
        raise LeaseLost(f"{current.holder} has it")
    head = snapshot.parse_head(current.value[: snapshot.HEAD_SIZE])
    if current.owner == "no run" and stored.superseded_by(head, update):
        raise LeaseLost(SUPERSEDED)
    if _checked_time(current.health) > _checked_time(stored.health):
        raise LeaseLost(RECORDED)
    return head


def _checked_time(health: bytes) -> str:
    """Return the time of a health record, or an empty string; all have the same form."""
    try:
        time = orjson.loads(health or b"{}").get("checked_time")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    return time if isinstance(time, str) else ""


def new_value(update: Update, value: bytes) -> bytes | None:
    """Return the snapshot to write in place of the stored `value`, or None to keep it."""
    return update.snapshot if update.new_time is None else with_time(value, update.new_time)


def _check_snapshot(stored: StoredState, value: bytes, read: bytes | None) -> None:
    """Raise SnapshotChanged unless `value` is the leased snapshot, and whole."""
    if (value[: snapshot.HEAD_SIZE], len(value)) != (stored.raw_head, stored.size):
        raise SnapshotChanged
    if not (is_whole(value, stored.head) if read is None else value == read):
        raise SnapshotChanged
