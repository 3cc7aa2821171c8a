"""Whether servers answer: one small request to each, with everything that a run would need for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from watchman_cli.collect.attempts import access_of
from watchman_cli.config import Server
from watchman_cli.ecflow_client import Client, EcflowError, Limits, Statistics, Stats


@dataclass(frozen=True)
class Connection:
    """A server's answer after `seconds`, or the error."""

    server: Server
    seconds: float
    statistics: Statistics | None = None
    error: EcflowError | None = None


def try_connections(servers: Sequence[Server], jobs: int) -> Iterator[Connection]:
    """Yield each server's connection in turn, as soon as it is known, with at most `jobs` at the same time.

    Servers with the same address are asked one after the other.
    """
    locks = {server.address: Lock() for server in servers}
    with ThreadPoolExecutor(jobs, thread_name_prefix="watchman") as pool:
        pending: list[Future[Connection]] = [
            pool.submit(_try_connection, server, locks[server.address]) for server in servers
        ]
        for future in pending:
            yield future.result()


def _try_connection(server: Server, lock: Lock) -> Connection:
    with lock:
        started = time.monotonic()
        deadline = started + server.deadline
        limits = Limits(first_by=deadline, deadline=deadline, size=server.max_reply << 20)
        try:
            answer = Client(access_of(server)).ask([Stats()], limits)
        except EcflowError as error:
            return Connection(server, time.monotonic() - started, error=error)
        return Connection(server, time.monotonic() - started, answer.statistics)
