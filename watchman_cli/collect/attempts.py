"""The attempts of a run at one server, by the protocol or by the bindings."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from watchman_cli import bindings, retry, snapshot
from watchman_cli.collect.result import Outcome, server_error
from watchman_cli.collect.turns import SharedWork, Turns
from watchman_cli.collect.verify import (
    MOVED,
    SEVERAL_LINES,
    Verification,
    compare,
    reading_of,
    with_details,
    without_details,
)
from watchman_cli.config import Server
from watchman_cli.ecflow_client import Access, Client, EcflowError, Limits, NotUnderstood, TreeUnproved
from watchman_cli.errors import BadSnapshot, ServerError, StoreError
from watchman_cli.health import Disabled, Health
from watchman_cli.store import Lease
from watchman_cli.sync.handles import referee_marker
from watchman_cli.sync.plan import Plan, handle_marker, plan_sync
from watchman_cli.sync.reading import Reading, Scope, StoredSnapshot
from watchman_cli.sync.session import SyncSession

if TYPE_CHECKING:  # imported only if the configuration has what needs them
    from watchman_cli.causes.model import Rules
    from watchman_cli.details import KeptDetails
    from watchman_cli.details.policy import Policy
    from watchman_cli.store.directory.store import DirectoryStore


class Context(NamedTuple):
    """The values that the servers of one run share.

    `cache_store` is a directory for this host's own sync caches. `count_nodes` puts the number of nodes of
    each status into the health records. `on_warnings` reports lines at once, and returns whether standard
    error took them. `on_failure` does the same with a failure. `referee` makes the referee when it is first
    called, and returns it. `turns` are for large replies.
    """

    store_url: str
    sync_cache: str
    cache_store: "DirectoryStore | None"
    referee: "Callable[[], bindings.Referee]"
    reset_sync: bool
    count_nodes: bool
    stopped: threading.Event
    on_progress: Callable[[Server, str], None]
    on_warnings: Callable[[Server, Sequence[str]], bool]
    on_failure: Callable[[Outcome], bool]
    turns: Turns
    rules: "Callable[[str], Rules] | None"  # how the causes of a server, by its name, are told


def policy_of(server: Server) -> "Policy":
    """Return which details of a server are kept, and which of them are masked."""
    from watchman_cli.details.policy import Policy

    return Policy(server.detail_kinds, server.secret_names)


def access_of(server: Server) -> Access:
    """Return the address of a server, and the user that asks it."""
    return Access(
        host=server.host,
        port=server.port,
        protocol=server.protocol,
        user=server.user,
        password=server.password,
        certificate=str(server.certificate) if server.certificate else None,
        tokens=str(server.tokens) if server.tokens else None,
    )


class ServerAttempts:
    """The attempts of one run at one server; `lease` is None in a dry run.

    `started` and `deadline` are a time.monotonic(), and `previous` is the stored health record. `work` goes
    on after a reading is returned: the caller ends it.
    """

    def __init__(
        self,
        context: Context,
        server: Server,
        lease: Lease | None,
        started: float,
        deadline: float,
        previous: Health,
    ) -> None:
        self._context, self._server, self._lease = context, server, lease
        self._deadline = deadline
        self.work = SharedWork(context.turns, started, deadline, server.deadline)
        self._previous = previous
        self.number = 0
        self.connected = False  # whether the server answered an attempt
        self.kept_details: KeptDetails | None = None  # that the run before left
        self.client = Client(access_of(server), with_lines=self._keeps_details)
        self._marker = handle_marker(context.store_url, server.name)

    def read(self) -> Reading:
        """Return the server's reading, after as many attempts as are allowed. Raises ServerError."""
        return retry.call(self.attempt, self._is_transient, self._retry_options)

    def _retry_options(self) -> Mapping[str, Any]:
        return retry.backing_off(
            self._server.attempts,
            self._deadline - time.monotonic(),
            self._context.stopped,
            lambda error: self._on_progress(f"{error}; retrying"),
        )

    def _is_transient(self, error: BaseException) -> bool:
        return isinstance(error, ServerError) and error.transient and not self._context.stopped.is_set()

    def attempt(self, full_reason: str | None = None) -> Reading:
        """Read the server once, in full if there is a reason for it. Raises ServerError."""
        self.number += 1
        again = f", attempt {self.number} of {self._server.attempts}" if self.number > 1 else ""
        self._on_progress(f"waiting for an answer{again}")
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
            raise server_error(error) from error

    def _checked(self, reading: Reading) -> Reading:
        """Return a reading whose records, if all of them were read, fit the schema.

        Raises BadSnapshot or TooSlow.
        """
        if reading.mode == "full":
            snapshot.check_records(reading.pieces or (), lambda: self.work.check("checked"))
        return reading

    def _read_once(self, full_reason: str | None) -> Reading:
        """Read the server by the protocol, or by the bindings if they are configured or needed."""
        server, disabled = self._server, self.disabled
        plan = self._plan()
        self.kept_details = plan.cache.kept_details if plan.cache else None
        if server.reader == "bindings":
            return self._read_with_bindings("the reader is the bindings")
        if disabled and server.reader == "auto":
            return self._read_with_bindings(f"incremental syncs are off: {disabled.reason}")
        if full_reason:
            plan = plan._replace(reason=full_reason)
        last = self.number >= server.attempts
        first_by = self._deadline
        if not last:
            first_by = min(first_by, time.monotonic() + server.connect_timeout)
        session = self._session(first_by)
        stored = StoredSnapshot(self.stored_snapshot, self._prove_snapshot, self._expect_details)
        try:
            try:
                return session.read(plan.cache, stored, plan.reason)
            except (EcflowError, StoreError):
                raise
            except Exception:  # by the stored values, which may be another program's: they are ignored
                if plan.cache is None or plan.reason:
                    raise
                return session.read(None, stored, "the sync cache could not be used")
        except NotUnderstood as error:
            if server.reader != "auto" or isinstance(error, TreeUnproved):
                raise
            return self._read_with_bindings(str(error), error)

    def _session(self, first_by: float) -> SyncSession:
        """Return a session for the requests of one attempt; the first answer must come by `first_by`."""
        limits = Limits(first_by, self._deadline, self._server.max_reply << 20, self.work)
        leased = self._lease is not None
        keep = leased and self._context.sync_cache != "off"
        policy = partial(policy_of, self._server) if self._keeps_details else None
        scope = Scope(self._server.suites, self._marker, self._target, keep, leased, policy)
        return SyncSession(self.client, limits, scope, self._on_answer)

    def _on_answer(self) -> None:
        self.connected = True
        self._on_progress("reading")

    def _plan(self) -> Plan:
        if self._lease is None:
            return Plan(None, "a dry run")
        if self._context.sync_cache == "off":
            return Plan(None, "sync_cache is off")
        value = self._lease.stored.sync
        if self._context.cache_store is not None:
            try:
                value = self._context.cache_store.value(self._server.name, "sync") or b""
            except (StoreError, BadSnapshot):  # without it the server is read in full
                value = b""
        details, now = self._server.details_signature, datetime.now(timezone.utc)
        plan = plan_sync(value, self._lease.stored.head, self._target, now, details)
        if self._context.reset_sync:
            # Without a target, so that its client handle is dropped and not used.
            cache = plan.cache and plan.cache._replace(target=[])
            return Plan(cache, "incremental syncs were reset")
        return plan

    @property
    def _keeps_details(self) -> bool:
        return self._lease is not None and self._server.details

    @property
    def _target(self) -> list[Any]:
        server = self._server
        return [server.host, server.port, server.user, *server.suites]

    @property
    def disabled(self) -> Disabled | None:
        """Why only the bindings' reading is written, or None."""
        return None if self._context.reset_sync else self._previous.disabled

    def stored_snapshot(self) -> bytes:
        """Return the stored snapshot, or no bytes. Raises StoreError or TooSlow."""
        with self._merging() as lease:
            return lease.value("status") or b""

    def _prove_snapshot(self, revision: str) -> snapshot.Head:
        """Prove that the stored snapshot has this revision. Raises NotWhole, StoreError or TooSlow."""
        with self._merging() as lease:
            return lease.prove(revision)

    def _expect_details(self, paths: Sequence[str]) -> None:
        assert self._lease
        self._lease.expect_details(paths)

    @contextmanager
    def _merging(self) -> Iterator[Lease]:
        """Begin to work on the stored snapshot, and wait for the store within the context. Raises TooSlow."""
        assert self._lease
        self.work.begin_merge(self._lease.stored.size)
        with self.work.interrupted():
            yield self._lease

    def _read_with_bindings(self, reason: str, cause: EcflowError | None = None) -> Reading:
        """Read the server with the bindings, in full. Raises ServerError."""
        asked = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        self.work.end()
        try:
            theirs = self._ask_bindings()
        except bindings.BindingsMissing as error:
            if cause is not None:
                raise cause from error
            raise ServerError("bindings", str(error)) from error
        except bindings.BindingsFailed as error:
            if cause is not None:
                raise ServerError("protocol", f"{cause}; the bindings: {error}") from error
            raise ServerError(error.kind, str(error), transient=error.transient) from error
        if theirs.cut:
            raise ServerError("protocol", f"the bindings' reading is not proved: {SEVERAL_LINES}")
        return reading_of(theirs, asked, reason)

    def _ask_bindings(self, *, with_lines: bool = False) -> "bindings.BindingsReading":
        """Return a full reading by the bindings. Raises BindingsMissing or BindingsFailed."""
        return self._context.referee().read(
            self.client.access,
            self._server.suites,
            referee_marker(self._marker),
            self._deadline,
            self._previous.server_version,
            with_lines=with_lines,
        )

    def verify(self, reading: Reading) -> "tuple[Verification, bindings.BindingsReading | None]":
        """Have the bindings read the server, and compare what is stored, which is from `reading`.

        Return None in place of the bindings' reading if it was not compared.
        """
        try:
            theirs = self._ask_bindings(with_lines=self._keeps_details)
            return self._compare(reading, theirs), theirs
        except (
            bindings.BindingsMissing,
            bindings.BindingsFailed,
            EcflowError,
            BadSnapshot,
            StoreError,
        ) as error:
            return Verification(f"not verified: {error}"), None

    def _compare(self, reading: Reading, theirs: "bindings.BindingsReading") -> Verification:
        """Compare what is stored with the bindings' reading. Raises EcflowError or StoreError."""
        changed: set[str] | None = set()
        assert reading.numbers is not None
        session = self._session(self._deadline)
        if theirs.numbers != reading.numbers:
            changed = session.changed_since(reading.numbers, reading.cache)
        if changed is None:
            return Verification(f"not verified: {MOVED}")
        stored = self.stored_snapshot()
        self.work.check("compared")
        ours = snapshot.decode(stored).records
        self.work.check()
        verification = compare(ours, theirs.records, changed, theirs.cut)
        if verification.is_equal and self._keeps_details:
            assert self._lease
            try:
                found = self._lease.details(None, None)
            except StoreError as error:
                return without_details(verification, error)
            policy = policy_of(self._server)
            verification = with_details(verification, found, stored, theirs, changed, policy, self.work)
        if verification.difference and session.has_several_lines(reading.cache):
            return Verification(f"not verified: {SEVERAL_LINES}")
        return verification

    def _on_progress(self, progress: str) -> None:
        self._context.on_progress(self._server, progress)
