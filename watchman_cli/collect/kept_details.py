"""What a run writes of a server's details: all of them, what changed, or that they are deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from watchman_cli.config import Server
from watchman_cli.details.stored import DetailsUpdate, StoredDetails, make_stamp
from watchman_cli.store import SnapshotChanged
from watchman_cli.store.base import DetailsLife
from watchman_cli.sync.cache import KeptDetails
from watchman_cli.sync.reading import Reading

if TYPE_CHECKING:
    from watchman_cli.details.policy import Policy


def policy_of(server: Server) -> Policy | None:
    """Return which details of a server are kept, and what of them is masked; None if none are."""
    if not server.details:
        return None
    from watchman_cli.details.policy import Policy

    return Policy(server.detail_kinds, server.secret_names)


class Kept(NamedTuple):
    """What is written of the details, what becomes of their expiry, and what the sync cache says of them."""

    update: DetailsUpdate | Literal["delete"] | None = None
    life: DetailsLife = "keep"
    after: KeptDetails | None = None


def keep_details(
    server: Server,
    reading: Reading,
    revision: str,
    before: KeptDetails | None,
    stored: Callable[[Sequence[str]], StoredDetails],
) -> Kept:
    """Return what is written with a snapshot of that revision.

    `before` says which details are in the store, and `stored` returns what is there of some nodes that
    changed. Raises SnapshotChanged if that is not what the run before left, and what `stored` does.
    """
    policy, expire = policy_of(server), server.expire
    stamp = make_stamp(revision, reading.read_time)
    if policy is None or (reading.base is None and reading.mode == "full"):
        return Kept("delete" if policy or before else None)
    if reading.base is not None:
        base = reading.base
        after = KeptDetails(policy.signature, stamp, expire, sorted(base.hidden_repeats))
        return Kept(DetailsUpdate(stamp, base.fields, {}), "set" if expire else "keep", after)
    assert before
    life: DetailsLife = "set" if expire else "remove" if before.expire else "keep"
    after = before._replace(expire=expire)
    nodes = reading.changed.nodes if reading.changed else {}
    if not nodes and before.stamp.partition(" ")[0] == revision:
        return Kept(None, life, after)
    from watchman_cli.details.changed import decode, encode, merged

    found = stored(list(nodes))
    if found.stamp != before.stamp or not found.is_whole:
        raise SnapshotChanged
    values = {}
    for path, parts in nodes.items():
        earlier = found.changed.get(path)
        try:
            values[path] = encode(merged(decode(earlier), parts) if earlier else parts)
        except ValueError as error:
            raise SnapshotChanged from error
    hidden = sorted(reading.changed.hidden_repeats) if reading.changed else before.hidden_repeats
    after = after._replace(stamp=stamp, hidden_repeats=hidden)
    return Kept(DetailsUpdate(stamp, None, values, before.stamp), life, after)
