"""A server's details in Redis: two hashes beside its snapshot, in its slot of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from watchman_cli import snapshot
from watchman_cli.details.stored import BASE_STAMP, STAMP, StoredDetails
from watchman_cli.store.redis.calls import Command, queue
from watchman_cli.store.redis.errors import get_or_none, value_or_none
from watchman_cli.store.redis.keys import ServerKeys
from watchman_cli.store.values import Update

if TYPE_CHECKING:
    import redis
    from redis.client import Pipeline

    from watchman_cli.store.redis.watch import Watch

FIELDS_TOGETHER = 2000  # of one command, so that none takes long


def write_details(update: Update, keys: ServerKeys) -> Iterator[Command]:
    """Yield the commands that write or expire the details; transaction.py deletes them."""
    details = update.details
    assert details != "delete"
    if details is not None and details.base is not None:
        yield "UNLINK", keys.details, keys.changed_details
        fields = [(STAMP, details.stamp), (BASE_STAMP, details.stamp), *details.base.items()]
        for start in range(0, len(fields), FIELDS_TOGETHER):
            together = fields[start : start + FIELDS_TOGETHER]
            yield "HSET", keys.details, *chain.from_iterable(together)
    elif details is not None:
        stamp = STAMP, details.stamp
        yield "HSET", keys.details, *stamp
        yield "HSET", keys.changed_details, *stamp, *chain.from_iterable(details.changed.items())
    if update.details_life == "set":
        assert update.expire is not None
        yield "EXPIRE", keys.details, update.expire
        if details is None or details.base is None:
            yield "EXPIRE", keys.changed_details, update.expire
    elif update.details_life == "remove":
        yield "PERSIST", keys.details
        yield "PERSIST", keys.changed_details


def stored_stamp(pipe: Pipeline, keys: ServerKeys) -> str:
    """Watch the stored details, and return their stamp, or an empty string."""
    pipe.watch(keys.details)
    found: Any = get_or_none(lambda: pipe.hmget(keys.details, [STAMP]))
    return ((found and found[0]) or b"").decode("ascii", "replace")


def commands_of(
    keys: ServerKeys, fields: Sequence[str] | None, paths: Sequence[str] | None
) -> tuple[Command, Command, Command]:
    """Return the commands that read some of the details, and the beginning of the snapshot."""
    base: Command = ("HGETALL", keys.details)
    if fields is not None:
        base = ("HMGET", keys.details, STAMP, BASE_STAMP, *fields)
    changed: Command = ("HGETALL", keys.changed_details)
    if paths is not None:
        changed = ("HMGET", keys.changed_details, STAMP, *paths)
    return base, changed, ("GETRANGE", keys.status, 0, snapshot.HEAD_SIZE - 1)


def watched_commands_of(
    keys: ServerKeys, fields: Sequence[str] | None, paths: Sequence[str] | None
) -> tuple[Command, ...]:
    """Return the commands that read some of the details, and watch them from now on."""
    return ("WATCH", keys.details), *commands_of(keys, fields, paths)


def watched_details(
    watching: Watch, answers: Sequence[Any], fields: Sequence[str] | None, paths: Sequence[str] | None
) -> tuple[Watch, StoredDetails]:
    """Return the watch and the details after the answers to `watched_commands_of`."""
    watched, *reads = answers
    found = stored_details(reads, fields, paths)
    return watching._replace(stamp=None if isinstance(watched, Exception) else found.stamp), found


def read_details(
    client: redis.Redis,
    keys: ServerKeys,
    fields: Sequence[str] | None,
    paths: Sequence[str] | None,
) -> StoredDetails:
    """Return some of the details as they were at one moment. Its errors are for RedisStore.call."""
    pipe = client.pipeline(transaction=True)
    queue(pipe, commands_of(keys, fields, paths))
    return stored_details(pipe.execute(raise_on_error=False), fields, paths)


def stored_details(
    answers: Sequence[Any], fields: Sequence[str] | None, paths: Sequence[str] | None
) -> StoredDetails:
    """Return the details in the answers to `commands_of`; a value of another type counts as missing."""
    base, changed, raw_head = (value_or_none(answer) for answer in answers)
    of_base = _fields(base, None if fields is None else [STAMP, BASE_STAMP, *fields])
    of_changed = _fields(changed, None if paths is None else [STAMP, *paths])
    stamp, base_stamp, changed_stamp = (
        found.decode("ascii", "replace")
        for found in (of_base.pop(STAMP, b""), of_base.pop(BASE_STAMP, b""), of_changed.pop(STAMP, b""))
    )
    return StoredDetails(stamp, base_stamp, changed_stamp, of_base, of_changed, raw_head or b"")


def _fields(answer: Any, names: Sequence[str] | None) -> dict[str, bytes]:
    """Return the fields in the answer to HMGET of these names, or to HGETALL."""
    if answer is None:
        return {}
    if names is None:
        return {name.decode("utf-8", "replace"): value for name, value in answer.items()}
    return {name: value for name, value in zip(names, answer, strict=True) if value is not None}
