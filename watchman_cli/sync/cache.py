"""The sync cache: one run leaves it for the next, so that this can ask a server only for the changes.

It is disposable: losing or damaging it costs one full reading. It is one value: a digest, and JSON with
the change numbers, the proof of the server's start that they belong to, and data that the records do
not hold. It has no variable, no password and no reason of an abort.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from watchman_cli.ecflow_client import Instance
from watchman_cli.ecflow_client.details import DETAILS
from watchman_cli.snapshot import parse_time

if TYPE_CHECKING:  # imported only if details are kept
    from watchman_cli.details import KeptDetails

FORMAT = 5
DETAILS_KEPT = [detail.name for detail in DETAILS]  # an older snapshot does not have a detail that was added
SIZE_LIMIT = 64 << 20  # bytes; a larger one is neither kept nor read
LARGEST = (1 << 31) - 1  # of ecFlow's numbers: a larger one is not understood by a server
_DIGEST_SIZE = 64
_SINCE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "stats_count": int,
    "group_count": int,
    "plug_count": int,
    "state_change_no": int,
    "modify_change_no": int,
    "nodes": int,
    "revision": str,
    "target": list,
    "read_time": str,
    "first_seen": str,
    "told_apart": bool,
    "rate": (int, float),
    "handle": int,
    "marker": str,
}


class SyncCache(NamedTuple):
    """What is kept of one server.

    `revision` is that of the snapshot that the numbers belong to. `suspended` has the state under each
    suspended node, and since when it lasts; `begin_times` each suite's calendar start. `kept_details` says
    which details are in the store, if any are. `rate` is how many changes a second the server counted between
    the last two readings. `handle` is the client handle that is kept over runs, 0 for none, and `marker` the
    name of no suite that proves it to be ours.

    `first_seen` is when the instance answered for the first time, and `told_apart` says whether another start
    of the server cannot look like it: see `sync.instance`.
    """

    instance: Instance
    stats_count: int
    group_count: int
    plug_count: int
    state_change_no: int
    modify_change_no: int
    nodes: int
    revision: str
    target: list[Any]
    read_time: str
    first_seen: str
    told_apart: bool
    suspended: dict[str, tuple[str, str | None]]
    begin_times: dict[str, str]
    kept_details: "KeptDetails | None" = None
    rate: float = 0.0
    handle: int = 0
    marker: str = ""

    def seconds_since(self, now: datetime) -> float:
        """Return the seconds since the last reading; negative if the clock was set back."""
        return (now - parse_time(self.read_time)).total_seconds()


def encode(cache: SyncCache) -> bytes:
    """Return the value to keep, or no bytes if it would be too large."""
    fields = {
        "format": FORMAT,
        "details": DETAILS_KEPT,
        **cache._asdict(),
        "instance": cache.instance._asdict(),
        "kept_details": cache.kept_details and tuple(cache.kept_details),
    }
    if cache.kept_details is None:
        del fields["kept_details"]
    document = orjson.dumps(fields)
    return _digest(document) + b"\n" + document if len(document) < SIZE_LIMIT else b""


def decode(value: bytes) -> SyncCache | None:
    """Return the cache in a value, or None if it is damaged or of another version of watchman."""
    kept, document = value[:_DIGEST_SIZE], value[_DIGEST_SIZE + 1 :]
    if not document or _digest(document) != kept:
        return None
    try:
        fields: dict[str, Any] = orjson.loads(document)
        if (fields.pop("format"), fields.pop("details")) != (FORMAT, DETAILS_KEPT) or not _typed(fields):
            return None
        suspended = {path: _state(*found) for path, found in fields.pop("suspended").items()}
        details = _details(fields.pop("kept_details", None))
        instance = Instance(**fields.pop("instance"))
        cache = SyncCache(instance=instance, suspended=suspended, kept_details=details, **fields)
        if None in (parse_time(time).tzinfo for time in (cache.read_time, cache.first_seen)):
            return None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return cache


def _typed(fields: Mapping[str, Any]) -> bool:
    """Return whether each field has its type: a value in a store may be anybody's."""
    return (
        all(isinstance(fields[name], kind) for name, kind in _TYPES.items())
        and all(0 <= fields[name] <= LARGEST for name, kind in _TYPES.items() if kind is int)
        and all(isinstance(value, str) for value in fields["begin_times"].values())
    )


def _state(state: str, since: str | None) -> tuple[str, str | None]:
    """Return a state and since when it lasts. Raises ValueError if one is invalid."""
    from watchman_cli.ecflow_client.node_state import STATES

    if state not in STATES or (since is not None and not re.fullmatch(_SINCE, since, re.ASCII)):
        raise ValueError
    return state, since


def _details(found: Any) -> "KeptDetails | None":
    """Return which details are in the store. Raises TypeError or ValueError."""
    if found is None:
        return None
    from watchman_cli.details import KeptDetails

    kept = KeptDetails(*found)
    texts = [*kept.signature, kept.stamp, *kept.hidden_repeats]
    if not all(isinstance(each, str) for each in texts) or not isinstance(kept.expire, (int, type(None))):
        raise TypeError
    return kept


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
