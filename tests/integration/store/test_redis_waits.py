"""Nothing of a store outlasts the deadline: bytes that drip, Sentinels and resolvers that hang."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty_server import Connection, FakeServer
from tests.support.redis_kinds import new_redis, new_sentinel
from tests.support.redis_server import RedisServer
from watchman_cli.errors import StoreError
from watchman_cli.store import Update, open_store

DEADLINE = 2.0
# They are asked again until the deadline, which ends the last time where the machine is busy.
NO_ANSWER = r"no answer in 0\.5 s|no complete answer by the deadline"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


def drip(connection: Connection) -> None:
    """Answer every command, a byte at a time, and come to no end."""
    connection.client.recv(65536)
    connection.forward(b"$1000000\r\n")
    while True:
        connection.forward(b"x")
        time.sleep(0.1)


def hang(connection: Connection) -> None:
    while connection.client.recv(65536):
        pass


def check(url: str, timeout: float = DEADLINE / 4) -> str:
    """Return what a check that fails says; without its deadline it never ends."""
    store = open_store(url)
    store.set_timeout(timeout)
    with pytest.raises(StoreError) as caught:
        store.check(time.monotonic() + DEADLINE)
    store.close()
    return str(caught.value)


def test_a_redis_that_drips(stack: ExitStack) -> None:
    server = stack.enter_context(FakeServer(drip))
    assert "no complete answer by the deadline" in check(f"redis://127.0.0.1:{server.port}/0")
    store = open_store(f"redis://127.0.0.1:{server.port}/0")
    store.set_timeout(DEADLINE / 4)
    with pytest.raises(StoreError, match="no complete answer"):
        store.lease("o/r", time.monotonic() + DEADLINE, "h:1")


def test_a_value_that_drips_is_not_read_for_ever(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchman_cli.store.redis.store.READ_DEADLINE", DEADLINE)
    server = stack.enter_context(FakeServer(drip))
    with pytest.raises(StoreError, match="no complete answer"):
        open_store(f"redis://127.0.0.1:{server.port}/0").value("o/r", "status")


def test_sentinels_that_hang(stack: ExitStack) -> None:
    hanging = [stack.enter_context(FakeServer(hang)) for _ in range(4)]
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in hanging)
    assert re.search(NO_ANSWER, check(f"redis+sentinel://{hosts}/mymaster/0"))
    assert all(server.connections for server in hanging)


def test_a_sentinel_that_answers_is_heard_beside_those_that_hang(stack: ExitStack, tmp_path: Path) -> None:
    hanging = [stack.enter_context(FakeServer(hang)) for _ in range(4)]
    ports = [server.port for server in hanging]
    ports.append(new_sentinel(stack, tmp_path, new_redis(stack, tmp_path).port).port)
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    store = open_store(f"redis+sentinel://{hosts}/mymaster/0")
    store.set_timeout(5)
    store.check(time.monotonic() + 10)
    store.close()


def test_cluster_nodes_that_hang(stack: ExitStack) -> None:
    hanging = [stack.enter_context(FakeServer(hang)) for _ in range(3)]
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in hanging)
    assert re.search(NO_ANSWER, check(f"redis+cluster://{hosts}"))


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    look_up = socket.getaddrinfo

    def hanging(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == b"store.example":
            if options.get("flags"):  # a look-up of digits, which asks no resolver
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            released.wait()
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    assert "no " in check("redis://store.example/0")
    assert "no " in check("redis+sentinel://store.example/m")
    released.set()


def test_an_answer_that_came_while_the_run_was_stopped_is_read(redis: RedisServer) -> None:
    """The deadline is over when it goes on, which is not the store's fault."""
    store = open_store(redis.url)
    lease = store.lease("o/r", time.monotonic() + 1) or pytest.fail()
    time.sleep(1.05)  # past the deadline, as a run that was stopped
    redis.client.client_kill_filter(_type="normal", skipme=True)  # nor did Redis wait
    lease.commit(Update(health=b"1"))
    assert store.value("o/r", "health") == b"1"


def test_a_store_that_is_asked_after_the_deadline_is_not_blamed(stack: ExitStack) -> None:
    server = stack.enter_context(FakeServer(hang))
    store = open_store(f"redis://127.0.0.1:{server.port}/0")
    with pytest.raises(StoreError, match="the request began after the deadline: was this run stopped"):
        store.check(time.monotonic() - 1)


def test_more_jobs_than_connections_of_a_pool(redis: RedisServer) -> None:
    """redis-py's pool has 100 by default."""
    store = open_store(redis.url)
    leases = [store.lease(f"o/r{i}", time.monotonic() + 60) or pytest.fail() for i in range(250)]
    for lease in leases:
        lease.value("status")  # holds a connection until its commit
    errors: list[BaseException] = []

    def commit(index: int) -> None:
        try:
            leases[index].commit(Update(health=b"1"))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=commit, args=(index,)) for index in range(len(leases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    store.close()
