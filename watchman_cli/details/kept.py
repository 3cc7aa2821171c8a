"""The part of a server's details that a run writes: all of them, or the changed ones."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from watchman_cli.details import KeptDetails
from watchman_cli.details.stored import DetailsChanged, DetailsUpdate, StoredDetails

if TYPE_CHECKING:
    from watchman_cli.details import DetailsLife
    from watchman_cli.details.changed import Changed
    from watchman_cli.details.fields import Base

    # The update of the details, what becomes of their expiry, and which are in the store after it.
    Kept = tuple[DetailsUpdate, DetailsLife, KeptDetails]


def replace_details(signature: Sequence[str], expire: int | None, stamp: str, base: "Base") -> "Kept":
    """Return the update after a full reading. `signature` is the configuration's, `expire` is in seconds."""
    after = KeptDetails(list(signature), stamp, expire, sorted(base.hidden_repeats))
    return DetailsUpdate(stamp, base.fields, {}), "set" if expire else "keep", after


def change_details(
    expire: int | None,
    stamp: str,
    changed: "Changed | None",
    previous: KeptDetails,
    stored: Callable[[Sequence[str]], StoredDetails],
) -> "Kept":
    """Return the update after an incremental reading. `expire` is in seconds.

    `previous` says which details are in the store, and `stored` returns those of some nodes that changed.
    Raises DetailsChanged if they are not those that the previous run left, and the errors of `stored`.
    """
    from watchman_cli.details.changed import decode, encode, merged

    nodes = changed.nodes if changed else {}
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
    after, life = previous.expiring(expire)
    hidden = sorted(changed.hidden_repeats) if changed else previous.hidden_repeats
    return (
        DetailsUpdate(stamp, None, values, previous.stamp),
        life,
        after._replace(stamp=stamp, hidden_repeats=hidden),
    )
