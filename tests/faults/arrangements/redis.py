"""Faults of Redis: of the server, of its access, and in the middle of a run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis as driver

from tests.faults.environment import BAD, GOOD, REDIS_SECRET, FaultRun
from tests.support.faulty_server import Proxy, Reply
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer
from watchman_cli.store.redis.keys import key


def wrong_redis_password(run: FaultRun) -> None:
    """Give a password that is not Redis's."""
    run.store = run.store.replace(REDIS_SECRET, REDIS_SECRET[::-1])


def forbidden_key(run: FaultRun) -> None:
    """Forbid the keys of o/bad."""
    run.redis.client.execute_command(
        "ACL", "SETUSER", "watchman", "resetkeys", "~o/good/*", "~{o/good/*", "~{address/*"
    )


def forbidden_changes(run: FaultRun) -> None:
    """Keep the changes of o/bad, which has other nodes than before, and forbid them."""
    run.own_server("suite s\n task t\nendsuite\n")
    run.truth = None
    run.entry["changes"] = True
    run.redis.client.execute_command("ACL", "SETUSER", "watchman", "-xadd")


def large_writes_are_cut(run: FaultRun) -> None:
    """Have o/bad be of 16,000 nodes, and Redis close the connection at a value of more than 1 MB."""
    families = (f" family {number:060}\n" + " task t{}\n" * 400 + " endfamily\n" for number in range(40))
    run.own_server("suite s\n" + "".join(each.format(*range(400)) for each in families) + "endsuite\n")
    run.truth = None
    run.redis.client.config_set("proto-max-bulk-len", "1mb")


def replica(run: FaultRun) -> None:
    """Name a read-only replica as the store."""
    home = run.folder / "replica"
    home.mkdir()
    arguments = ("--aclfile", str(run.folder / "users"), "--replicaof", f"127.0.0.1 {run.redis.port}")
    run.redis.client.config_set("repl-diskless-sync-delay", 0)
    copy = RedisServer(home, arguments)
    run.stack.callback(copy.stop)
    copy.start()
    await_true(lambda: follows(copy), "the replica did not follow")
    run.store = run.store.replace(str(run.redis.port), str(copy.port))


def follows(server: RedisServer) -> bool:
    """Return whether a replica has what its master has."""
    with suppress(driver.RedisError):
        found: Any = server.client.info("replication")
        return bool(found["master_link_status"] == "up")
    return False


def in_mid_run(run: FaultRun, happens: Callable[[RedisServer], None]) -> None:
    """Have something happen to Redis when it has lent both servers, and neither was read yet."""
    run.happened = happened = threading.Event()

    def happening() -> None:
        happened.set()
        happens(run.redis)

    both = threading.Barrier(2, action=happening)

    def behave(reply: Reply) -> None:
        if reply.connection.number == 0 and not reply.before:
            both.wait(10)
        reply.connection.forward(reply.data)

    for entry in (run.good, run.entry):
        proxy = Proxy(run.environment.healthy.port, behave)
        run.stack.enter_context(proxy)
        entry |= {"host": proxy.host, "port": proxy.port}


def restart(redis: RedisServer) -> None:
    """Kill Redis, and start it again with what it had."""
    redis.kill()
    redis.start()


def restart_without_data(redis: RedisServer) -> None:
    """Kill Redis, and start it again with nothing, as one that keeps no data on disk."""
    redis.kill()
    redis.arguments = redis.arguments[:2]
    redis.start()


def restart_from_older_data(run: FaultRun) -> None:
    """Have Redis be restarted in mid-run from an RDB of before the last run."""
    home = run.folder / "older"
    home.mkdir()
    server = RedisServer(home, ("--aclfile", str(run.folder / "users")))
    run.stack.callback(server.stop)
    server.start()
    for name, value in run.environment.seeds.items():
        server.client.set(name, value)
    server.client.save()
    run.store = run.store.replace(str(run.redis.port), str(server.port))
    run.redis.stop()
    run.redis = server
    later = run.collect()
    assert later.code == 0, later.err
    for name in (GOOD, BAD):  # in_mid_run() gives both another address
        run.change(key(name, "health"), rb'"address":"[^"]*"', b'"address":null')
    in_mid_run(run, restart)


def loading(run: FaultRun, seconds: float) -> None:
    """Have Redis be loading its data set for so long."""
    home = run.folder / "loading"
    home.mkdir()
    a_key = 0.05
    options = {
        "aclfile": str(run.folder / "users"),
        "key-load-delay": str(int(a_key * 1e6)),
        "loading-process-events-interval-bytes": "1024",
    }
    server = RedisServer(home, [word for name in options for word in (f"--{name}", options[name])])
    run.stack.callback(server.stop)
    server.start()
    for name, value in run.environment.seeds.items():
        server.client.set(name, value)
    with driver.Redis(port=server.port, db=1) as other:
        other.mset({f"key{number}": os.urandom(2048) for number in range(int(seconds / a_key))})
    server.client.save()
    server.kill()
    server.start(wait=False)
    run.store = run.store.replace(str(run.redis.port), str(server.port))
    run.redis = server
