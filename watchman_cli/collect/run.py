"""One run: every server read once, at the same time, within its deadline, and its snapshot written."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from watchman_cli import health
from watchman_cli.collect.attempts import Context
from watchman_cli.collect.result import Outcome, unexpected
from watchman_cli.collect.server import NO_ANSWER_OF_STORE, ServerCollector
from watchman_cli.collect.threads import LOOK, Threads
from watchman_cli.collect.turns import Turns
from watchman_cli.config import Config, Server
from watchman_cli.errors import StoreError, print_error
from watchman_cli.health.interval import why_skipped
from watchman_cli.store import Lease, Store

if TYPE_CHECKING:
    from watchman_cli.bindings import Referee
    from watchman_cli.causes.model import Rules
    from watchman_cli.store.directory.store import DirectoryStore

GRACE = 0.5  # seconds beyond its deadline after which a thread is abandoned
GRACE_OF_WORK = 1.0  # the same for a thread that computes: it must still write that the server failed
STOOD_STILL = 2.0  # seconds between two looks at the deadlines after which the process must have been stopped
POLL = 0.2  # seconds between two looks at the deadlines


def _print_warnings(server: Server, lines: Sequence[str]) -> bool:
    for line in lines:
        print_error(f"{server.name}: {line}")
    return True


def _print_failure(outcome: Outcome) -> bool:
    print_error(f"{outcome.server.name}: {outcome.error}")
    return True


def _cache_store(config: Config) -> DirectoryStore | None:
    """Return the directory for this host's own sync caches, or None."""
    if not config.sync_cache.startswith("/"):
        return None
    from watchman_cli.store.directory.store import DirectoryStore

    return DirectoryStore(Path(config.sync_cache))


def _rules(config: Config, store: Store | None) -> Callable[[str], Rules] | None:
    """Return how the causes of a server, by its name, are told; None if they are not."""
    if config.notify is None or store is None:
        return None
    from watchman_cli.silences.quiet import rules_for

    return partial(rules_for, config.notify.rules, store.silences, config.maintenance)


