"""The part of a server's details that a run writes: all of them, the changed ones, or their deletion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from watchman_cli.details import DetailsLife, KeptDetails
from watchman_cli.details.stored import (
    DetailsChanged,
    DetailsUpdate,
    StoredDetails,
    make_stamp,
)

if TYPE_CHECKING:
    from watchman_cli.details.changed import Changed
    from watchman_cli.details.fields import Base


class DetailsReading(NamedTuple):
    """The details that a run has read: all in `base`, those that changed in `changed`, or none.

    `revision` is the snapshot's that they are written with, `read_time` is ISO 8601, and `is_full` says
    whether the server was read in full.
    """

    revision: str
    read_time: str
    is_full: bool
    base: Base | None
    changed: Changed | None


class Kept(NamedTuple):
    """The update of the stored details, of their expiry, and of the sync cache's knowledge of them."""

    update: DetailsUpdate | Literal["delete"] | None = None
    life: DetailsLife = "keep"
    after: KeptDetails | None = None


def keep_details(
    signature: Sequence[str] | None,
    expire: int | None,
    reading: DetailsReading,
    previous: KeptDetails | None,
    stored: Callable[[Sequence[str]], StoredDetails],
) -> Kept:
    """Return the update of a server's details; without a signature, they are deleted. `expire` is in seconds.

    It is not called if nothing is new. `signature` is the configuration's. `previous` says which details are
    in the store, and `stored` returns those of some nodes that changed. Raises DetailsChanged if they are not
    those that the previous run left, and the errors of `stored`.
    """
    stamp = make_stamp(reading.revision, reading.read_time)
    if signature is None or (reading.base is None and reading.is_full):
        return Kept("delete")
    if reading.base is not None:
        base = reading.base
        after = KeptDetails(list(signature), stamp, expire, sorted(base.hidden_repeats))
        return Kept(DetailsUpdate(stamp, base.fields, {}), "set" if expire else "keep", after)
    assert previous
    after, life = previous.expiring(expire)
    nodes = reading.changed.nodes if reading.changed else {}
    from watchman_cli.details.changed import decode, encode, merged

    found = stored(list(nodes))
    if found.stamp != previous.stamp or not found.is_whole:
        raise DetailsChanged
    values = {}
    for path, parts in nodes.items():
        earlier = found.changed.get(path)
        try:
            values[path] = encode(merged(decode(earlier), parts) if earlier else parts)
        except ValueError as error:
            raise DetailsChanged from error
    hidden = sorted(reading.changed.hidden_repeats) if reading.changed else previous.hidden_repeats
    after = after._replace(stamp=stamp, hidden_repeats=hidden)
    return Kept(DetailsUpdate(stamp, None, values, previous.stamp), life, after)
