"""A server's changes in Redis: a stream with an entry for each batch, and a message on a channel.

An entry has one field: `batch`, the batch's JSON, or `zlib`, the JSON compressed if it is large.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis import exceptions

from watchman_cli.snapshot import parse_time
from watchman_cli.store.redis.calls import Calls
from watchman_cli.store.redis.connection import MAX_TIMEOUT
from watchman_cli.store.redis.errors import RedisTooOld
from watchman_cli.store.redis.keys import ServerKeys, server_keys
from watchman_cli.store.values import MAX_BATCH, MAX_BATCHES, StoredBatch, Update

if TYPE_CHECKING:
    import redis
    from redis.client import Pipeline

    from watchman_cli.changes.batch import Batch
    from watchman_cli.snapshot import Head

MAX_AGE = 24 * 3600  # seconds
PLAIN = 1 << 16  # bytes of JSON; a larger batch is compressed: about 500 changes
_AT_ONCE = 100  # entries to read together
_READ_DEADLINE = 20.0  # seconds to read some entries, after the wait for them


def prepare(pipe: Pipeline, stream: str) -> bool:
    """Return whether the stream's key has another type. Raises RedisTooOld.

    It tries the command of `trim` so that nothing is dropped. This comes before the transaction: Redis
    executes a transaction even if one of its commands fails.
    """
    kind: Any = pipe.type(stream)
    if kind not in (b"stream", b"none"):
        return True
    try:
        pipe.xtrim(stream, minid="0", approximate=False)
    except exceptions.ResponseError as error:
        if "syntax" in str(error):  # MINID is of Redis 6.2
            raise RedisTooOld from error
        raise
    return False


def append(pipe: Pipeline, keys: ServerKeys, batch: Batch, update: Update, foreign: bool) -> None:
    """Add the commands that append and publish a batch to a transaction.

    With `foreign`, the stream's key has another type, and is replaced.
    """
    value = batch.encode()
    fields: Any = {"batch": value} if len(value) <= PLAIN else {"zlib": zlib.compress(value, 1)}
    if foreign:
        pipe.delete(keys.changes)
    pipe.xadd(keys.changes, fields, maxlen=MAX_BATCHES, approximate=False)
    whole = update.snapshot if update.publish_snapshot else None
    pipe.publish(keys.channel, whole or batch.encode_notice())


def trim(client: redis.Redis, stream: str, appended: bytes, replaced: Head | None) -> None:
    """Drop the batches that are too old, after one was `appended` with this ID and `replaced` a snapshot.

    If that fails, the next run drops them.
    """
    oldest = oldest_kept(time.time(), appended, replaced)
    with suppress(exceptions.RedisError, OSError):
        client.xtrim(stream, minid=f"{oldest}", approximate=False)


def oldest_kept(now: float, appended: bytes, replaced: Head | None) -> int:
    """Return the ID of the oldest batch that is young enough, in milliseconds.

    The clock of this host, of Redis (which makes the IDs) or of the last run's host may be ahead. The slowest
    clock counts, so that a clock that is ahead drops nothing.
    """
    times = [now, int(appended.partition(b"-")[0]) / 1000]
    if replaced is not None:
        with suppress(ValueError):
            times.append(parse_time(replaced.collected_time).timestamp())
    return max(0, int((min(times) - MAX_AGE) * 1000))


def read_after(calls: Calls, name: str, position: str, wait: float) -> list[StoredBatch]:
    """Return some batches after a position; wait for them for `wait` seconds. Raises StoreError."""
    found = _read(calls, {server_keys(name).changes: position or "0"}, _AT_ONCE, wait)
    return [_stored(*entry) for _, entries in found for entry in entries]


def await_any(calls: Calls, positions: Mapping[str, str], wait: float) -> list[str]:
    """Return the servers that have a batch after their position; wait for one for `wait` seconds.

    All keys are on one Redis server. Raises StoreError.
    """
    names = {server_keys(name).changes: name for name in positions}
    found = _read(calls, {stream: positions[name] or "0" for stream, name in names.items()}, 1, wait)
    return [names[stream.decode()] for stream, _ in found]


def _read(calls: Calls, positions: dict[str, str], count: int, wait: float) -> list[Any]:
    """Return the streams with entries after these positions, `count` of each. Raises StoreError."""
    # The answer must come before the read of the socket times out.
    block = int(min(wait, MAX_TIMEOUT / 2) * 1000) or None

    def read() -> Any:
        streams: Any = positions
        return calls.command(
            next(iter(positions)), lambda client: client.xread(streams, count=count, block=block)
        )

    found: Any = calls.call(read, time.monotonic() + wait + _READ_DEADLINE, retry_until=MAX_TIMEOUT)
    return list(found or ())


def end_of(calls: Calls, name: str) -> str:
    """Return the position of the last batch, or an empty string. Raises StoreError."""
    stream = server_keys(name).changes
    found: Any = calls.call(
        lambda: calls.command(stream, lambda client: client.xrevrange(stream, count=1)),
        time.monotonic() + _READ_DEADLINE,
        retry_until=MAX_TIMEOUT,
    )
    return found[0][0].decode() if found else ""


def has(calls: Calls, name: str, position: str) -> bool:
    """Return whether the batch at a position exists: the oldest are dropped first. Raises StoreError."""
    stream = server_keys(name).changes
    found: Any = calls.call(
        lambda: calls.command(stream, lambda client: client.xrange(stream, position, position)),
        time.monotonic() + _READ_DEADLINE,
        retry_until=MAX_TIMEOUT,
    )
    return bool(found)


def position_at(seconds: float) -> str:
    """Return the position before all batches that were appended since a time.time()."""
    return f"{max(0, int(seconds * 1000))}-0"


def _stored(entry: bytes, fields: dict[bytes, bytes]) -> StoredBatch:
    value = fields.get(b"batch", b"")
    if b"zlib" in fields:
        try:
            value = zlib.decompressobj().decompress(fields[b"zlib"], MAX_BATCH)
        except zlib.error:  # another tool wrote it: empty bytes are an invalid batch
            value = b""
    return StoredBatch(entry.decode(), value)
