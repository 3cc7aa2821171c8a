"""`config check --connect`: a line for the store and each server, with what to do about it."""

from __future__ import annotations

from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import FakeServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman
from watchman_cli.output.connection import ADVICE


def test_all_answer(watchman: Watchman, ecflow: EcflowServer, redis: RedisServer) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    result = watchman.run("config", "check", "--connect")
    assert (result.code, result.err) == (0, "")
    store, server = result.text.splitlines()[-2:]
    assert store == f"store {redis.url}: ok"
    assert server.startswith(f"o/r (127.0.0.1:{ecflow.port}): ok, ecFlow 5.") and "HALTED" in server
    assert not redis.client.keys("*"), "nothing is written"


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
