"""One run: every server read once, at the same time, within its deadline, and its snapshot written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson

from watchman_cli import health, retry, snapshot
from watchman_cli.bindings import script as probe
from watchman_cli.bindings.supervisor import Attempt, Probes
from watchman_cli.config import Config, Server
from watchman_cli.errors import BadSnapshot, ServerError, StoreError, WatchmanError
from watchman_cli.snapshot import Change, DoesNotFit, Piece
from watchman_cli.store import Lease, LeaseLost, SnapshotChanged, Store, Update
from watchman_cli.store.directory import DirectoryStore
from watchman_cli.sync import cache as memory
from watchman_cli.sync.cache import Memory, Shape

GRACE = 0.5  # seconds beyond its deadline after which a thread is given up, whatever holds it
RESERVE = 1.0  # seconds of a deadline kept for telling the store of a failure, a tenth at most

Listener = Callable[[Server, str], None]
Patched = tuple[list[Piece], dict[int, str | None]]  # a snapshot's new records, and the shape's new tails


@dataclass(frozen=True)
class Outcome:
    """What a run did with one server.

    `result` is written, skipped (another run is reading it), failed (the server was not read),
    lost (it was read, or was to be, and the store did not take it) or interrupted.
    """

    server: Server
    result: str
    seconds: float = 0.0
    attempts: int = 0
    error: WatchmanError | None = None
    kept: str | None = None  # when the snapshot that stays in the store was collected
    report: dict[str, Any] | None = None  # the probe's, of a reading
    snapshot: bytes | None = None  # in a dry run
    warning: str | None = None


@dataclass(frozen=True)
class Reading:
    """What a probe found: a whole snapshot, or that the one in the store needs only a new time."""

    report: dict[str, Any]
    snapshot: bytes | None = None
    touch: str | None = None
    sync: bytes | None = None
    difference: str | None = None  # between the incremental and the full reading


class Run:
    """One run over `servers`; `store` is None in a dry run. Raises StoreError if it can't be reached."""

    def __init__(
        self,
        config: Config,
        servers: Sequence[Server],
        store: Store | None,
        probes: Probes,
        *,
        jobs: int,
        listener: Listener = lambda server, state: None,
        reset_sync: bool = False,
    ) -> None:
        self.config = config
        self.servers = servers
        self.store = store
        self.probes = probes
        self.jobs = jobs
        self.tell = listener
        self.reset_sync = reset_sync
        self.stopped = threading.Event()
        self.given_up = False  # whether a thread was left behind that waits for the store
        self._started: dict[str, float] = {}
        self._pending: set[Future[None]] = set()
        own = config.sync_cache.startswith("/")
        self._cache = DirectoryStore(Path(config.sync_cache)) if own else None

    def outcomes(self, done: Callable[[Outcome], None]) -> list[Outcome]:
        """Read every server, calling `done` with each outcome as it comes; return them all."""
        found: list[Outcome] = []
        lock = threading.Lock()

        def read_in_turn(servers: Sequence[Server]) -> None:
            for server in servers:  # entries of one address: never twice at once
                outcome = self._read_guarded(server)
                with lock:
                    if not self.given_up:
                        found.append(outcome)
                        done(outcome)

        groups: dict[str, list[Server]] = {}
        for server in self.servers:
            groups.setdefault(server.address, []).append(server)
        pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="watchman")
        self._pending = {pool.submit(read_in_turn, group) for group in groups.values()}
        while self._pending and not self._overdue():
            finished, self._pending = wait(self._pending, timeout=0.2, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
        with lock:
            self.given_up = bool(self._pending)
        pool.shutdown(wait=not self.given_up, cancel_futures=True)
        told = {outcome.server.name for outcome in found}
        for server in self.servers:
            if server.name not in told:
                error = StoreError("the store did not answer by the deadline")
                found.append(Outcome(server, "lost", server.deadline, error=error))
                done(found[-1])
        return found

    def _overdue(self) -> bool:
        """Whether every server still being worked on is past its deadline: the store hangs."""
        now = time.monotonic()
        started = self._started.copy()  # which the threads change
        ends = [started[s.name] + s.deadline + GRACE for s in self.servers if s.name in started]
        return bool(ends) and all(now > end for end in ends)

    def stop(self, limit: float) -> None:
        """End the run at once: kill every probe, and have no thread begin anything new.

        The threads have at most `limit` seconds to give their leases back.
        """
        self.stopped.set()
        self.probes.stop()
        end = time.monotonic() + limit
        while self._started and time.monotonic() < end:  # no future: it may not be kept yet
            time.sleep(0.005)

    # ---------------------------------------------------------------------------- one server

    def _read_guarded(self, server: Server) -> Outcome:
        begun = time.monotonic()
        self._started[server.name] = begun
        try:
            if self.stopped.is_set():
                return Outcome(server, "interrupted")
            return self._read_server(server, begun)
        except StoreError as error:
            return Outcome(server, "lost", time.monotonic() - begun, error=error)
        except Exception as error:  # a mistake of ours over one server must not cost the others
            unexpected = ServerError("server", f"unexpected {type(error).__name__}: {error}")
            return Outcome(server, "failed", time.monotonic() - begun, error=unexpected)
        finally:
            self._started.pop(server.name, None)

    def _read_server(self, server: Server, begun: float) -> Outcome:
        deadline = begun + server.deadline
        self.tell(server, "waiting for the store")
        if self.store is None:
            return Attempts(self, server, None, begun).outcome()
        lease = self.store.lease(server.name, deadline)
        if lease is None:
            return Outcome(server, "skipped", time.monotonic() - begun)
        with lease:
            return Attempts(self, server, lease, begun).outcome()

    def remembered(self, lease: Lease, server: Server, whole: bool = False) -> bytes:
        """What an earlier run left to sync from, its beginning or the whole; empty where nothing."""
        if self._cache is not None:
            try:
                value = self._cache.value(server.name, "sync") or b""
            except StoreError:  # it is there to spare a full sync, and nothing fails for it
                value = b""
            return value if whole else value[: memory.HEAD_SIZE]
        if not self.kept_in_store:
            return b""
        return lease.stored.sync if whole else lease.stored.sync[: memory.HEAD_SIZE]

    @property
    def kept_in_store(self) -> bool:
        """Whether what is remembered between runs is kept with the snapshots."""
        return self.config.sync_cache == "store"

    def remember(self, server: Server, sync: bytes) -> None:
        """Keep what the next run may sync from in the directory for it. Raises StoreError."""
        if self._cache is not None:
            self._cache.check(0)
            self._cache.put(server.name, "sync", sync)


class Attempts:
    """The attempts of one run at one server."""

    def __init__(self, run: Run, server: Server, lease: Lease | None, begun: float) -> None:
        self.run, self.server, self.lease, self.begun = run, server, lease, begun
        self.deadline = begun + server.deadline
        self.read_by = self.deadline - min(RESERVE, server.deadline / 10)
        self.count = 0
        self.answered = False  # whether the server answered an attempt, which then failed
        self.left_handle = False
        self.warning: str | None = None
        earlier = lease.stored if lease else None
        self.before = health.decode(earlier.health if earlier else None)
        self.kept = earlier.head.collected_time if earlier and earlier.head else self.before.collected_time

    def outcome(self) -> Outcome:
        """Read the server, write what was found or that it failed, and say what was done."""
        try:
            reading = self._read()
        except ServerError as error:
            return self._failed(error)
        if self.lease is None:
            return self._outcome("written", report=reading.report, snapshot=reading.snapshot)
        self.run.tell(self.server, "writing")
        try:
            try:
                self._write(reading)
            except SnapshotChanged:
                reading = self._attempt("the snapshot in the store was changed by another hand")
                self._write(reading)
        except LeaseLost:
            return self._outcome("skipped", report=reading.report)
        except ServerError as error:
            return self._failed(error)
        except StoreError as error:
            return self._outcome("lost", error=error, report=reading.report)
        warning = reading.difference or self.warning
        return self._outcome("written", report=reading.report, warning=warning)

    def _read(self) -> Reading:
        return retry.call(self._attempt, self._worth_another, self._patience)

    def _patience(self) -> dict[str, Any]:
        """How often and how soon the server is asked again."""
        from tenacity import (
            RetryCallState,
            sleep_using_event,
            stop_after_attempt,
            stop_before_delay,
            wait_exponential,
            wait_random,
        )

        def retrying(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            self.run.tell(self.server, f"{error}; trying again")

        return {
            "stop": stop_after_attempt(self.server.attempts)
            | stop_before_delay(self.read_by - time.monotonic()),
            "wait": wait_exponential(multiplier=0.25, max=5) + wait_random(0, 0.5),
            "sleep": sleep_using_event(self.run.stopped),
            "before_sleep": retrying,
        }

    def _worth_another(self, error: BaseException) -> bool:
        return isinstance(error, ServerError) and error.transient and not self.run.stopped.is_set()

    def _attempt(self, why_full: str | None = None) -> Reading:
        self.count += 1
        again = f", attempt {self.count} of {self.server.attempts}" if self.count > 1 else ""
        self.run.tell(self.server, f"waiting for an answer{again}")
        if self.answered:
            why_full = why_full or "an earlier attempt failed half-way"
        try:
            return self._ask(why_full)
        except BadSnapshot as error:
            raise ServerError("invalid snapshot", f"the snapshot is not valid: {error}") from error
        except ServerError as error:
            self.left_handle = self.left_handle or error.kind in ("no answer", "crashed")
            raise

    def _ask(self, why_full: str | None) -> Reading:
        known, why, compare = self._memory()
        if why_full:
            known, why, compare = None, why_full, False
        job = {
            "host": self.server.host,
            "port": int(self.server.port),
            "ssl": self.server.protocol == "ssl",
            "user": self.server.user,
            "password": self.server.password,
            "suites": self.server.suites,
            "marker": self._marker,
            "patience": max(1.0, self.read_by - time.monotonic()),
            "memory": memory.fields(known) if known else None,
            "why_full": why,
            "compare": compare,
            "remember": self._remembers,
            "nodes": self.before.nodes or 0,
            "left_handle": self.left_handle or self.before.left_handle,
        }
        received = Received()
        with self.run.probes.attempt(job, self.read_by) as attempt:
            last = self.count >= self.server.attempts
            soon = time.monotonic() + self.server.connect_timeout
            first_by = self.read_by if last else min(self.read_by, soon)
            for kind, payload in attempt.frames(first_by):
                if kind == probe.ANSWERED:
                    self.answered = True
                    self.run.tell(self.server, "reading")
                elif kind == probe.WANT_SKELETON:
                    assert known
                    attempt.send_verdict(self._skeleton_sent(attempt, known, received))
                elif kind == probe.CHANGES:
                    received.patched = self._patched(payload, received)
                    attempt.send_verdict(received.patched is not None)
                else:
                    received.take(kind, payload)
        return self._reading(received, known)

    # ------------------------------------------------------------- what an earlier run left

    @property
    def _marker(self) -> str:
        """What tells this server's client handles in ecFlow from those of any other watchman."""
        store = self.run.config.store.rpartition("@")[2]  # it goes to ecFlow: no password
        whose = f"{store} {self.server.name}"
        return f"watchman_{memory.digest(whose.encode())[:16]}"

    @property
    def _remembers(self) -> bool:
        return self.lease is not None and self.run.config.sync_cache != "off"

    def _memory(self) -> tuple[Memory | None, str | None, bool]:
        """What can be synced from, why nothing can, and whether to compare both ways."""
        if self.lease is None:
            return None, "a dry run", False
        if self.run.config.sync_cache == "off":
            return None, "sync_cache is off", False
        if self.run.reset_sync:
            return None, "incremental syncs were reset", False
        if self.before.off:
            return None, f"incremental syncs are off: {self.before.off['why']}", False
        decoded = memory.decode_head(self.run.remembered(self.lease, self.server))
        if decoded is None:
            return None, "nothing usable is remembered", False
        known, _ = decoded
        head = self.lease.stored.head
        if head is None or head.revision != known.revision:
            return None, "the snapshot in the store is not the one remembered", False
        if known.bindings != self.run.probes.bindings_by(self.read_by).version:
            return None, "the bindings' version differs", False
        if known.target != self._target():
            return None, "the server's address, user or suites differ", False
        age = known.age(datetime.now(timezone.utc))
        if not 0 <= age < self.server.full_sync_every:
            return known, "it is time for a full sync" if age >= 0 else "the clock was set back", True
        return known, None, False

    def _target(self) -> list[Any]:
        return [self.server.host, int(self.server.port), self.server.user, *self.server.suites]

    def _shape(self, known: Memory) -> Shape | None:
        """The remembered shape; None where it is damaged."""
        assert self.lease
        value = self.run.remembered(self.lease, self.server, whole=True)
        decoded = memory.decode_head(value)
        if decoded is None or decoded[0] != known:
            return None
        return memory.decode_shape(value[decoded[1] :], known)

    def _skeleton_sent(self, attempt: Attempt, known: Memory, received: Received) -> bool:
        """Send what the probe restores, and say whether it was whole: what it is made of may be damaged."""
        try:
            attempt.send_skeleton(self._skeleton(known, received))
        except DoesNotFit:
            return False
        return True

    def _skeleton(self, known: Memory, received: Received) -> Iterator[bytes]:
        received.known_shape = self._shape(known)
        if received.known_shape is None:
            raise DoesNotFit("what is remembered is damaged")
        yield known.header.encode()
        yield from memory.skeleton(self._stored(received), known.revision, received.known_shape)
        yield b"enddef\n"

    def _stored(self, received: Received) -> bytes:
        """The snapshot in the store, asked for once."""
        if received.stored is None:
            assert self.lease
            received.stored = self.lease.value("status") or b""
        return received.stored

    # ---------------------------------------------------------------- what the probe found

    def _reading(self, received: Received, known: Memory | None) -> Reading:
        report = received.report
        time_read, state = report["collected_time"], report["server_state"]
        if report["way"] == "unchanged":
            return Reading(report, touch=time_read)
        shape = received.shape
        if received.pieces:
            value = snapshot.compose(time_read, state, received.pieces)
        else:
            assert received.patched and received.known_shape
            pieces, tails = received.patched
            value = snapshot.compose(time_read, state, pieces)
            shape = received.known_shape.changed(tails)
        head = snapshot.head_of(value)
        assert head
        difference = self._difference(received, value, state) if report["way"] == "full" else None
        sync = b""
        if shape and not difference:
            sync = self._new_memory(report, known, head.revision, shape.encode())
        earlier = self.lease.stored.head if self.lease else None
        if earlier and earlier.revision == head.revision and not difference:
            return Reading(report, touch=time_read, sync=sync)
        return Reading(report, snapshot=value, sync=sync, difference=difference)

    def _patched(self, payload: bytes, received: Received) -> Patched | None:
        """The snapshot that is in the store, with a probe's changes put in; None if they do not fit."""
        changes = [
            Change(each["path"], each["status"], each.get("tail"), tuple(each["children"]))
            for each in orjson.loads(payload)
        ]
        if changes:
            records = [{"path": change.path, "status": change.status} for change in changes]
            snapshot.check_records(orjson.dumps(records)[1:-1])
        try:
            return snapshot.patch(self._stored(received), changes)
        except DoesNotFit as error:
            self.run.tell(self.server, f"reading every node: {error}")
            return None

    def _difference(self, received: Received, full: bytes, state: str) -> str | None:
        """Where the incremental reading differs from the full one, where both were made."""
        if not received.compared and not received.patched:
            return None
        pieces = received.compared or (received.patched and received.patched[0]) or []
        incremental = snapshot.compose(received.report["collected_time"], state, pieces)
        if incremental == full:
            received.report["compared"] = "equal, node by node"
            return None
        return f"an incremental sync differs from a full one: {snapshot.first_difference(incremental, full)}"

    def _new_memory(self, report: dict[str, Any], known: Memory | None, revision: str, shape: bytes) -> bytes:
        full_time = report["collected_time"] if report["way"] == "full" or not known else known.full_time
        return memory.encode(
            Memory(
                boot=report["boot"],
                stats=report["stats"],
                header=report["header"],
                structure=report["structure"],
                nodes=report["nodes"],
                revision=revision,
                bindings=self.run.probes.bindings.version,
                target=self._target(),
                full_time=full_time,
                shape_digest=memory.digest(shape),
            ),
            shape,
        )

    # --------------------------------------------------------------------------- the store

    def _write(self, reading: Reading) -> None:
        assert self.lease
        record = self._health(reading)
        if reading.sync is not None:
            try:
                self.run.remember(self.server, reading.sync)
            except StoreError as error:
                self.warning = f"sync_cache: {error}; the next run makes a full sync"
        self.lease.commit(
            Update(
                health=health.encode(record),
                snapshot=reading.snapshot,
                new_time=reading.touch if reading.snapshot is None else None,
                sync=reading.sync if self.run.kept_in_store else None,
                expire=self.server.expire,
            )
        )

    def _failed(self, error: ServerError) -> Outcome:
        if self.run.stopped.is_set():
            return self._outcome("interrupted")
        if error.kind == "no answer":
            limit = f"no answer from {self.server.address} within {self.server.deadline:g} s"
            error = ServerError(error.kind, limit, detail=error.detail)
        if self.lease is not None:
            record = self._health(None, error)
            try:
                self.lease.commit(Update(health=health.encode(record), expire=self.server.expire))
            except (LeaseLost, SnapshotChanged):
                pass
        return self._outcome("failed", error=error)

    def _health(self, reading: Reading | None, error: ServerError | None = None) -> health.Health:
        report = reading.report if reading else {}
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        off = None if self.run.reset_sync else self.before.off
        if reading and reading.difference:
            off = {"since": now, "why": reading.difference}
        common = replace(
            self.before,
            checked_time=now,
            ok=error is None,
            attempts=self.count,
            seconds=round(time.monotonic() - self.begun, 3),
            bindings_version=self.run.probes.bindings_version,
            left_handle=self.left_handle and error is not None,
            off=off,
            requests=report.get("requests"),
        )
        if error is not None:
            return replace(
                common,
                failures=self.before.failures + 1,
                failing_since=self.before.failing_since or now,
                collected_time=self.kept,
                error={"kind": error.kind, "message": str(error), "detail": error.detail},
            )
        return replace(
            common,
            failures=0,
            failing_since=None,
            collected_time=report["collected_time"],
            nodes=report["nodes"],
            server_version=report.get("boot", {}).get("version") or self.before.server_version,
            error=None,
            way=report["way"],
            why=report["why"],
            compared=report.get("compared"),
        )

    def _outcome(self, result: str, **more: Any) -> Outcome:
        taken = time.monotonic() - self.begun
        return Outcome(self.server, result, taken, self.count, kept=self.kept, **more)


class Received:
    """What a probe has sent so far, each part of the records checked as it came."""

    def __init__(self) -> None:
        self.report: dict[str, Any] = {}
        self.pieces: list[Piece] = []
        self.compared: list[Piece] = []
        self.patched: Patched | None = None
        self.shape: Shape | None = None
        self.stored: bytes | None = None  # the snapshot in the store, and the shape remembered of it
        self.known_shape: Shape | None = None

    def take(self, kind: bytes, payload: bytes) -> None:
        """Take one frame. Raises BadSnapshot where its records are not valid."""
        if kind in (probe.RECORDS, probe.COMPARED):
            snapshot.check_records(payload)
            pieces = self.pieces if kind == probe.RECORDS else self.compared
            pieces += (b",", payload) if pieces else (payload,)
        elif kind == probe.SHAPE:
            self.shape = memory.shape_of(orjson.loads(payload))
        elif kind == probe.DONE:
            self.report = orjson.loads(payload)
