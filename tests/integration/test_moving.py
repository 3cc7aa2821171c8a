"""What docs/operating.md says about moving to another Redis and taking a server out."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer, health_of, status_of
from tests.support.watchman import Watchman


def test_another_redis_goes_on_where_the_old_one_ended(
    ecflow: EcflowServer, redis_server: Callable[..., RedisServer], watchman: Watchman
) -> None:
    old, new = redis_server(), redis_server()
    ecflow.await_next_second()
    ecflow.load_text("suite s\n  task t\nendsuite\n")
    servers = [{"owner": "o", "repo": "r", "address": ecflow, "changes": True}]
    watchman.configure(old.url, servers)
    assert watchman.collect().code == 0
    ecflow.force_state("/s/t", "State.aborted")
    assert watchman.collect().code == 0

    new.client.replicaof("127.0.0.1", old.port)
    await_true(lambda: new.client.info("replication")["master_link_status"] == "up", "no replica")
    await_true(lambda: status_of(new.client, "o/r") == status_of(old.client, "o/r"), "the replica is late")
    new.client.replicaof("no", "one")
    watchman.configure(new.url, servers)
    assert watchman.collect().code == 0
    health = health_of(new.client, "o/r")
    assert health and health["sync"]["mode"] == "unchanged"
    assert b"/s/t" in watchman.run("changes", "o/r", "--since", "1h").out


def test_the_keys_of_a_server_are_found_by_two_patterns(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    ecflow.load_text("suite s\n  task t\nendsuite\n")
    entry = {"owner": "o", "address": ecflow, "changes": True, "details": True}
    watchman.configure(redis.url, [{**entry, "repo": "r"}, {**entry, "repo": "other"}])
    assert watchman.collect().code == 0
    keys = set(redis.client.scan_iter("o/r/status")) | set(redis.client.scan_iter("{o/r/status}*"))
    assert len(keys) > 3
    redis.client.delete(*keys)
    assert [key for key in redis.client.scan_iter() if b"o/r/" in key] == []
    assert status_of(redis.client, "o/other")
