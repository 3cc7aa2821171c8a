"""`config check --connect`: a line for the store and each server, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import FakeServer
from tests.support.redis_kinds import new_redis
from tests.support.redis_server import RedisServer
from tests.support.watchman import UNPRIVILEGED, Watchman
from watchman_cli.output.connection import ADVICE

SERVER = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": 1}
OTHER = {**SERVER, "repo": "other"}


def test_all_answer(watchman: Watchman, ecflow: EcflowServer, redis: RedisServer) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    result = watchman.run("config", "check", "--connect")
    assert (result.code, result.err) == (0, "")
    store, server = result.text.splitlines()[-2:]
    assert store == f"store {redis.url}: ok"
    assert server.startswith(f"o/r (127.0.0.1:{ecflow.port}): ok, ecFlow 5.") and "HALTED" in server
    assert not redis.client.keys("*"), "nothing is written"


def test_a_directory_is_left_as_it_was(watchman: Watchman, tmp_path: Path) -> None:
    """Otherwise root could leave directories in which the user of the runs may not write."""
    for store in (tmp_path / "there", tmp_path / "new" / "store"):
        if store.name == "there":
            store.mkdir()
        watchman.configure(f"file://{store}", [SERVER], sync_cache=str(store))
        before = sorted(tmp_path.rglob("*"))
        # Without a home, no parsed configuration is kept.
        result = watchman.run("config", "check", "--connect", environment=watchman.environment(HOME=""))
        assert f"store file://{store}: ok" in result.text
        assert sorted(tmp_path.rglob("*")) == before


def read_only_replica(redis: RedisServer, folder: Path, stack: ExitStack) -> str:
    copy = new_redis(stack, folder, "--replicaof", f"127.0.0.1 {redis.port}")
    return copy.url


def without_set(redis: RedisServer, folder: Path, stack: ExitStack) -> str:
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", "~*", "&*", "+@all", "-set")
    return f"redis://w:p@127.0.0.1:{redis.port}/0"


def without_other_keys(redis: RedisServer, folder: Path, stack: ExitStack) -> str:
    keys = ("~o/other/*", "~{o/other/*", "~{address/*")
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", *keys, "&*", "+@all")
    return f"redis://w:p@127.0.0.1:{redis.port}/0"


def without_publish(redis: RedisServer, folder: Path, stack: ExitStack) -> str:
    redis.client.execute_command("ACL", "SETUSER", "w", "on", ">p", "~*", "+@all")
    return f"redis://w:p@127.0.0.1:{redis.port}/0"


def full(redis: RedisServer, folder: Path, stack: ExitStack) -> str:
    redis.client.config_set("maxmemory", 1)
    return redis.url


def forbidden_directory(redis: RedisServer, folder: Path, stack: ExitStack) -> str:
    store = folder / "store"
    (store / "o" / "r").mkdir(parents=True)
    (store / "o" / "r").chmod(0o555)
    return f"file://{store}"


@pytest.mark.parametrize(
    ("arrange", "reason"),
    [
        (read_only_replica, "it is a read-only replica (tried for o/r and 1 more); check "),
        (without_set, "has no permissions to run the 'set' command) (tried for o/r and 1 more); check "),
        (without_other_keys, "(tried for o/r); check "),
        (without_publish, "(tried for o/r); check "),
        (full, "it is out of memory (maxmemory) (tried for o/r and 1 more); check "),
        (forbidden_directory, "Permission denied (tried for o/r); check "),
    ],
)
def test_a_store_that_answers_and_takes_no_snapshot(
    watchman: Watchman,
    redis: RedisServer,
    tmp_path: Path,
    arrange: Callable[[RedisServer, Path, ExitStack], str],
    reason: str,
) -> None:
    with ExitStack() as stack:
        watchman.configure(arrange(redis, tmp_path, stack), [{**SERVER, "changes": True}, OTHER])
        watchman = replace(watchman, prefix=UNPRIVILEGED)
        result = watchman.run("config", "check", "--connect")
        lines = [line for line in result.text.splitlines() if line.startswith("store ")]
    assert result.code == 1
    assert len(lines) == 1 and reason in lines[0], lines
    assert redis.client.keys("*") == []


def test_what_does_not_answer_is_named_with_what_to_do(watchman: Watchman, ecflow: EcflowServer) -> None:
    with FakeServer(lambda connection: None) as hanging:
        watchman.configure(
            "redis://:hunter2@127.0.0.1:1/0",
            [
                {"owner": "o", "repo": "hung", "address": hanging, "deadline": 1},
                {"owner": "o", "repo": "gone", "host": "127.0.0.1", "port": 1},
                {"owner": "o", "repo": "tls", "address": ecflow, "protocol": "http"},
                {"owner": "o", "repo": "good", "address": ecflow},
                {"owner": "o", "repo": "nowhere", "host": "no-such-host.invalid", "port": 1, "deadline": 5},
            ],
            sync_cache=f"{watchman.config}/not-a-directory",
        )
        result = watchman.run("config", "check", "--connect")
    assert result.code == 1 and "hunter2" not in result.text + result.err
    store, cache, *servers = result.text.splitlines()[-7:]
    assert store.startswith("store redis://127.0.0.1:1/0: cannot be reached")
    assert f"; check {watchman.config}:" in store and store.endswith(": store")
    assert cache.startswith("store file:///") and cache.endswith("; check sync_cache")
    assert servers[0].endswith(f": no answer in time; {ADVICE['no answer']}")
    assert servers[1] == f"o/gone (127.0.0.1:1): connection refused; {ADVICE['refused']}"
    assert servers[2].endswith(": the server speaks tcp, not http: set `protocol: tcp`")
    assert servers[3].startswith("o/good ") and ": ok, ecFlow 5." in servers[3]
    assert servers[4].startswith("o/nowhere ") and ADVICE["unresolved"] in servers[4]


def test_every_advice_is_for_a_kind_of_error() -> None:
    from watchman_cli import ecflow_client

    kinds = {getattr(each, "kind", "") for each in vars(ecflow_client).values() if isinstance(each, type)}
    assert set(ADVICE) <= kinds
