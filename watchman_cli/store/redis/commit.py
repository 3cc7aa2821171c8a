"""What a commit reads in Redis under its watch, and how its transaction is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from watchman_cli import snapshot
from watchman_cli.store import holder
from watchman_cli.store.commit import Current, Decision, Owner, needed_part, needs_health
from watchman_cli.store.redis.calls import Calls, queue
from watchman_cli.store.redis.errors import get_or_none
from watchman_cli.store.redis.keys import ServerKeys
from watchman_cli.store.redis.lock import RedisLock
from watchman_cli.store.redis.transaction import (
    NO_KEY,
    Stored,
    delete,
    expire_stream,
    limit_lives,
    write_values,
)
from watchman_cli.store.redis.watch import Watch
from watchman_cli.store.values import MAX_VALUE, Update

if TYPE_CHECKING:
    from redis.client import Pipeline


def read_current(watching: Watch, keys: ServerKeys, token: bytes, update: Update) -> Current:
    """Return the server as it is in Redis, for the run whose token is `token`.

    The snapshot is watched: if another client replaces it before the transaction, nothing is written.
    If the watch has its head, it has been watched since it was read. Its errors are for RedisStore.call.
    """
    owner, words = _owner_of(watching.owners[0], token)
    stamp = watching.stamp or ""
    if update.changed_details and watching.stamp is None:
        from watchman_cli.store.redis.details import stored_stamp

        stamp = stored_stamp(watching.pipe, keys)
    needed = needed_part(update, owner)
    is_proved = needed == "whole" and watching.is_read  # a run proves what it reads before it sets a time
    if is_proved:
        needed = "head"
    value = b""
    if needed == "head" and watching.head is not None:
        value = watching.head
    elif needed != "nothing" and owner != "another run":
        size = snapshot.HEAD_SIZE if needed == "head" else MAX_VALUE["status"] + 1
        value = get_or_none(lambda: watching.pipe.getrange(keys.status, 0, size - 1)) or b""
    health = b""
    if needs_health(update, owner):
        health = get_or_none(lambda: watching.pipe.get(keys.health)) or b""
    return Current(owner, value, words, stamp, health, is_proved)


def _owner_of(found: bytes | None, token: bytes) -> tuple[Owner, str]:
    """Return who has the lock in which `found` is, and another run in words."""
    if found == token:
        return "this run", ""
    if found is not None and holder.may_be_alive(found):
        return "another run", holder.describe(found)
    return "no run", ""


def send(
    calls: Calls,
    pipe: Pipeline,
    keys: ServerKeys,
    update: Update,
    decision: Decision,
    released: Sequence[RedisLock],
    *,
    has_snapshot: bool,
    has_stream: bool,
) -> None:
    """Send the transaction that writes an update and releases some locks.

    `has_snapshot` and `has_stream` say what the lease found. Raises WatchError, and the errors of redis-py:
    they are for RedisStore.call.
    """
    batch = decision.batch
    life: Any = NO_KEY if update.has_reading or not has_snapshot else pipe.pttl(keys.status)
    stored = Stored(life, has_stream)
    if batch is None:
        pipe.multi()
        queue(pipe, write_values(update, keys, stored))
    else:
        from watchman_cli.store.redis import stream

        foreign = stream.prepare(pipe, keys.changes)
        pipe.multi()
        queue(pipe, write_values(update, keys, stored))
        stream.append(pipe, keys, batch, update, foreign=foreign)
    if update.details != "delete" and (update.details is not None or update.details_life != "keep"):
        from watchman_cli.store.redis.details import write_details

        queue(pipe, write_details(update, keys))
    queue(pipe, expire_stream(update, keys, stored))
    queue(pipe, limit_lives(update, keys, stored))
    queue(pipe, delete(update, keys, [lock.key for lock in released]))
    answers: list[Any] = pipe.execute()
    if batch is not None:
        number = next(each for each in answers if isinstance(each, bytes))  # only XADD answers with bytes
        stream.trim(calls.client_for(keys.changes), keys.changes, number, decision.replaced)
