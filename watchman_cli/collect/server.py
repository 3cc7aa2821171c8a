"""One server's part of a run: read it, write what was found or that it failed, and verify it now and then."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from watchman_cli import health, retry, snapshot
from watchman_cli.bindings import BindingsFailed, BindingsMissing, BindingsReading, Referee
from watchman_cli.collect.result import Outcome
from watchman_cli.collect.verify import Verification, compare
from watchman_cli.config import Server
from watchman_cli.ecflow_client import Access, Client, EcflowError, Limits, NotUnderstood
from watchman_cli.errors import BadSnapshot, ServerError, StoreError
from watchman_cli.health import Health
from watchman_cli.store import Lease, LeaseLost, SnapshotChanged, Update
from watchman_cli.store.directory import DirectoryStore
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.plan import Plan, handle_marker, plan_sync
from watchman_cli.sync.session import Reading, Scope, SyncSession

RESERVE = 1.0  # seconds of a deadline kept for writing to the store, a tenth at most


@dataclass(frozen=True)
class Context:
    """What the servers of one run share. `cache` is a directory for sync caches of this host's own."""

    store_url: str
    sync_cache: str
    cache: DirectoryStore | None
    referee: Referee
    reset_sync: bool
    stopped: threading.Event
    on_state: Callable[[Server, str], None]


