"""Reads one server for a run: attempts and retries, by the protocol or by the bindings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from watchman_cli import retry, snapshot
from watchman_cli.bindings import BindingsFailed, BindingsMissing, BindingsReading, Referee
from watchman_cli.collect.access import access_of
from watchman_cli.collect.turns import SharedWork, Turns
from watchman_cli.collect.verify import SEVERAL_LINES
from watchman_cli.config import Server
from watchman_cli.ecflow_client import Client, EcflowError, Limits, NotUnderstood, TreeUnproved
from watchman_cli.errors import BadSnapshot, ServerError, StoreError
from watchman_cli.health import Health
from watchman_cli.store import Lease
from watchman_cli.store.directory.store import DirectoryStore
from watchman_cli.sync.handles import referee_mark
from watchman_cli.sync.plan import Plan, handle_marker, plan_sync
from watchman_cli.sync.reading import Reading, Scope
from watchman_cli.sync.session import SyncSession


@dataclass(frozen=True)
class Context:
    """What the servers of one run share.

    `cache` is a directory for sync caches of this host's own. With `count_nodes` the health records say how
    many nodes have each status. `on_warnings` reports lines at once, and returns whether standard error took
    them. `turns` are those of large replies.
    """

    store_url: str
    sync_cache: str
    cache: DirectoryStore | None
    referee: Referee
    reset_sync: bool
    count_nodes: bool
    stopped: threading.Event
    on_state: Callable[[Server, str], None]
    on_warnings: Callable[[Server, Sequence[str]], bool]
    turns: Turns


class ServerReader:
    """The attempts of one run at one server; `lease` is None in a dry run.

    `started` and `deadline` are a time.monotonic(), and `before` is what the health record said. `work` goes
    on after a reading is returned: the caller ends it.
    """

    def __init__(
        self,
        context: Context,
        server: Server,
        lease: Lease | None,
        started: float,
        deadline: float,
        before: Health,
    ) -> None:
        self._context, self._server, self._lease = context, server, lease
        self.deadline = deadline
        self.work = SharedWork(context.turns, started, deadline, server.deadline)
        self._before = before
        self.attempts = 0
        self.connected = False  # whether the server answered an attempt
        self.client = Client(access_of(server))
        self._marker = handle_marker(context.store_url, server.name)

    def read(self) -> Reading:
        """Return what the server holds, after as many attempts as are allowed. Raises ServerError."""
        return retry.call(self.attempt, self._is_transient, self._retry_options)

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
            | stop_before_delay(self.deadline - time.monotonic()),
            "wait": wait_exponential(multiplier=0.25, max=5) + wait_random(0, 0.5),
            "sleep": sleep_using_event(self._context.stopped),
            "before_sleep": before_sleep,
        }

    def _is_transient(self, error: BaseException) -> bool:
        return isinstance(error, ServerError) and error.transient and not self._context.stopped.is_set()

    def attempt(self, full_reason: str | None = None) -> Reading:
        """Read the server once. Raises ServerError."""
        self.attempts += 1
        again = f", attempt {self.attempts} of {self._server.attempts}" if self.attempts > 1 else ""
        self._on_state(f"waiting for an answer{again}")
        if self.connected:
            full_reason = full_reason or "an earlier attempt failed half-way"
        try:
            with ExitStack() as failing:
                failing.callback(self.work.end)
                reading = self._checked(self._read_once(full_reason))
                failing.pop_all()  # its work goes on
                return reading
        except BadSnapshot as error:
            raise ServerError("invalid snapshot", f"the snapshot is not valid: {error}") from error
        except EcflowError as error:
            raise ServerError(error.kind, str(error), transient=error.transient) from error

    def _checked(self, reading: Reading) -> Reading:
        """Return a reading whose records, if all of them were read, fit the schema.

        Raises BadSnapshot or TooSlow.
        """
        if reading.mode == "full":
            snapshot.check_records(reading.pieces or (), lambda: self.work.check("checked"))
        return reading

    def _read_once(self, full_reason: str | None) -> Reading:
        """Read the server with the reader that is to be used."""
        server, disabled = self._server, self.disabled
        if server.reader == "bindings":
            return self._read_with_bindings("the reader is the bindings")
        if disabled and server.reader == "auto":
            return self._read_with_bindings(f"incremental syncs are off: {disabled['reason']}")
        plan = self._plan()
        if full_reason:
            plan = plan._replace(reason=full_reason)
        last = self.attempts >= server.attempts
        first_by = self.deadline
        if not last:
            first_by = min(first_by, time.monotonic() + server.connect_timeout)
        session = self.session(first_by)
        try:
            try:
                return session.read(plan.cache, self.stored_snapshot, plan.reason)
            except (EcflowError, StoreError):
                raise
            except Exception:  # of what is stored, which may be anybody's: it is not used once more
                if plan.cache is None or plan.reason:
                    raise
                return session.read(None, self.stored_snapshot, "the sync cache could not be used")
        except NotUnderstood as error:
            if server.reader != "auto" or isinstance(error, TreeUnproved):
                raise
            return self._read_with_bindings(str(error), error)

    def session(self, first_by: float) -> SyncSession:
        """Return what makes the requests of one attempt, whose first answer must come by `first_by`."""
        limits = Limits(first_by, self.deadline, self._server.max_reply << 20, self.work)
        leased = self._lease is not None
        keep = leased and self._context.sync_cache != "off"
        scope = Scope(self._server.suites, self._marker, self._target, keep, leased)
        return SyncSession(self.client, limits, scope, self._on_answer)

    def _on_answer(self) -> None:
        self.connected = True
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
            except (StoreError, BadSnapshot):  # it only saves a full reading: nothing fails for it
                value = b""
        plan = plan_sync(value, self._lease.stored.head, self._target, datetime.now(timezone.utc))
        if self._context.reset_sync:
            # Of no target, so that its client handle is dropped, and not used once more.
            cache = plan.cache and replace(plan.cache, target=[])
            return Plan(cache, "incremental syncs were reset")
        return plan

    @property
    def _target(self) -> list[Any]:
        server = self._server
        return [server.host, server.port, server.user, *server.suites]

    @property
    def disabled(self) -> dict[str, str] | None:
        """Since when and why only the bindings' reading is written; None where it is not so."""
        return None if self._context.reset_sync else self._before.disabled

    def stored_snapshot(self) -> bytes:
        """Return the stored snapshot, or no bytes. Raises StoreError or TooSlow."""
        assert self._lease
        self.work.begin_merge(self._lease.stored.size)
        with self.work.interrupted():
            return self._lease.value("status") or b""

    def _read_with_bindings(self, reason: str, cause: EcflowError | None = None) -> Reading:
        """Read the server with the bindings, in full. Raises ServerError."""
        asked = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        self.work.end()
        try:
            found = self.ask_bindings()
        except BindingsMissing as error:
            if cause is not None:
                raise cause from error
            raise ServerError("bindings", str(error)) from error
        except BindingsFailed as error:
            if cause is not None:
                raise ServerError("protocol", f"{cause}; the bindings: {error}") from error
            raise ServerError(error.kind, str(error), transient=error.transient) from error
        if found.cut:
            raise ServerError("protocol", f"the bindings' reading is not proved: {SEVERAL_LINES}")
        return reading_of(found, asked, reason)

    def ask_bindings(self) -> BindingsReading:
        """Return a full reading by the bindings. Raises BindingsMissing or BindingsFailed."""
        return self._context.referee.read(
            self.client.access,
            self._server.suites,
            referee_mark(self._marker),
            self.deadline,
            self._before.server_version,
        )

    def _on_state(self, state: str) -> None:
        self._context.on_state(self._server, state)


def reading_of(found: BindingsReading, asked: str, reason: str) -> Reading:
    """Return the bindings' reading as one that can be written."""
    return Reading(
        mode="full",
        reason=reason,
        read_time=asked,
        server_state=found.server_state,
        server_version=found.server_version,
        nodes=len(found.records) - 1,
        pieces=(snapshot.join_records(found.records),),
        cache=None,
        up_since=None,
        vitals={},
        numbers=None,
    )
