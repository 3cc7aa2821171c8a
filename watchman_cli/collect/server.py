"""One server's part of a run: read it, decide what to write, commit that, and verify it now and then."""

from __future__ import annotations

import random
import time
from datetime import datetime, timezone

from watchman_cli import health, snapshot
from watchman_cli.collect import update as updates
from watchman_cli.collect.attempts import Context, ServerAttempts
from watchman_cli.collect.result import (
    Attempts,
    Commit,
    Outcome,
    Phases,
    Result,
    Stored,
    Told,
    explain_timeout,
    server_error,
    unexpected,
)
from watchman_cli.collect.turns import SharedWork
from watchman_cli.config import Server
from watchman_cli.ecflow_client import EcflowError
from watchman_cli.errors import ServerError, StoreError, WatchmanError
from watchman_cli.health import Health, report
from watchman_cli.health.interval import beginning
from watchman_cli.store import Lease, LeaseLost, SnapshotChanged, Update
from watchman_cli.sync.reading import Reading

RESERVE = 1.0  # seconds of a deadline kept for writing to the store, a tenth at most
NO_ANSWER_OF_STORE = "the store did not answer by the deadline"
LATE_VERIFICATION = "the verification's result was not written: it did not end by the deadline"
WRITE_SPEED = 50e6  # bytes of a large snapshot that a store takes in a second, at least


