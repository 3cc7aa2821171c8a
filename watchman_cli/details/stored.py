"""A server's details in a store, and the proof that all of them belong together.

There are two mappings. In the first are the fields of the last full reading (fields.py); in the second are
the nodes that changed since (changed.py). Both have the stamp of the reading that wrote them last: the
snapshot's revision, and when the server was asked. The first has the stamp of the full reading as well: if it
is another one, nothing is known without the second.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from watchman_cli.details import DetailsLife, KeptDetails

    # The update of the details, what becomes of their expiry, and which are in the store after it.
    Kept = tuple["DetailsUpdate", DetailsLife, KeptDetails]

STAMP, BASE_STAMP = "revision", "base"  # fields that are not paths


class DetailsChanged(Exception):
    """A run has replaced the details: they do not belong to those that were read before."""


class DetailsUpdate(NamedTuple):
    """What a run writes of a server's details.

    With `base`, the fields of a full reading, everything that is stored is replaced. Without it, `changed` is
    added, if the stamp that is stored is still `before`.
    """

    stamp: str
    base: Mapping[str, bytes] | None
    changed: Mapping[str, bytes]
    before: str = ""


class StoredDetails(NamedTuple):
    """Some stored fields, read at one moment; a missing stamp is an empty string.

    `raw_head` is the beginning of the snapshot that was there at that moment.
    """

    stamp: str
    base_stamp: str
    changed_stamp: str
    fields: Mapping[str, bytes]
    changed: Mapping[str, bytes]
    raw_head: bytes = b""

    @property
    def is_whole(self) -> bool:
        """Whether what is stored belongs together."""
        return bool(self.stamp) and self.stamp in (self.base_stamp, self.changed_stamp)

    def after(self, update: DetailsUpdate) -> "StoredDetails":
        """Return the stored details after `update` is written."""
        stamp = update.stamp
        if update.base is not None:
            return StoredDetails(stamp, stamp, "", update.base, {})
        return StoredDetails(stamp, self.base_stamp, stamp, self.fields, {**self.changed, **update.changed})

    @property
    def revision(self) -> str:
        """The revision of the snapshot that it belongs to."""
        return self.stamp.partition(" ")[0]


NO_DETAILS = StoredDetails("", "", "", {}, {})


def make_stamp(revision: str, read_time: str) -> str:
    """Return the stamp of a reading."""
    return f"{revision} {read_time}"
