"""Decide what a run writes for one server, from the values that it has read.

Nothing here knows a lease, a clock or a thread: a time is an argument, and the stored snapshot's bytes come
from a function that is called only if they are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from watchman_cli import health as health_record
from watchman_cli import snapshot
from watchman_cli.collect.result import Attempts, Commit, Stored
from watchman_cli.collect.verify import Verification, next_verification, reading_of, verification_due
from watchman_cli.config import Server
from watchman_cli.errors import ServerError
from watchman_cli.health import Disabled, Failure, Health, count_again, report, with_counts
from watchman_cli.health.causes import new_causes
from watchman_cli.health.misses import describe_misses, new_misses, with_misses_reported
from watchman_cli.snapshot import HEAD_SIZE, Head, parse_head
from watchman_cli.store import SnapshotChanged, Update
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.reading import Reading

if TYPE_CHECKING:  # imported only if they are used: each takes milliseconds
    from watchman_cli.bindings import BindingsReading
    from watchman_cli.causes.model import Notices, Rules
    from watchman_cli.changes.batch import Batch
    from watchman_cli.details import DetailsLife, KeptDetails
    from watchman_cli.details.stored import DetailsUpdate


def after_reading(
    server: Server,
    stored: Stored,
    reading: Reading,
    attempts: Attempts,
    *,
    count: bool,
    enter: Callable[[str], None] = lambda stage: None,
) -> Commit:
    """Return the commit after a server was read.

    With `count` the health record has the number of nodes of each status. `enter` is called as each stage
    begins, and may raise an error. Raises StoreError.
    """
    value = None
    if reading.pieces is not None:
        enter("encoded")
        value = snapshot.encode(reading.read_time, reading.server_state, reading.pieces)
    revision = _revision(value, stored.head)
    details, life, after = _keep_details(server, stored, reading, revision)
    sync = b""
    if reading.cache is not None:
        sync = sync_cache.encode(reading.cache._replace(revision=revision, kept_details=after))
    enter("counted")
    health = _after_attempts(server, stored.health, attempts)._replace(
        collected_time=reading.read_time,
        nodes=reading.nodes,
        server_version=reading.server_version or stored.health.server_version,
        mode=reading.mode,
        reason=reading.reason,
    )
    health = _counted(server, stored, reading, value, health, count=count)
    verify = verification_due(server, reading, health, attempts.time)
    if verify or not health.next_verification:
        share = 0.0 if verify else attempts.share  # soon again, if this run does not write its result
        health = health._replace(next_verification=next_verification(server, attempts.time, share))
    enter("compared")
    commit = _commit_reading(server, stored, reading, value, health, sync)
    update = commit.update._replace(details=details, details_life=life)
    return commit._replace(update=update, verify=verify)


def _keep_details(
    server: Server, stored: Stored, reading: Reading, revision: str
) -> tuple[DetailsUpdate | Literal["delete"] | None, DetailsLife, KeptDetails | None]:
    """Return the update of the details, of their expiry, and which are in the store after it.

    The sync cache says which details are stored. Without a sync cache, the server is read in full, and the
    store is asked. So each later run, which has a cache, knows which details are stored. Raises
    SnapshotChanged or StoreError.
    """
    signature, kept = server.details_signature, stored.kept_details
    if signature is None and kept is None and (reading.mode != "full" or not stored.may_have_details()):
        return None, "keep", None
    nothing_new = reading.mode != "full" and not (reading.changed and reading.changed.nodes)
    if nothing_new and signature is not None and kept and kept.revision == revision:
        after, life = kept.expiring(server.expire)
        return None, life, after
    if signature is None or (reading.mode == "full" and reading.base is None):
        return "delete", "keep", None
    from watchman_cli.details.stored import DetailsChanged, make_stamp

    stamp = make_stamp(revision, reading.read_time)
    if reading.base is not None:
        from watchman_cli.details.fields import replace_details

        return replace_details(signature, server.expire, stamp, reading.base)
    from watchman_cli.details.changed import change_details

    assert kept and stored.changed_details
    try:
        return change_details(server.expire, stamp, reading.changed, kept, stored.changed_details)
    except DetailsChanged as error:
        raise SnapshotChanged from error


def after_failure(server: Server, stored: Stored, error: ServerError, attempts: Attempts) -> Commit:
    """Return the commit after the last attempt failed: a health record alone."""
    health = _after_attempts(server, stored.health, attempts)
    health = health._replace(
        ok=False,
        stale_handle=attempts.connected and bool(server.suites),
        failures=stored.health.failures + 1,
        failing_since=stored.health.failing_since or health.checked_time,
        collected_time=stored.head.collected_time if stored.head else None,
        error=Failure(error.kind, str(error)),
        changes_kept=stored.changes_kept,
        reported_failure=report.while_failing(stored.health),
    )
    if stored.head is not None and not stored.is_counted:
        health = count_again(health, stored.head.revision, stored.snapshot, server.deadlines)
    if stored.rules is None:
        return _commit(server, health)
    from watchman_cli.health.judge import after_failed_run

    health = health._replace(
        notices=after_failed_run(stored.rules, health, server.report_after, attempts.time)
    )
    health, batch = _continue_stream(server, stored, health.checked_time, None, health)
    return _commit(server, health, batch=batch)


def after_verification(
    server: Server,
    stored: Stored,
    verification: Verification,
    theirs: BindingsReading | None,
    asked: datetime,
    *,
    count: bool,
) -> Commit:
    """Return the commit after the bindings read the server too, at the time `asked`, or could not.

    If the readings differ, the bindings' reading is written, now and in each run until incremental syncs are
    reset. Raises StoreError.
    """
    later = next_verification(server, asked, 1.0)
    health = stored.health._replace(verification=verification.summary, next_verification=later)
    if theirs is None:
        return _commit(server, health)
    health = health._replace(bindings_version=theirs.bindings.version)
    if verification.difference is None:
        return _commit(server, health)
    time = asked.isoformat(timespec="microseconds")
    reading = reading_of(theirs, time, verification.difference)
    value = snapshot.encode(time, reading.server_state, reading.pieces or ())
    health = health._replace(
        collected_time=time,
        mode=reading.mode,
        reason=reading.reason,
        disabled=Disabled(time, verification.difference),
    )
    health = _counted(server, stored, reading, value, health, count=count)
    commit = _commit_reading(server, stored, reading, value, health, b"")
    if server.details:  # the bindings do not read them
        commit = commit._replace(update=commit.update._replace(details="delete"))
    return commit


def after_report(server: Server, health: Health, *, lines: bool, failure: bool) -> Commit:
    """Return the commit after a written health record was reported: its `lines`, its `failure`, or both.

    It is reported after the record was written, and the record says so after the report. So the next run
    reports it if this one is killed in between.
    """
    if lines:
        health = with_misses_reported(health)
        health = health._replace(reported_failure=None) if health.ok else health
    return _commit(server, report.with_report(health) if failure else health)


def _commit_reading(
    server: Server, stored: Stored, reading: Reading, value: bytes | None, health: Health, sync: bytes
) -> Commit:
    """Return the commit of a reading with its changes; without `value`, it only sets the snapshot's time."""
    if stored.rules is not None:
        health = health._replace(notices=_judge(stored.rules, stored, reading, value, health))
    head = None if value is None else _head_of(value)
    health, batch = _continue_stream(server, stored, reading.read_time, head, health, reading)
    new_time = reading.read_time if value is None else None
    return _commit(server, health, value, batch, new_time=new_time, sync=sync)


