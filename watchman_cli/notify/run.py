"""Tell the causes of a run to every receiver at the same time, within two seconds of the run."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple

from watchman_cli import health as health_record
from watchman_cli.causes.model import Notices, Receiver
from watchman_cli.config import Config, Server
from watchman_cli.config.notify import Notify
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.notify import alerts, command, failures, http
from watchman_cli.notify.attempt import NOT_IN_TIME, NotDelivered, deliver_until
from watchman_cli.notify.deliver import deliver_events
from watchman_cli.notify.event import CONTENT_TYPE
from watchman_cli.store import LeaseLost, SnapshotChanged, Store, Update

LIMIT = 2.0  # seconds of a run for all receivers
RESERVE = 0.3  # of them, to end what is under way
WORKERS = 8  # servers whose events are delivered at the same time


class Judged(NamedTuple):
    """A server that a run has read or tried to read, and the notices that it has written."""

    server: Server
    notices: Notices


class Notifier:
    """Tells the causes of one run; `store` is None if it is unreachable."""

    def __init__(self, config: Config, settings: Notify, store: Store | None) -> None:
        self._settings, self._store = settings, store
        self._record = f"{config.servers[0].name}/.notify"  # the receivers that fail; a probe has such a name
        self._stopped = threading.Event()
        self._results: dict[str, str | None] = {}
        self._connections: list[http.Connection] = []
        self._commands = command.Commands(settings.command)
        self._down: set[Receiver] = set()
        self._names: dict[Receiver, str] = {}
        if settings.webhook:
            self._names["webhook"] = _name("webhook", settings.webhook.url)
        if settings.command:
            self._names["command"] = f"command {command.shown(settings.command)}"

    def tell(self, outcomes: Iterable[Judged], code: int, report: Callable[[str], None]) -> None:
        """Tell the causes of a run that ends with an exit code, and report receivers that fail.

        It takes at most LIMIT seconds; what was not accepted by then is left to the next run.
        """
        limit = time.monotonic() + LIMIT
        deadline = limit - RESERVE
        threads = [
            threading.Thread(target=job, args=(deadline,), name="watchman-notify", daemon=True)
            for job in self._jobs(list(outcomes), code)
        ]
        started = []
        for thread in threads:
            try:
                thread.start()
                started.append(thread)
            except RuntimeError:  # the next run tells
                report("notify: no thread can be started; the next run tells the causes")
                break
        _join(started, deadline + RESERVE / 3)
        self.stop()
        _join(started, limit)
        self._report_failures(report)

    def stop(self) -> None:
        """End everything that is under way."""
        self._stopped.set()
        self._commands.stop()
        for connection in list(self._connections):
            connection.stop()

    def _jobs(self, servers: list[Judged], code: int) -> list[Callable[[float], None]]:
        """Return what each thread does until a deadline."""
        settings, jobs = self._settings, []
        if settings.ping:
            jobs.append(self._job(_name("ping", settings.ping), partial(self._ping, settings.ping, code)))
        if self._store is None:
            return jobs
        now = datetime.now(timezone.utc)
        recent, others = alerts.split_alerts({each.server.name: each.notices for each in servers}, now)
        random.shuffle(others)  # if the time is short, each run posts others
        keys = recent + others
        for url in settings.alertmanager if keys else ():
            post = partial(self._post, self._store, url, keys)
            jobs.append(self._job(_name("alertmanager", url), post))
        waiting: queue.SimpleQueue[Server] = queue.SimpleQueue()
        pending = [each for each in servers if each.notices.events]
        for each in sorted(pending, key=lambda each: each.notices.events[0].time):
            waiting.put(each.server)
        if self._names:
            workers = min(WORKERS, len(pending))
            jobs += [partial(self._deliver_waiting, self._store, waiting)] * workers
        return jobs

    def _job(self, name: str, func: Callable[[float], None]) -> Callable[[float], None]:
        """Return a job that notes the result of the receiver `name`."""

        def job(deadline: float) -> None:
            self._results[name] = NOT_IN_TIME
            try:
                func(deadline)
            except NotDelivered as error:
                self._results[name] = str(error)
            except Exception as error:  # a bug must not cost the run
                self._results[name] = _unexpected(error)
            else:
                self._results[name] = None

        return job

    def _connect(self, url: str, deadline: float) -> http.Connection:
        connection = http.Connection(url, deadline)
        self._connections.append(connection)
        if self._stopped.is_set():
            connection.stop()
        return connection

    # ------------------------------------------------------------------------------- ping and Alertmanager

    def _ping(self, url: str, code: int, deadline: float) -> None:
        connection = self._connect(url, deadline)
        ask = partial(connection.request, "GET", "/fail" if code else "")
        deliver_until(deadline, self._stopped, ask)

    def _post(self, store: Store, url: str, keys: list[alerts.AlertKey], deadline: float) -> None:
        """Post alerts by the state that the store has just before each POST: a slow run may be an older one.

        If another run has changed that state before the answer, the alerts are posted again: this run may
        have been held up before its POST. A part that is refused does not hold up the others. Raises
        NotDelivered.
        """
        connection = self._connect(url, deadline)
        refused: NotDelivered | None = None

        def post(piece: Iterable[alerts.AlertKey]) -> None:
            connection.connect()
            now = datetime.now(timezone.utc)
            posted: list[dict[str, Any]] = []
            while (found := alerts.make_alerts(piece, _notices_of(store, piece), now)) not in ([], posted):
                import orjson

                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/api/v2/alerts", orjson.dumps(found), headers)
                posted = found

        for piece in alerts.pieces_of(keys):
            try:
                deliver_until(deadline, self._stopped, partial(post, piece))
            except NotDelivered as error:
                if error.transient or time.monotonic() > deadline:
                    raise
                refused = error
        if refused:
            raise refused

    # ---------------------------------------------------------------------------------------------- events

    def _deliver_waiting(self, store: Store, waiting: queue.SimpleQueue[Server], deadline: float) -> None:
        """Deliver the events of servers until none waits."""
        receivers: dict[Receiver, Callable[[bytes], bool]] = {}
        webhook = self._settings.webhook
        if webhook:
            half = self._settings.command  # a slow webhook must not hold up the command
            until = (time.monotonic() + deadline) / 2 if half else deadline
            connection = self._connect(webhook.url, until)
            send = partial(self._send, connection, until)
            self._reach(connection, until)
            receivers["webhook"] = partial(self._try, "webhook", send)
        if self._settings.command:
            run = partial(self._commands.deliver, deadline=deadline)
            receivers["command"] = partial(self._try, "command", run)
        while time.monotonic() < deadline:
            try:
                server = waiting.get_nowait()
            except queue.Empty:
                return
            if self._down.issuperset(receivers):
                return
            try:
                deliver_events(store, server, receivers, deadline)
            except StoreError:  # the next run delivers them
                return

    def _reach(self, connection: http.Connection, deadline: float) -> None:
        """Connect to the webhook, so that no lease is held meanwhile."""
        try:
            deliver_until(deadline, self._stopped, connection.connect)
        except NotDelivered as error:
            self._note("webhook", error)

    def _try(self, receiver: Receiver, deliver: Callable[[bytes], None], event: bytes) -> bool:
        """Return whether a receiver accepts an event; one that is down is not tried again in this run."""
        if receiver in self._down:
            return False
        try:
            deliver(event)
        except NotDelivered as error:
            self._note(receiver, error)
            return False
        except Exception as error:  # a bug must not cost the run
            self._note(receiver, NotDelivered(_unexpected(error), transient=True))
            return False
        self._results.setdefault(self._names[receiver], None)
        return True

    def _note(self, receiver: Receiver, error: NotDelivered) -> None:
        self._results[self._names[receiver]] = str(error)
        if error.transient:
            self._down.add(receiver)

    def _send(self, connection: http.Connection, deadline: float, event: bytes) -> None:
        webhook = self._settings.webhook
        assert webhook
        headers = {"Content-Type": CONTENT_TYPE, **dict(webhook.headers)}
        if webhook.token_file:
            from watchman_cli.config.secrets import read_password
            from watchman_cli.errors import ConfigError

            try:
                headers["Authorization"] = f"Bearer {read_password(webhook.token_file)}"
            except ConfigError as error:
                raise NotDelivered(f"token_file {webhook.token_file}: {error}") from error
        post = partial(connection.request, "POST", "", event, headers)
        deliver_until(deadline, self._stopped, post)

    # ------------------------------------------------------------------------------------------- failures

    def _report_failures(self, report: Callable[[str], None]) -> None:
        """Report receivers that began to fail, or that work again, if no other run has reported it."""
        configured = [
            *self._names.values(),
            *(_name("alertmanager", url) for url in self._settings.alertmanager),
            *([_name("ping", self._settings.ping)] if self._settings.ping else []),
        ]
        results = dict(self._results)
        if not results:
            return
        time_ = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        if self._store is None:
            for line in failures.after_run({}, results, configured, time_)[1]:
                report(line)
            return
        try:
            stored = failures.decode(self._store.value(self._record, "health"))
            if not stored and not any(results.values()):
                return
            lease = self._store.lease(self._record, time.monotonic() + LIMIT)
            if lease is None:
                return
            with lease:
                known = failures.decode(lease.stored.health)
                new, lines = failures.after_run(known, results, configured, time_)
                for line in lines:
                    report(line)
                lease.commit(Update(failures.encode(new)))
        except (StoreError, BadSnapshot, LeaseLost, SnapshotChanged):
            return  # the store's failure is reported for the servers


def _name(kind: str, url: str) -> str:
    """Return the name under which a receiver's result is kept and reported."""
    return f"{kind} {http.shown(url)}"


def _join(threads: Iterable[threading.Thread], until: float) -> None:
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _notices_of(store: Store, keys: Iterable[alerts.AlertKey]) -> Mapping[str, Notices]:
    """Return the stored notices of the alerts' servers. Raises NotDelivered."""
    found = {}
    for name in dict.fromkeys(key.server for key in keys):
        try:
            notices = health_record.decode(store.value(name, "health")).notices
        except (StoreError, BadSnapshot) as error:
            raise NotDelivered(f"the causes were not read: {error}") from error
        if notices is not None:
            found[name] = notices
    return found


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: a bug in watchman, please report it"
