"""Many servers: in several files, with variables, and in shares."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman
from watchman_cli.shard import task_of


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


def test_each_share_reads_its_servers_only(
    watchman: Watchman, ecflow: EcflowServer, redis: RedisServer
) -> None:
    repos = [f"r{number}" for number in range(6)]
    watchman.configure(redis.url, [{"owner": "o", "repo": repo, "address": ecflow} for repo in repos])
    written: list[str] = []
    for number in range(1, 4):
        share = [f"o/{repo}" for repo in repos if task_of(f"o/{repo}", 3) == number]
        listed = watchman.run("config", "servers", "--shard", f"{number}/3")
        assert (listed.code, listed.err, listed.text.split()) == (0, "", share)
        slurm = {"ID": 2 * number, "MIN": 2, "MAX": 6, "STEP": 2, "COUNT": 3}
        environment = watchman.environment(**{f"SLURM_ARRAY_TASK_{k}": str(v) for k, v in slurm.items()})
        result = watchman.collect("--shard", "auto", "-v", "--log-format", "json", environment=environment)
        assert result.code == 0
        told = {json.loads(line)["server"] for line in result.err.splitlines()}
        assert told == set(share)
        written += share
    assert sorted(written) == [f"o/{repo}" for repo in repos]
    assert len(redis.client.keys("o/*/status")) == 6
    assert watchman.run("config", "servers").text.split() == [f"o/{repo}" for repo in repos]


def test_a_share_may_be_empty(watchman: Watchman, ecflow: EcflowServer, redis: RedisServer) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    empty = "1/2" if task_of("o/r", 2) == 2 else "2/2"
    result = watchman.collect("--shard", empty)
    assert (result.code, result.out, result.err) == (0, b"", "")
    assert redis.client.keys("*") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--shard", "3/2"), "--shard 3/2: 3/2 is not one of 1 to 2"),
        (
            ("--shard", "auto"),
            "--shard auto: SLURM_ARRAY_TASK_ID is not set: this is not a task of a Slurm array",
        ),
        (
            ("--shard", "1/2", "--server", "r"),
            "--shard: it cannot be used with --server or --reset-sync, which name servers",
        ),
    ],
)
def test_a_share_that_cannot_be(watchman: Watchman, arguments: tuple[str, ...], said: str) -> None:
    watchman.configure("redis://127.0.0.1:1/0", [{"owner": "o", "repo": "r", "host": "h", "port": 1}])
    result = watchman.collect(*arguments)
    assert (result.code, result.out, result.err) == (2, b"", f"{said}\n")
