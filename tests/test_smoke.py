from __future__ import annotations

from tests.servers import EcflowServer, RedisServer, Watchman, records_of, status_of


def test_collects(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    ecflow.load_text("suite s\n family f\n task a\n task b\n endfamily\nendsuite\n")
    ecflow.begin_all_suites()
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    result = watchman.collect()
    assert (result.code, result.out, result.err) == (0, b"", "")
    found = status_of(redis.client, "o/r")
    assert found and records_of(found) == ecflow.snapshot()["records"]
