"""Decides whether a server can be asked for its changes only."""

import hashlib
import socket
from collections.abc import Sequence
from datetime import datetime
from functools import cache as cached
from pathlib import Path
from typing import Any, NamedTuple

from watchman_cli.snapshot import Head
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.instance import JUST_STARTED

FULL_SYNC_RATIO = 1.0  # changes for each node, above which the whole definition is smaller


class Plan(NamedTuple):
    """How to ask: from a cache, or in full for a reason; the cache then still names a client handle."""

    cache: SyncCache | None
    reason: str | None


def plan_sync(
    value: bytes,
    head: Head | None,
    target: Sequence[Any],
    now: datetime,
    details: Sequence[str] | None = None,
) -> Plan:
    """Return how to ask, from the stored sync cache and the head of the stored snapshot.

    `target` is what the configuration says is read: address, user and suites. `details` is the signature of
    the details to keep; None if they are not kept.
    """
    cache = sync_cache.decode(value)
    if cache is None:
        return Plan(None, "no usable sync cache")
    if cache.target != list(target):
        return Plan(cache, "the server's address, user or suites differ")
    if head is None or head.revision != cache.revision:
        return Plan(cache, "the stored snapshot is not the one of the sync cache")
    if details is not None and (cache.kept_details is None or cache.kept_details.signature != list(details)):
        return Plan(cache, "the configured details were changed")
    if not cache.told_apart and not cache.handle:
        return Plan(cache, JUST_STARTED)
    seconds = cache.seconds_since(now)
    if seconds < 0:
        return Plan(cache, "the clock was set back")
    if cache.rate * seconds > FULL_SYNC_RATIO * max(cache.nodes, 1000):
        return Plan(cache, "most nodes changed, if changes went on as before")
    return Plan(cache, None)


def handle_marker(store: str, name: str) -> str:
    """Return the marker of this watchman's client handles, which no suite has as its name.

    Two hosts, stores or servers never have the same marker; containers that look alike may. `store` is a URL
    without its password, and `name` is OWNER/REPO.
    """
    identity = " ".join((_host(), store, name))
    return f"watchman_{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


@cached
def _host() -> str:
    """Return the name of this host and its machine ID, which are the same for all servers of a run."""
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except OSError:
        machine = ""
    return f"{socket.gethostname()} {machine}"