class Collector:
    """One run over `servers`; `store` is None in a dry run.

    `on_progress` is called with a server's present step. `on_warnings` is called with lines that must be
    reported before the health record says that they were; it returns whether they were. `on_failure` is
    called with a failure for the same reason. All may be called from any thread. `reset_sync` ignores
    earlier runs' sync caches, and turns incremental syncs on again. `read_always` skips no server because it
    was read less than its `min_interval` ago.
    """

    def __init__(
        self,
        config: Config,
        servers: Sequence[Server],
        store: Store | None,
        *,
        jobs: int,
        on_progress: Callable[[Server, str], None] = lambda server, progress: None,
        on_warnings: Callable[[Server, Sequence[str]], bool] = _print_warnings,
        on_failure: Callable[[Outcome], bool] = _print_failure,
        reset_sync: bool = False,
        read_always: bool = False,
    ) -> None:
        self.servers = servers
        self.store = store
        self._jobs = jobs
        self._read_always = read_always
        self._stood_still = 0.0
        self._looked = time.monotonic()
        self._started: dict[str, float] = {}
        self._lock = threading.Lock()
        self._interpreter = config.ecflow_python
        self._made: Referee | None = None  # the referee, if a server needed it
        self._acquiring: set[str] = set()
        self._leases: dict[str, Lease] = {}
        self._collectors: dict[str, ServerCollector] = {}
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._context = Context(
            store_url=config.store.rpartition("@")[2],
            sync_cache=config.sync_cache,
            cache_store=_cache_store(config),
            referee=self._referee,
            reset_sync=reset_sync,
            count_nodes=config.metrics_file is not None,
            stopped=threading.Event(),
            on_progress=on_progress,
            on_warnings=on_warnings,
            on_failure=on_failure,
            turns=Turns(alone=len(servers) == 1),
            rules=_rules(config, store),
        )
        self.threads_missing = ""  # the reason if fewer threads than wanted were started

    def run(self, done: Callable[[Outcome], None]) -> list[Outcome]:
        """Read every server, and call `done` with each outcome as it comes; return them all."""
        groups: dict[str, list[Server]] = {}
        for server in self.servers:
            groups.setdefault(server.address, []).append(server)
        waiting: queue.SimpleQueue[list[Server]] = queue.SimpleQueue()
        for group in groups.values():
            waiting.put(group)
        threads = Threads(partial(self._work, waiting), min(self._jobs, len(groups)))
        threads.start(waiting.qsize())
        outcomes: dict[str, Outcome] = {}
        while len(outcomes) < len(self.servers) and not self._overdue(outcomes):
            threads.adjust(waiting.qsize(), self._context.turns.wanted)
            outcome = self._next_outcome(waiting)
            if outcome is None:
                continue
            threads.note_end()
            if self.interrupted:  # then its error may come from a lease that was released
                outcome = Outcome(outcome.server, "interrupted")
            outcomes[outcome.server.name] = outcome
            done(outcome)
        for server in self.servers:
            if server.name not in outcomes:
                outcomes[server.name] = self._abandoned(server)
                done(outcomes[server.name])
        self.threads_missing = threads.missing
        return list(outcomes.values())

    def _next_outcome(self, waiting: queue.SimpleQueue[list[Server]]) -> Outcome | None:
        """Return the next outcome, or None if no server has ended for a while.

        While servers are `waiting` for a thread, it is looked for now and then: a thread that is woken for
        each outcome takes Python's interpreter lock from the others.
        """
        is_last = waiting.empty()
        try:
            return self._outcomes.get(block=is_last, timeout=POLL)
        except queue.Empty:
            if not is_last:
                time.sleep(LOOK)
            return None

    def _abandoned(self, server: Server) -> Outcome:
        """Return the outcome for a server whose thread is past its deadline."""
        collector = self._collectors.get(server.name)
        if collector is not None:
            return collector.abandoned()
        return Outcome(server, "lost", server.deadline, error=StoreError(NO_ANSWER_OF_STORE))

    def _work(self, waiting: queue.SimpleQueue[list[Server]]) -> bool:
        """Read the next servers of one address in turn, never two at once; return False if none waits."""
        try:
            group = waiting.get_nowait()
        except queue.Empty:
            return False
        for server in group:
            self._outcomes.put(self._collect_safely(server))
        return True

    def _overdue(self, outcomes: dict[str, Outcome]) -> bool:
        """Return whether every server in work is past its deadline: the store hangs.

        It is checked now and then, since it takes long if there are many servers.
        """
        now = time.monotonic()
        if now - self._looked < POLL:
            return False
        if now - self._looked > STOOD_STILL:  # this process was stopped: no thread could keep a deadline
            self._stood_still += now - self._looked
        self._looked = now
        started = self._started.copy()  # the threads change it
        ends = [
            self._end_of(server, started[server.name] + server.deadline) + self._stood_still
            for server in self.servers
            if server.name in started and server.name not in outcomes
        ]
        return bool(ends) and all(now > end for end in ends)

    def _end_of(self, server: Server, deadline: float) -> float:
        """Return when a server's thread is abandoned, as a time.monotonic()."""
        collector = self._collectors.get(server.name)
        if collector is None:
            return deadline + GRACE
        if collector.work.is_underway:
            return deadline + GRACE_OF_WORK
        return max(deadline, collector.work.ended) + GRACE  # it may have just begun to write the failure

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended by `stop`, which may still release leases."""
        return self._context.stopped.is_set()

    def stop(self, timeout: float) -> None:
        """End the run at once: let no thread begin anything new, and kill the referee's processes.

        The leases are released, which takes at most `timeout` seconds. The threads are left behind: each
        waits for a server, or is about to write a whole snapshot.
        """
        with self._lock:
            self._context.stopped.set()
            referee = self._made
        if self.store:
            self.store.stopped.set()  # then no thread waits for a lease any more
        if referee is not None:
            referee.stop()
        releasing = threading.Thread(target=self._release_leases, daemon=True)
        try:
            releasing.start()
            releasing.join(timeout)
        except RuntimeError:  # no thread can be started: a store that hangs then holds this process, too
            self._release_leases()

    def _referee(self) -> Referee:
        """Return the referee, which is made when a server first needs it. After `stop` it starts nothing."""
        with self._lock:
            if self._made is None:
                from watchman_cli.bindings import Referee

                self._made = Referee(self._interpreter)
                if self.interrupted:
                    self._made.stop()
            return self._made

    def _release_leases(self) -> None:
        """Release every lease, while the threads that have them still wait for their servers."""
        acquiring = True
        while acquiring:
            acquiring = bool(self._acquiring)  # before the leases: one that is acquired is then among them
            for lease in list(self._leases.values()):
                lease.release()
            time.sleep(0.005)

    def _collect_safely(self, server: Server) -> Outcome:
        """Return the outcome for one server, for any error."""
        started = time.monotonic()
        self._started[server.name] = started
        try:
            if self.interrupted:
                return Outcome(server, "interrupted")
            return self._collect(server, started)
        except StoreError as error:
            return Outcome(server, "lost", time.monotonic() - started, error=error)
        except Exception as error:
            return Outcome(server, "failed", time.monotonic() - started, error=unexpected(error))
        finally:
            self._started.pop(
                server.name, None
            )  # before the next line: a server that is not in it is not overdue
            self._collectors.pop(server.name, None)

    def _collect(self, server: Server, started: float) -> Outcome:
        self._context.on_progress(server, "waiting for the store")
        if self.store is None:
            return self._collect_with(server, None, started)
        with self._lock:  # so that stop() sees each lease that is taken, or prevents it
            if self.interrupted:
                return Outcome(server, "interrupted")
            self._acquiring.add(server.name)
        try:
            lease = self.store.lease(server.name, started + server.deadline, server.address)
            if lease is None:
                return Outcome(server, "skipped", time.monotonic() - started)
            self._leases[server.name] = lease
        finally:
            self._acquiring.discard(server.name)
        try:
            with lease:
                skipped = self._skip(server, lease, started)
                return skipped or self._collect_with(server, lease, started)
        finally:  # after the release: until then stop() waits for it
            del self._leases[server.name]

    def _skip(self, server: Server, lease: Lease, started: float) -> Outcome | None:
        """Return the outcome for a server whose last reading began just now, or None to read it."""
        if self._read_always or not server.min_interval:
            return None
        previous = health.salvage(lease.stored.health)
        why = why_skipped(previous, server.min_interval, datetime.now(timezone.utc))
        seconds = time.monotonic() - started
        return Outcome(server, "skipped", seconds, health=previous, skipped=why) if why else None

    def _collect_with(self, server: Server, lease: Lease | None, started: float) -> Outcome:
        collector = self._collectors[server.name] = ServerCollector(self._context, server, lease, started)
        return collector.run()