class ServerCollector:
    """One server's part of a run; `lease` is None in a dry run, `started` a time.monotonic()."""

    def __init__(self, context: Context, server: Server, lease: Lease | None, started: float) -> None:
        self._context, self._server, self._lease, self._started = context, server, lease, started
        self._deadline = started + server.deadline
        self._read_deadline = self._deadline - min(RESERVE, server.deadline / 10)
        self._attempts = 0
        self._connected = False  # whether the server answered an attempt, which then failed
        self._client = Client(
            Access(
                host=server.host,
                port=server.port,
                protocol=server.protocol,
                user=server.user,
                password=server.password,
                certificate=str(server.certificate) if server.certificate else None,
                tokens=str(server.tokens) if server.tokens else None,
            )
        )
        self._marker = handle_marker(context.store_url, server.name)
        self._warnings: list[str] = []
        self._before = health.decode(lease.stored.health if lease else b"")
        head = lease.stored.head if lease else None
        self._kept = head.collected_time if head else None
        if self._before.address not in (None, server.address):
            self._warnings.append(
                f"the last run under this name read {self._before.address}, this one {server.address}: "
                "if nothing was reconfigured, two configurations use the name"
            )

    def run(self) -> Outcome:
        """Return what was done, once all of it is written."""
        try:
            reading = self._read()
        except ServerError as error:
            return self._failed(error)
        if self._lease is None:
            value = snapshot.encode(reading.read_time, reading.server_state, reading.pieces or ())
            return self._outcome("written", reading, snapshot=value)
        self._on_state("writing")
        try:
            try:
                verified = self._write(self._lease, reading)
            except SnapshotChanged:
                reading = self._attempt("the stored snapshot was changed by another writer")
                verified = self._write(self._lease, reading)
        except LeaseLost:
            return self._outcome("skipped", reading)
        except ServerError as error:
            return self._failed(error)
        except StoreError as error:
            return self._outcome("lost", reading, error=error)
        return self._outcome("written", reading, verification=verified)

    # ------------------------------------------------------------------------------ reading

    def _read(self) -> Reading:
        return retry.call(self._attempt, self._is_transient, self._retry_options)

    def _retry_options(self) -> dict[str, Any]:
        """Return how often and how soon the server is asked again."""
        from tenacity import (
            RetryCallState,
            sleep_using_event,
            stop_after_attempt,
            stop_before_delay,
            wait_exponential,
            wait_random,
        )

        def before_sleep(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            self._on_state(f"{error}; retrying")

        return {
            "stop": stop_after_attempt(self._server.attempts)
            | stop_before_delay(self._read_deadline - time.monotonic()),
            "wait": wait_exponential(multiplier=0.25, max=5) + wait_random(0, 0.5),
            "sleep": sleep_using_event(self._context.stopped),
            "before_sleep": before_sleep,
        }

    def _is_transient(self, error: BaseException) -> bool:
        return isinstance(error, ServerError) and error.transient and not self._context.stopped.is_set()

    def _attempt(self, full_reason: str | None = None) -> Reading:
        """Read the server once. Raises ServerError."""
        self._attempts += 1
        again = f", attempt {self._attempts} of {self._server.attempts}" if self._attempts > 1 else ""
        self._on_state(f"waiting for an answer{again}")
        if self._connected:
            full_reason = full_reason or "an earlier attempt failed half-way"
        try:
            return self._checked(self._read_once(full_reason))
        except BadSnapshot as error:
            raise ServerError("invalid snapshot", f"the snapshot is not valid: {error}") from error
        except EcflowError as error:
            raise ServerError(error.kind, str(error), transient=error.transient) from error

    def _read_once(self, full_reason: str | None) -> Reading:
        """Read the server with the reader that is to be used."""
        server, disabled = self._server, self._disabled
        if server.reader == "bindings":
            return self._read_with_bindings("the reader is the bindings")
        if disabled and server.reader == "auto":
            return self._read_with_bindings(f"incremental syncs are off: {disabled['reason']}")
        plan = self._plan()
        if full_reason:
            plan = replace(plan, reason=full_reason)
        last = self._attempts >= server.attempts
        first_by = self._read_deadline
        if not last:
            first_by = min(first_by, time.monotonic() + server.connect_timeout)
        limits = Limits(first_by, self._read_deadline, server.max_reply << 20)
        keep = self._lease is not None and self._context.sync_cache != "off"
        scope = Scope(server.suites, self._marker, self._target, keep)
        session = SyncSession(self._client, limits, scope, self._on_answer)
        try:
            return session.read(plan.cache, self._stored_snapshot, plan.reason)
        except NotUnderstood as error:
            if server.reader != "auto":
                raise
            return self._read_with_bindings(str(error), error)

    def _on_answer(self) -> None:
        self._connected = True
        self._on_state("reading")

    def _plan(self) -> Plan:
        if self._lease is None:
            return Plan(None, "a dry run")
        if self._context.sync_cache == "off":
            return Plan(None, "sync_cache is off")
        value = self._lease.stored.sync
        if self._context.cache is not None:
            try:
                value = self._context.cache.value(self._server.name, "sync") or b""
            except (StoreError, BadSnapshot):  # it is there to spare a full reading, and nothing fails for it
                value = b""
        plan = plan_sync(value, self._lease.stored.head, self._target, datetime.now(timezone.utc))
        if self._context.reset_sync:
            return replace(plan, reason="incremental syncs were reset")
        return plan

    @property
    def _target(self) -> list[Any]:
        server = self._server
        return [server.host, server.port, server.user, *server.suites]

    @property
    def _disabled(self) -> dict[str, str] | None:
        return None if self._context.reset_sync else self._before.disabled

    def _stored_snapshot(self) -> bytes:
        assert self._lease
        return self._lease.value("status") or b""

    def _read_with_bindings(self, reason: str, cause: EcflowError | None = None) -> Reading:
        """Read the server with the bindings, in full. Raises ServerError."""
        asked = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        try:
            found = self._ask_bindings(self._read_deadline)
        except BindingsMissing as error:
            if cause is not None:
                raise cause from error
            raise ServerError("bindings", str(error)) from error
        except BindingsFailed as error:
            if cause is not None:
                raise ServerError("protocol", f"{cause}; the bindings: {error}") from error
            raise ServerError(error.kind, str(error), transient=error.transient) from error
        return _reading_of(found, asked, reason)

    def _ask_bindings(self, deadline: float) -> BindingsReading:
        return self._context.referee.read(
            self._client.access,
            self._server.suites,
            f"{self._marker}_referee",
            deadline,
            self._before.server_version,
        )

    def _checked(self, reading: Reading) -> Reading:
        """Return a reading whose records fit the schema. Raises BadSnapshot."""
        if reading.pieces is None:
            return reading
        for piece in reading.pieces if reading.mode == "full" else ():
            snapshot.check_records(bytes(piece))
        return reading

    # ------------------------------------------------------------------------------ writing

    def _write(self, lease: Lease, reading: Reading) -> str | None:
        """Write a reading, and verify it where that is due; return what verifying gave."""
        value, cache = None, b""
        revision = lease.stored.head.revision if lease.stored.head else ""
        if reading.pieces is not None:
            value = snapshot.encode(reading.read_time, reading.server_state, reading.pieces)
            head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
            assert head
            revision = head.revision
        if reading.cache is not None:
            cache = sync_cache.encode(replace(reading.cache, revision=revision))
        record = self._health_of(reading)
        due = self._verification_due(reading, record)
        if not record.next_verification or due:
            record = replace(record, next_verification=self._next_verification(due))
        update = self._update(record, cache)
        update = replace(
            update,
            snapshot=value,
            new_time=reading.read_time if value is None else None,
        )
        lease.commit(update, end=not due)
        return self._verify(lease, reading, record) if due else None

    def _update(self, record: Health, cache: bytes | None) -> Update:
        """Return what is written of a health record and a sync cache; the latter goes where it is kept."""
        if self._context.cache is not None and cache is not None:
            try:
                self._context.cache.check(0)
                self._context.cache.put(self._server.name, "sync", cache)
            except StoreError as error:
                self._warnings.append(f"sync_cache: {error}; the next run reads in full")
        in_store = self._context.sync_cache == "store"
        return Update(
            health=health.encode(record),
            sync=cache if in_store else None,
            expire=self._server.expire,
        )

    def _failed(self, error: ServerError) -> Outcome:
        if self._context.stopped.is_set():
            return self._outcome("interrupted")
        if error.kind == "no answer":
            limit = f"no answer from {self._server.address} within {self._server.deadline:g} s"
            error = ServerError(error.kind, limit)
        if self._lease is not None:
            record = self._health(error)
            try:
                self._lease.commit(self._update(record, None))
            except (LeaseLost, SnapshotChanged):
                pass
        return self._outcome("failed", error=error)

    # ---------------------------------------------------------------------------- verifying

    def _verification_due(self, reading: Reading, record: Health) -> bool:
        """Return whether the bindings are to read the server too, in this run."""
        if self._server.reader != "auto" or reading.numbers is None or not record.next_verification:
            return False
        return datetime.now(timezone.utc) >= snapshot.parse_time(record.next_verification)

    def _next_verification(self, done: bool) -> str:
        """Return when the bindings read next: first anywhere in the interval, so that servers take turns."""
        wait = self._server.full_sync_every * (1.0 if done else random.random())
        return (datetime.now(timezone.utc) + timedelta(seconds=wait)).isoformat(timespec="seconds")

    def _verify(self, lease: Lease, reading: Reading, record: Health) -> str:
        """Have the bindings read the server, compare, and write what that gave.

        Where both differ, the bindings' reading is written, now and in each run until incremental syncs
        are reset.
        """
        self._on_state("the bindings read it, too")
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        cache, value = None, None
        try:
            theirs = self._ask_bindings(self._read_deadline)
            verification = self._compare(lease, reading, theirs)
            record = replace(record, bindings_version=theirs.bindings.version)
        except (BindingsMissing, BindingsFailed, EcflowError, BadSnapshot) as error:
            verification = Verification(f"not verified: {error}")
        record = replace(record, verification=verification.summary)
        if verification.difference:
            self._warnings.append(verification.difference)
            instead = _reading_of(theirs, now, verification.difference)
            value = snapshot.encode(now, instead.server_state, instead.pieces or ())
            cache = b""
            disabled = {"since": now, "reason": verification.difference}
            record = replace(
                record, collected_time=now, mode="full", reason=verification.difference, disabled=disabled
            )
        lease.commit(replace(self._update(record, cache), snapshot=value))
        return verification.summary

    def _compare(self, lease: Lease, reading: Reading, theirs: BindingsReading) -> Verification:
        """Compare what was written with the bindings' reading. Raises EcflowError."""
        changed: set[str] | None = set()
        assert reading.numbers is not None
        if theirs.numbers != reading.numbers:
            limits = Limits(self._read_deadline, self._read_deadline, self._server.max_reply << 20)
            scope = Scope(self._server.suites, self._marker, self._target, True)
            session = SyncSession(self._client, limits, scope, lambda: None)
            changed = session.changed_since(reading.numbers, reading.cache)
        if changed is None:
            return Verification("not verified: nodes were added, removed or moved meanwhile")
        ours = snapshot.decode(lease.value("status") or b"").records
        return compare(ours, theirs.records, changed)

    # ------------------------------------------------------------------------------- telling

    def _health(self, error: ServerError | None = None) -> Health:
        """Return the health record after a failure, or what it has in common with one of a success."""
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        record = replace(
            self._before,
            checked_time=now,
            ok=error is None,
            address=self._server.address,
            attempts=self._attempts,
            seconds=round(time.monotonic() - self._started, 3),
            requests=self._client.requests,
            disabled=self._disabled,
            stale_handle=error is not None and self._connected and bool(self._server.suites),
            error=None,
            failures=0,
            failing_since=None,
        )
        if error is None:
            return record
        return replace(
            record,
            failures=self._before.failures + 1,
            failing_since=self._before.failing_since or now,
            collected_time=self._kept,
            error={"kind": error.kind, "message": str(error)},
        )

    def _health_of(self, reading: Reading) -> Health:
        """Return the health record after a success."""
        return replace(
            self._health(),
            collected_time=reading.read_time,
            nodes=reading.nodes,
            server_version=reading.server_version or self._before.server_version,
            mode=reading.mode,
            reason=reading.reason,
        )

    def _outcome(self, result: str, reading: Reading | None = None, **more: Any) -> Outcome:
        if self._lease is not None:
            self._warnings += self._lease.warnings
        return Outcome(
            self._server,
            result,
            time.monotonic() - self._started,
            self._attempts,
            kept=self._kept,
            reading=reading,
            requests=self._client.requests,
            received=self._client.received,
            warnings=tuple(self._warnings),
            **more,
        )

    def _on_state(self, state: str) -> None:
        self._context.on_state(self._server, state)


def _reading_of(found: BindingsReading, asked: str, reason: str) -> Reading:
    """Return the bindings' reading as one that can be written."""
    records = b",".join(map(snapshot.encode_record, found.records))
    return Reading(
        mode="full",
        reason=reason,
        read_time=asked,
        server_state=found.server_state,
        server_version=found.server_version,
        nodes=len(found.records) - 1,
        pieces=(records,),
        cache=None,
        vitals={},
        numbers=None,
    )
