"""Many servers: in several files, with variables."""

from __future__ import annotations

import yaml

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman


def include(watchman: Watchman, name: str, *entries: object) -> None:
    """Write a file that is included."""
    folder = watchman.home / "conf.d"
    folder.mkdir(mode=0o755, exist_ok=True)
    file = folder / name
    file.write_text(yaml.safe_dump({"servers": list(entries)}))
    file.chmod(0o644)


def test_servers_of_included_files_are_read(
    watchman: Watchman, ecflow: EcflowServer, redis: RedisServer
) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "a", "address": ecflow}], include="conf.d/*.yaml")
    entry = {"owner": "o", "repo": "b", "host": "${ECF_HOST}", "port": "${PORT}"}
    include(watchman, "b.yaml", entry)
    environment = watchman.environment(ECF_HOST="127.0.0.1", PORT=str(ecflow.port))
    checked = watchman.run("config", "check", environment=environment)
    assert (checked.code, checked.err) == (0, "")
    assert f"{watchman.config}: valid, 2 servers in 2 files, store" in checked.text
    for _ in range(2):  # the second run parses nothing
        result = watchman.collect(environment=environment)
        assert (result.code, result.err) == (0, "")
    assert redis.client.exists("o/a/status", "o/b/status") == 2
    unset = watchman.collect()
    file = watchman.home / "conf.d" / "b.yaml"
    assert unset.code == 2
    assert f"{file}:2: servers[0].host: ${{ECF_HOST}} is not set in the environment" in unset.err


def test_a_server_of_two_files_is_named_with_both_places(watchman: Watchman) -> None:
    entry = {"owner": "met", "repo": "tromso", "host": "login01", "port": 3141}
    watchman.configure("file:///tmp/unused", [entry], include=["conf.d/*.yaml"])
    include(watchman, "b.yaml", {**entry, "repo": "oslo"}, entry)
    result = watchman.collect()
    first = f"{watchman.config}:4"
    assert (result.code, result.out) == (2, b"")
    assert f"b.yaml:6: servers[1]: met/tromso is already the server of {first}" in result.err
