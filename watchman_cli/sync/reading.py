"""The result of reading a server, and the part of it that is read."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from watchman_cli.snapshot import Head, Piece, RecordUpdate
from watchman_cli.sync.cache import SyncCache

if TYPE_CHECKING:
    from watchman_cli.details.changed import Changed
    from watchman_cli.details.fields import Base
    from watchman_cli.details.policy import Policy
    from watchman_cli.health import Mode


class Reading(NamedTuple):
    """The result of reading a server; times are ISO 8601.

    `mode` is unchanged, incremental or full, and `reason` says why a full reading was made. `pieces` are the
    snapshot's records, None if they are unchanged. `cache` is what the next run may sync from, but
    for the snapshot's revision; None if it may not, and `reason` then says why, too. If details are kept,
    `base` has them all, or `changed` those that changed.
    """

    mode: "Mode"
    reason: str | None
    read_time: str
    server_state: str
    server_version: str
    nodes: int
    pieces: Sequence[Piece] | None
    cache: SyncCache | None
    up_since: str | None  # when the server was started, RFC 3339; or None
    vitals: dict[str, float]
    numbers: tuple[int, int] | None  # state_change_no and modify_change_no; None of the bindings' reading
    changes: Sequence[RecordUpdate] | None = None
    base: "Base | None" = None
    changed: "Changed | None" = None


class PatchError(Exception):
    """The changes cannot be put into the stored snapshot; says why."""


class StoredSnapshot(NamedTuple):
    """The snapshot in the store: `value` returns it, and `prove` its head, if it has a revision.

    `expect_details` is told of which nodes the details are read next, if any are.
    """

    value: Callable[[], bytes]
    prove: Callable[[str], Head]
    expect_details: Callable[[Sequence[str]], None]


class Scope(NamedTuple):
    """The part of a server that is read, and the marks of its client handles.

    `marker` is a name that no suite has. A handle with it was registered by this watchman; one that is
    not kept is dropped again, and has the process's number in its mark. `leased` says that no other run
    reads the server now, so that what handles there are besides are nobody's. `details` returns which are
    kept.
    """

    suites: tuple[str, ...]
    marker: str
    target: list[Any]
    keep_handle: bool
    leased: bool
    details: "Callable[[], Policy] | None" = None
