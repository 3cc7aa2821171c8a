"""One server's part of a run: read it, write what was found or that it failed, and verify it now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from watchman_cli import health, snapshot
from watchman_cli.bindings import BindingsFailed, BindingsMissing, BindingsReading
from watchman_cli.collect.details import NodeDetails, count_again
from watchman_cli.collect.previous import warnings_of
from watchman_cli.collect.reading import Context, ServerReader, reading_of
from watchman_cli.collect.result import Outcome, unexpected
from watchman_cli.collect.turns import SharedWork
from watchman_cli.collect.verify import (
    SEVERAL_LINES,
    Verification,
    compare,
    next_verification,
    verification_due,
)
from watchman_cli.config import Server
from watchman_cli.ecflow_client import EcflowError
from watchman_cli.errors import BadSnapshot, ServerError, StoreError
from watchman_cli.health import Health
from watchman_cli.store import Lease, LeaseLost, SnapshotChanged, Update
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.reading import Reading

if TYPE_CHECKING:
    from watchman_cli.changes.batch import Batch

LATE = 2.0  # seconds beyond a deadline that only a process which stood still can be
RESERVE = 1.0  # seconds of a deadline kept for writing to the store, a tenth at most
WRITE_SPEED = 50e6  # bytes of a large snapshot that a store takes in a second, at least


class ServerCollector:
    """One server's part of a run; `lease` is None in a dry run, `started` a time.monotonic()."""

    def __init__(self, context: Context, server: Server, lease: Lease | None, started: float) -> None:
        self._context, self._server, self._lease, self._started = context, server, lease, started
        self._phases: dict[str, float] = {}
        self._phase_began = started
        self._end_phase("lease")
        self._written: Health | None = None
        self.too_slow: ServerError | None = None  # why the server failed, if that is why
        self._before = health.salvage(lease.stored.health) if lease else Health()
        deadline = started + server.deadline - min(RESERVE, server.deadline / 10)
        self._reader = ServerReader(context, server, lease, started, deadline, self._before)
        head = lease.stored.head if lease else None
        self._kept = head.collected_time if head else None
        now = datetime.now(timezone.utc)
        self._warnings = list(warnings_of(self._before, self._kept, server.address, now))

    def run(self) -> Outcome:
        """Return what was done, once all of it is written. Raises StoreError."""
        try:
            return self._run()
        except StoreError:
            raise
        except EcflowError as error:
            return self._failed(ServerError(error.kind, str(error)))
        except Exception as error:  # a fault of ours over one server must not cost the others
            return self._failed(unexpected(error))
        finally:
            self.work.end()

    def _run(self) -> Outcome:
        try:
            reading = self._reader.read()
        except ServerError as error:
            self._end_phase("read")
            return self._failed(error)
        self._end_phase("read")
        if self._lease is None:
            value = snapshot.encode(reading.read_time, reading.server_state, reading.pieces or ())
            return self._outcome("written", reading, snapshot=value)
        self._on_state("writing")
        try:
            try:
                verified = self._write(self._lease, reading)
            except SnapshotChanged:
                reading = self._reader.attempt("the stored snapshot was changed by another writer")
                verified = self._write(self._lease, reading)
        except LeaseLost as error:
            return self._outcome("skipped", reading, skipped=str(error))
        except ServerError as error:
            return self._failed(error)
        except StoreError as error:
            return self._outcome("lost", reading, error=error)
        return self._outcome("written", reading, verification=verified)

    @property
    def work(self) -> SharedWork:
        """What is done with the server's replies."""
        return self._reader.work

    # ------------------------------------------------------------------------------ writing

    def _write(self, lease: Lease, reading: Reading) -> str | None:
        """Write a reading, and verify it where that is due; return what verifying gave."""
        work = self.work
        value, cache = None, b""
        revision = lease.stored.head.revision if lease.stored.head else ""
        if reading.pieces is not None:
            work.check("encoded")
            value = snapshot.encode(reading.read_time, reading.server_state, reading.pieces)
            head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
            assert head
            revision = head.revision
        if reading.cache is not None:
            cache = sync_cache.encode(replace(reading.cache, revision=revision))
        work.check("counted")
        content = value or self._reader.stored_snapshot
        record = self._with_details(self._health_of(reading), reading, content, revision)
        due = verification_due(self._server, reading, record)
        if not record.next_verification or due:
            record = replace(record, next_verification=next_verification(self._server, due))
        work.check("compared")
        batch = self._batch(lease, reading, value, record)
        record = self._with_changes(record, lease, value, batch)
        update = self._update(record, cache)
        update = replace(
            update,
            snapshot=value,
            new_time=reading.read_time if value is None else None,
            changes=batch,
            publish_snapshot=self._server.publish == "snapshot",
        )
        work.check("written")
        work.require(len(value or b"") / WRITE_SPEED)
        record = self._commit(lease, update, record, end=not due)
        self._end_phase("write")
        return self._verify(lease, reading, record) if due else None

    def _commit(self, lease: Lease, update: Update, record: Health, *, end: bool) -> Health:
        """Write an update with a health record, and report its misses; return the record as it is then.

        Raises what Lease.commit raises.
        """
        self.work.end()
        lines: list[str] = []
        if record.deadlines:
            from watchman_cli.collect import misses

            lines = misses.lines_of(record)
        lease.commit(update, end=end and not lines)
        self._written = record
        if lines and self._context.on_warnings(self._server, lines):
            record = misses.as_reported(record)
            try:
                lease.commit(self._update(record, None), end=end)
                self._written = record
            except (LeaseLost, SnapshotChanged, StoreError) as error:
                why = str(error) or "another run has taken over"
                self._warnings.append(f"the next run reports the missed deadline again: {why}")
        return self._written

    def _batch(self, lease: Lease, reading: Reading, value: bytes | None, record: Health) -> Batch | None:
        """Return the batch of an update's changes; None where they are not kept, or there is none."""
        if not self._server.changes:
            return None
        missed: tuple[str, ...] = ()
        if record.deadlines:
            from watchman_cli.collect.misses import missed_since

            missed = missed_since(self._written or self._before, record)
        if value is None and not missed:
            return None
        from watchman_cli.collect.changes import are_kept, batch_of

        kept = are_kept(self._written or self._before, lease.stored.head)
        return batch_of(
            self._server.name, lease, reading, value, missed, self._reader.stored_snapshot, kept=kept
        )

    def _with_changes(self, record: Health, lease: Lease, value: bytes | None, batch: Batch | None) -> Health:
        """Return a health record that says whether the stream of changes leads to its snapshot."""
        previous = self._written or self._before
        if batch is None and not previous.changes_kept:
            return replace(record, changes_kept=False)
        from watchman_cli.collect.changes import will_be_kept

        return replace(record, changes_kept=will_be_kept(previous, lease.stored.head, value, batch))

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
            health=health.encode(health.repaired(record)),
            sync=cache if in_store else None,
            expire=self._server.expire,
        )

    def _failed(self, error: ServerError) -> Outcome:
        self.too_slow = error if error.kind == "too slow" else None
        self.work.end()
        if self._context.stopped.is_set():
            return self._outcome("interrupted")
        if error.kind in ("no answer", "too slow"):
            limit = str(error)
            if error.kind == "no answer":
                limit = f"no answer from {self._server.address} within {self._server.deadline:g} s"
            late = time.monotonic() - self._started - self._server.deadline
            if late > LATE:
                limit = f"this run was stopped, or had no processor, until {late:.0f} s after its deadline"
            error = ServerError(error.kind, limit)
        if self._lease is not None:
            record = count_again(self._health(error), self._server, self._lease)
            record = self._with_changes(record, self._lease, None, None)
            try:
                self._commit(self._lease, self._update(record, None), record, end=True)
            except (LeaseLost, SnapshotChanged):
                pass
            finally:
                self._end_phase("write")
        return self._outcome("failed", error=error)

    # ---------------------------------------------------------------------------- verifying

    def _verify(self, lease: Lease, reading: Reading, record: Health) -> str:
        """Have the bindings read the server, compare, and write what that gave.

        Where both differ, the bindings' reading is written, now and in each run until incremental syncs
        are reset.
        """
        self._on_state("the bindings read it, too")
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        cache, value, batch = None, None, None
        try:
            theirs = self._reader.ask_bindings()
            verification = self._compare(lease, reading, theirs)
            record = replace(record, bindings_version=theirs.bindings.version)
        except (BindingsMissing, BindingsFailed, EcflowError, BadSnapshot) as error:
            verification = Verification(f"not verified: {error}")
        record = replace(record, verification=verification.summary)
        if verification.difference:
            self._warnings.append(verification.difference)
            instead = reading_of(theirs, now, verification.difference)
            value = snapshot.encode(now, instead.server_state, instead.pieces or ())
            cache = b""
            disabled = {"since": now, "reason": verification.difference}
            record = replace(
                record,
                collected_time=now,
                mode="full",
                reason=verification.difference,
                disabled=disabled,
            )
            head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
            assert head
            record = self._with_details(record, instead, value, head.revision)
            batch = self._batch(lease, instead, value, record)
            record = self._with_changes(record, lease, value, batch)
        whole = self._server.publish == "snapshot"
        update = self._update(record, cache)
        try:
            update = replace(update, snapshot=value, changes=batch, publish_snapshot=whole)
            self._commit(lease, update, record, end=True)
        except (LeaseLost, StoreError) as error:  # the snapshot itself was written before
            why = str(error) or "another run has taken over"
            self._warnings.append(f"what verifying gave was not written: {why}")
        return verification.summary

    def _compare(self, lease: Lease, reading: Reading, theirs: BindingsReading) -> Verification:
        """Compare what was written with the bindings' reading. Raises EcflowError."""
        changed: set[str] | None = set()
        assert reading.numbers is not None
        session = self._reader.session(self._reader.deadline)
        if theirs.numbers != reading.numbers:
            changed = session.changed_since(reading.numbers, reading.cache)
        if changed is None:
            return Verification("not verified: nodes were added, removed or moved meanwhile")
        stored = self._reader.stored_snapshot()
        self.work.check("compared")
        ours = snapshot.decode(stored).records
        self.work.check()
        verification = compare(ours, theirs.records, changed, theirs.cut)
        if verification.difference and session.has_several_lines(reading.cache):
            return Verification(f"not verified: {SEVERAL_LINES}")
        return verification

    # ------------------------------------------------------------------------------- reporting

    def _health(self, error: ServerError | None = None) -> Health:
        """Return the health record after a failure, or what it has in common with one of a success."""
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        record = replace(
            self._before,
            checked_time=now,
            ok=error is None,
            address=self._server.address,
            attempts=self._reader.attempts,
            seconds=round(time.monotonic() - self._started, 3),
            requests=self._reader.client.requests,
            disabled=self._reader.disabled,
            stale_handle=error is not None and self._reader.connected and bool(self._server.suites),
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
            self._reader.attempts,
            kept=self._kept,
            # Without its nodes: a run keeps the outcomes of all servers.
            reading=reading and replace(reading, pieces=None, cache=None, changes=None),
            requests=self._reader.client.requests,
            received=self._reader.client.received,
            warnings=tuple(self._warnings),
            phases=self._phases,
            health=self._written,
            **more,
        )

    def _with_details(
        self, record: Health, reading: Reading, value: bytes | Callable[[], bytes], revision: str
    ) -> Health:
        """Return a health record with what it says of the nodes, which are those of the snapshot `value`.

        `revision` is that of this snapshot.
        """
        head = self._lease.stored.head if self._lease else None
        previous = self._written or self._before
        details = NodeDetails(self._server, previous, reading, value, head.revision if head else None)
        counts = details.counts() if self._context.count_nodes else None
        return replace(record, counts=counts, deadlines=details.deadlines(), counted_revision=revision)

    def _end_phase(self, name: str) -> None:
        """Count the time since the last phase ended to this one."""
        now = time.monotonic()
        self._phases[name] = self._phases.get(name, 0.0) + now - self._phase_began
        self._phase_began = now

    def _on_state(self, state: str) -> None:
        self._context.on_state(self._server, state)