def _judge(
    rules: Rules, stored: Stored, reading: Reading, value: bytes | None, health: Health
) -> Notices | None:
    """Return the server's notices after a reading; without `value`, the stored snapshot stays.

    Raises StoreError.
    """
    from watchman_cli.health.judge import after_good_run

    content = stored.snapshot if value is None else partial(bytes, value)
    revisions = _revision(None, stored.head), _revision(value, stored.head)
    return after_good_run(rules, health, reading.server_state, reading.changes, content, revisions)


def _continue_stream(
    server: Server,
    stored: Stored,
    time: str,
    new: Head | None,
    health: Health,
    reading: Reading | None = None,
) -> tuple[Health, Batch | None]:
    """Return the health record after the update's batch of changes, and the batch, or None.

    `new` is the head of a snapshot that was read at `time`, or None to keep the stored one. Raises
    StoreError.
    """
    if not (server.changes or stored.changes_kept):  # there is no stream
        return health._replace(changes_kept=False), None
    from watchman_cli.changes.stream import News, Stream

    stream = Stream(server.name, stored.head, stored.snapshot, stored.changes_kept)
    batch = None
    if server.changes:
        news = News(new_misses(stored.health, health), *new_causes(stored.health, health))
        pieces, changes = ((), None) if reading is None else (reading.pieces or (), reading.changes)
        batch = stream.continue_with(time, new, pieces, changes, news)
    kept = stream.leads_to(new, batch)
    return health if kept == health.changes_kept else health._replace(changes_kept=kept), batch


def _counted(
    server: Server, stored: Stored, reading: Reading, value: bytes | None, health: Health, *, count: bool
) -> Health:
    """Return a health record with its counts and deadlines; without `value`, the stored snapshot's.

    Raises StoreError.
    """
    changes = reading.changes if stored.is_counted else None
    content = stored.snapshot if value is None else partial(bytes, value)
    health = with_counts(health, stored.health, changes, content, server.deadlines, count=count)
    revision = _revision(value, stored.head)
    return health if revision == health.counted_revision else health._replace(counted_revision=revision)


def _commit(
    server: Server,
    health: Health,
    value: bytes | None = None,
    batch: Batch | None = None,
    *,
    new_time: str | None = None,
    sync: bytes | None = None,
) -> Commit:
    """Return a commit from its parts: the new snapshot, the changes that led to it, and the sync cache."""
    update = Update(
        health=health_record.encode_repaired(health),
        snapshot=value,
        new_time=new_time,
        sync=sync,
        expire=server.expire,
        changes=batch,
        publish_snapshot=value is not None and server.publish == "snapshot",
    )
    end = report.describe_end(health)
    return Commit(update, health, (*([end] if end else ()), *describe_misses(health)))


def _head_of(value: bytes) -> Head:
    """Return the head of a new snapshot."""
    head = parse_head(value[:HEAD_SIZE])
    assert head
    return head


def _revision(value: bytes | None, head: Head | None) -> str:
    """Return the revision of the snapshot that an update leaves, or an empty string."""
    if value is not None:
        head = _head_of(value)
    return head.revision if head else ""


def _after_attempts(server: Server, previous: Health, attempts: Attempts) -> Health:
    """Return the health record after a success, without the reading's part."""
    return previous._replace(
        checked_time=attempts.time.isoformat(timespec="microseconds"),
        began_time=attempts.began.isoformat(timespec="microseconds") if attempts.began else None,
        ok=True,
        address=server.address,
        attempts=attempts.number,
        seconds=round(attempts.seconds, 3),
        requests=attempts.requests,
        disabled=attempts.disabled,
        stale_handle=False,
        error=None,
        failures=0,
        failing_since=None,
        reported_failure=report.at_end(previous),
    )