class ServerCollector:
    """One server's part of a run; `lease` is None in a dry run, `started` a time.monotonic()."""

    def __init__(self, context: Context, server: Server, lease: Lease | None, started: float) -> None:
        self._context, self._server, self._lease, self._started = context, server, lease, started
        self._phases = Phases(started)
        self._phases.end("lease")
        self._written: Health | None = None
        self._reading: Reading | None = None  # the one that is written
        self._lease_warnings = 0  # of the lease's warnings that were reported
        self._too_slow: ServerError | None = None  # the server's failure, if it is of this kind
        self._previous = health.salvage(lease.stored.health) if lease else Health()
        deadline = started + server.deadline - min(RESERVE, server.deadline / 10)
        self._attempts = ServerAttempts(context, server, lease, started, deadline, self._previous)
        self.work: SharedWork = self._attempts.work
        self._began = datetime.now(timezone.utc)
        self._warnings = list(health.warn_of_another(self._previous, self._kept, server.address, self._began))

    def run(self) -> Outcome:
        """Return the outcome, once all of it is written. Raises StoreError."""
        try:
            return self._run()
        except StoreError:
            raise
        except EcflowError as error:
            return self._failed(server_error(error))
        except Exception as error:  # a bug that one server shows must not cost the others
            return self._failed(unexpected(error))
        finally:
            self.work.end()

    def abandoned(self) -> Outcome:
        """Return the outcome if the thread is past its deadline and still runs, by what it has done."""
        if self._written is not None and self._written.ok:
            outcome = self._outcome("written", self._reading)
            return outcome._replace(warnings=(*outcome.warnings, LATE_VERIFICATION))
        if self._too_slow or self.work.is_underway:
            error = self._too_slow or ServerError("too slow", self.work.describe())
            return self._outcome("failed", error=error)
        return self._outcome("lost", self._reading, error=StoreError(NO_ANSWER_OF_STORE))

    def _run(self) -> Outcome:
        if self._lease is not None and self._server.min_interval:
            try:
                mark = Update(beginning(self._previous, self._began), expire=self._server.expire)
                self._lease.commit(mark, end=False)
            except LeaseLost as error:
                return self._outcome("skipped")._replace(skipped=str(error))
        try:
            reading = self._attempts.read()
        except ServerError as error:
            self._phases.end("read")
            return self._failed(error)
        self._phases.end("read")
        if self._lease is None:
            value = snapshot.encode(reading.read_time, reading.server_state, reading.pieces or ())
            return self._outcome("written", reading, value=value)
        self._on_progress("writing")
        try:
            try:
                verified = self._write(self._lease, reading)
            except SnapshotChanged:
                reading = self._attempts.attempt("the stored snapshot was changed by another writer")
                verified = self._write(self._lease, reading)
        except LeaseLost as error:
            return self._outcome("skipped", reading)._replace(skipped=str(error))
        except ServerError as error:
            return self._failed(error)
        except StoreError as error:
            return self._outcome("lost", reading, error=error)
        return self._outcome("written", reading, verification=verified)

    def _write(self, lease: Lease, reading: Reading) -> str | None:
        """Write a reading, and verify it if that is due; return the verification in words."""
        self._reading = reading
        work, stored = self.work, self._stored(lease)
        new = updates.after_reading(
            self._server, stored, reading, self._facts(), count=self._context.count_nodes, enter=work.check
        )
        work.check("written")
        work.require(len(new.update.snapshot or b"") / WRITE_SPEED)
        self._commit(lease, new, end=not new.verify)
        self._phases.end("write")
        return self._verify(lease, reading) if new.verify else None

    def _verify(self, lease: Lease, reading: Reading) -> str:
        """Have the bindings read the server too, and write the result; return it in words."""
        self._on_progress("the bindings read it, too")
        asked = datetime.now(timezone.utc)
        verification, theirs = self._attempts.verify(reading)
        if verification.difference:
            self._warnings.append(verification.difference)
        stored = self._stored(lease)
        try:
            new = updates.after_verification(
                self._server, stored, verification, theirs, asked, count=self._context.count_nodes
            )
            self._commit(lease, new, end=True)
        except (LeaseLost, StoreError, EcflowError) as error:  # the snapshot itself was written before
            why = str(error) or "another run has taken over"
            self._warnings.append(f"the verification's result was not written: {why}")
        return verification.summary

    def _failed(self, error: ServerError) -> Outcome:
        self._too_slow = error if error.kind == "too slow" else None
        self.work.end()
        if self._context.stopped.is_set():
            return self._outcome("interrupted")
        error = explain_timeout(error, self._server, time.monotonic() - self._started)
        told: Told = "untold"
        lease = self._lease
        if lease is not None:
            stored = self._stored(lease)._replace(snapshot=lambda: lease.value("status") or b"")
            new = updates.after_failure(self._server, stored, error, self._facts())
            due = report.is_due(new.health, self._server.report_after)
            told = "now" if due else "withheld"
            try:
                self._commit(lease, new, end=True, failure=error if due else None)
            except (LeaseLost, SnapshotChanged):
                told = "withheld"  # the run that has taken over reports
            finally:
                self._phases.end("write")
        return self._outcome("failed", error=error)._replace(told=told)

    def _commit(self, lease: Lease, new: Commit, *, end: bool, failure: ServerError | None = None) -> None:
        """Write an update, and report its lines and the failure.

        Raises LeaseLost, SnapshotChanged or StoreError.
        """
        self.work.end()
        to_report = bool(new.lines) or failure is not None
        lease.commit(self._place_cache(new.update), end=end and not to_report)
        self._written = new.health
        failed = failure is not None and self._report_failure(failure)
        lines = bool(new.lines) and self._context.on_warnings(self._server, new.lines)
        if not (failed or lines):
            return
        reported = updates.after_report(self._server, new.health, lines=lines, failure=failed)
        try:
            lease.commit(reported.update, end=end)
            self._written = reported.health
        except (LeaseLost, SnapshotChanged, StoreError) as error:
            why = str(error) or "another run has taken over"
            self._warnings.append(f"the next run reports this again: {why}")

    def _report_failure(self, error: ServerError) -> bool:
        """Report a failure and all warnings so far; return whether standard error took them."""
        outcome = self._outcome("failed", error=error)
        self._warnings.clear()
        self._lease_warnings = len(self._lease.warnings) if self._lease else 0
        return self._context.on_failure(outcome)

    def _place_cache(self, update: Update) -> Update:
        """Write an update's sync cache, unless it goes into the store; return the rest of the update."""
        if self._context.sync_cache == "store":
            return update
        if self._context.cache_store is not None and update.sync is not None:
            try:
                self._context.cache_store.check(0)
                self._context.cache_store.put(self._server.name, "sync", update.sync)
            except StoreError as error:
                self._warnings.append(f"sync_cache: {error}; the next run reads in full")
        return update._replace(sync=None)

    def _stored(self, lease: Lease) -> Stored:
        health = self._written or self._previous
        attempts = self._attempts
        return Stored(
            health,
            lease.stored.head,
            attempts.stored_snapshot,
            attempts.kept_details,
            lease.changed_details,
            lease.may_have_details,
            self._context.rules(self._server.name) if self._context.rules else None,
        )

    def _facts(self) -> Attempts:
        attempts = self._attempts
        return Attempts(
            time=datetime.now(timezone.utc),
            seconds=time.monotonic() - self._started,
            number=attempts.number,
            requests=attempts.client.requests,
            connected=attempts.connected,
            disabled=attempts.disabled,
            share=random.random(),  # so that servers take turns  # nosec B311 # it spreads the load
            began=self._began,
        )

    def _outcome(
        self,
        result: Result,
        reading: Reading | None = None,
        *,
        error: WatchmanError | None = None,
        verification: str | None = None,
        value: bytes | None = None,
    ) -> Outcome:
        warnings = (*self._warnings, *(self._lease.warnings[self._lease_warnings :] if self._lease else ()))
        return Outcome(
            self._server,
            result,
            time.monotonic() - self._started,
            self._attempts.number,
            error,
            self._kept,
            # Without its nodes: a run keeps the outcomes of all servers.
            reading=reading
            and reading._replace(pieces=None, cache=None, changes=None, base=None, changed=None),
            requests=self._attempts.client.requests,
            received=self._attempts.client.received,
            verification=verification,
            snapshot=value,
            warnings=warnings,
            phases=self._phases.seconds,
            health=self._written,
        )

    @property
    def _kept(self) -> str | None:
        """The time of the snapshot in the store, or an empty string; None in a dry run."""
        if self._lease is None:
            return None
        head = self._lease.stored.head
        return head.collected_time if head else ""

    def _on_progress(self, progress: str) -> None:
        self._context.on_progress(self._server, progress)
