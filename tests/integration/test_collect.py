"""The main job on real parts: real ecFlow servers into real Redis, and what the command says of it."""

from __future__ import annotations

import getpass
import json
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Connection, FakeServer
from tests.support.loopback import await_true, free_port
from tests.support.redis_server import RedisServer, health_of, records_of, status_of
from tests.support.watchman import WATCHMAN, Watchman
from watchman_cli import schema

SEVEN = """
suite forecast
  family f
    task complete
    task queued
    task aborted
    task submitted
    task active
    task unknown
    task suspended
  endfamily
  family empty
  endfamily
endsuite
suite not_begun
  task waiting
endsuite
"""
STATES = ("complete", "queued", "aborted", "submitted", "active", "unknown")


def load_seven(server: EcflowServer) -> None:
    """A suite with each state of ecFlow, and one that was not begun."""
    server.load_text(SEVEN)
    server.begin_suite("forecast")
    for state in STATES:
        server.force_state(f"/forecast/f/{state}", f"State.{state}")
    server.suspend("/forecast/f/suspended")


@pytest.fixture
def hanging() -> Iterator[socket.socket]:
    """A server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def address_of(listener: socket.socket) -> dict[str, Any]:
    host, port = listener.getsockname()
    return {"host": host, "port": port}


def test_every_state_is_collected(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "nwp_xp", "repo": "nwpc_op", "address": ecflow}])

    result = watchman.collect()

    assert (result.code, result.out, result.err) == (0, b"", "")
    found = status_of(redis.client, "nwp_xp/nwpc_op")
    assert found is not None
    independent = ecflow.snapshot()
    assert records_of(found) == independent["records"]
    assert {status for _, status in records_of(found)} >= {*STATES, "suspended"}
    assert ["/not_begun/waiting", "unknown"] in records_of(found)
    assert found["server_state"] == independent["server_state"]
    assert schema.is_valid("snapshot", found)
    health = health_of(redis.client, "nwp_xp/nwpc_op")
    assert health is not None and schema.is_valid("health", health)
    assert (health["ok"], health["failures"], health["error"]) == (True, 0, None)


def test_a_reader_of_the_older_tool_decodes_it(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    """It knows two fields, and its time has an offset that RFC 3339 allows."""
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    watchman.collect()
    value: Any = redis.client.get("o/r/status")
    document = json.loads(value)
    assert all({"path", "status"} <= set(record) for record in document["status_records"])
    assert document["collected_time"].endswith("+00:00")
    assert redis.client.ttl("o/r/status") == -1


def test_an_empty_server(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    for _ in range(2):
        assert watchman.collect().code == 0
        found = status_of(redis.client, "o/r")
        assert found and records_of(found) == [["/", "unknown"]] == ecflow.snapshot()["records"]


@pytest.mark.parametrize(
    ("command", "state"),
    [("halt_server", "HALTED"), ("shutdown_server", "SHUTDOWN"), ("restart_server", "RUNNING")],
)
def test_the_servers_state(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, command: str, state: str
) -> None:
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    for each in ("restart_server", "halt_server", command):
        ecflow.call(each)
        assert watchman.collect().code == 0
    found = status_of(redis.client, "o/r")
    assert found and found["server_state"] == state == ecflow.snapshot()["server_state"]
    assert records_of(found) == ecflow.snapshot()["records"]


@pytest.mark.timeout(1500)  # a hundred runs of the command, beside the other tests
@pytest.mark.shared
def test_every_shared_definition(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, shared: Path
) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    for definition in sorted((shared / "defs").glob("*.def")):
        ecflow.delete_all(True)
        ecflow.load(str(definition))
        assert watchman.collect().code == 0, definition
        ecflow.begin_all_suites(True)
        result = watchman.collect()
        assert (result.code, result.err) == (0, ""), definition
        found = status_of(redis.client, "o/r")
        assert found and records_of(found) == ecflow.snapshot()["records"], definition


def test_one_hanging_server_of_eight(
    ecflow_server: Callable[..., EcflowServer],
    redis: RedisServer,
    watchman: Watchman,
    hanging: socket.socket,
) -> None:
    servers = [ecflow_server() for _ in range(7)]
    for server in servers:
        load_seven(server)
    good = [{"owner": "o", "repo": f"r{i}", "address": server} for i, server in enumerate(servers)]
    bad = {"owner": "o", "repo": "hung", "deadline": 3, "attempts": 2, "connect_timeout": 1}
    watchman.configure(redis.url, [{**bad, "address": servers[0]}])
    assert watchman.collect().code == 0
    kept = redis.client.get("o/hung/status")
    watchman.configure(redis.url, [{**bad, **address_of(hanging)}, *good])

    with watchman.start("collect") as process:
        await_true(
            lambda: all(redis.client.exists(f"o/r{i}/status") for i in range(7)), "the seven were not written"
        )
        assert process.poll() is None, "it has not waited for the hanging one"
        out, err = process.communicate(timeout=10)

    assert (process.returncode, out) == (1, b"")
    lines = err.decode().splitlines()
    assert len(lines) == 2, lines
    warning, line = lines
    assert "two configurations use the name" in warning  # its address is another than before
    assert line.startswith("o/hung: no answer from 127.0.0.1:")
    assert line.endswith("UTC is kept")
    assert redis.client.get("o/hung/status") == kept
    health = health_of(redis.client, "o/hung")
    assert health and schema.is_valid("health", health)
    assert (health["ok"], health["failures"], health["error"]["kind"]) == (False, 1, "no answer")
    assert not redis.client.keys("*/lock")


def test_servers_that_only_wait_are_waited_for_at_once(redis: RedisServer, watchman: Watchman) -> None:
    """However few threads there are at first: each of these servers ends once all of them are asked."""
    many = 70
    asked = threading.Barrier(many)

    def behave(connection: Connection) -> None:
        asked.wait()
        connection.reset()

    with FakeServer(behave, "0.0.0.0") as fake:
        servers = [
            {"owner": "o", "repo": f"r{n}", "host": f"127.0.0.{1 + n}", "port": fake.port, "attempts": 1}
            for n in range(many)
        ]
        watchman.configure(redis.url, servers)
        result = watchman.collect()
    assert result.code == 1
    assert len(result.err.splitlines()) == many
    assert "no answer" not in result.err


def test_cron_gets_nothing_when_all_is_well(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    result = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.quote(WATCHMAN)} collect --config {watchman.config}"],
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_exit_code_2_contacts_nothing(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow, "deadlin": 3}])
    before = ecflow.requests()
    result = watchman.collect()
    assert result.code == 2
    assert "servers[0].deadlin: unknown key; did you mean deadline?" in result.err
    assert ecflow.requests() == before and not redis.client.keys("*")


def test_exit_code_2_for_usage(watchman: Watchman, ecflow: EcflowServer) -> None:
    watchman.configure("file:///nowhere", [{"owner": "o", "repo": "nwpc_op", "address": ecflow}])
    assert watchman.run("collect", "--no-such-option").code == 2
    result = watchman.collect("--server", "nwpc_po")
    assert result.code == 2
    assert "did you mean nwpc_op?" in result.err


def test_exit_code_3_asks_no_server(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow, "deadline": 2}])
    redis.kill()
    before = ecflow.requests()
    result = watchman.collect()
    assert result.code == 3
    assert "Connection refused" in result.err and "no server was asked" in result.err
    assert ecflow.requests() == before


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_at_once(
    redis: RedisServer, watchman: Watchman, hanging: socket.socket, signum: int, code: int
) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", **address_of(hanging), "deadline": 60}])
    with watchman.start("collect") as process:
        connection, _ = hanging.accept()
        with connection:
            assert not psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signum)
            _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, b"")
    assert not redis.client.keys("*")


def test_a_signal_ends_a_run_that_waits_for_the_store(
    ecflow: EcflowServer, watchman: Watchman, hanging: socket.socket
) -> None:
    store = "redis://{host}:{port}/0".format(**address_of(hanging))
    watchman.configure(store, [{"owner": "o", "repo": "r", "address": ecflow, "deadline": 60}])
    with watchman.start("collect") as process:
        connection, _ = hanging.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=2)  # Redis has 5 s for an answer
    assert (process.returncode, out, err) == (143, b"", b"")


def test_a_dry_run_needs_no_store(ecflow: EcflowServer, watchman: Watchman) -> None:
    load_seven(ecflow)
    watchman.configure("redis://127.0.0.1:1/0", [{"owner": "o", "repo": "r", "address": ecflow}])
    result = watchman.collect("--dry-run")
    assert (result.code, result.err) == (0, "")
    (line,) = result.out.splitlines()
    assert records_of(json.loads(line)) == ecflow.snapshot()["records"]


def test_only_the_servers_named(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    servers = [{"owner": owner, "repo": repo, "address": ecflow} for owner in "ab" for repo in ("one", owner)]
    watchman.configure(redis.url, servers)
    result = watchman.collect("--server", "one")
    assert result.code == 2 and "name one of: a/one, b/one" in result.err
    assert watchman.collect("--server", "b/one", "--server", "a").code == 0
    assert sorted(redis.client.keys("*/status")) == [b"a/a/status", b"b/one/status"]


def test_a_directory_store(ecflow: EcflowServer, watchman: Watchman, tmp_path: Path) -> None:
    load_seven(ecflow)
    store = tmp_path / "store"
    watchman.configure(f"file://{store}", [{"owner": "o", "repo": "r", "address": ecflow}])
    for state in ("queued", "active", "active"):
        ecflow.force_state("/forecast/f/complete", f"State.{state}")
        assert watchman.collect().code == 0
        found = json.loads((store / "o/r/status.json").read_text())
        assert records_of(found) == ecflow.snapshot()["records"]
    assert sorted(path.name for path in (store / "o/r").iterdir()) == ["health.json", "status.json", "sync"]
    assert watchman.run("list").code == 0


def test_a_snapshot_can_expire(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}], defaults={"expire": 600})
    for _ in range(2):
        assert watchman.collect().code == 0
        assert 590 < redis.client.ttl("o/r/status") <= 600
        redis.client.expire("o/r/status", 595)


def test_entries_of_one_address_are_read_in_turn(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    """A server is never asked twice at once, under however many names."""
    names = [{"owner": "o", "repo": f"r{i}", "address": ecflow} for i in range(4)]
    watchman.configure(redis.url, names)
    result = watchman.collect("-v")
    assert result.code == 0
    steps = [line.split()[2] for line in result.err.splitlines() if "for an answer" in line]
    assert steps == [f"o/r{i}:" for i in range(4)]
    waiting = [line for line in result.err.splitlines() if "for an answer" in line or ": writing" in line]
    assert [("for an answer" in line) for line in waiting] == [True, False] * 4


def test_a_server_where_every_login_has_a_password(
    ecflow_server: Callable[..., EcflowServer], redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    port, passwords = free_port(), tmp_path / "passwords"
    passwords.write_text(f"5.0.0\n{getpass.getuser()} {socket.gethostname()} {port} secret\n")
    ecflow = ecflow_server(port=port, environment={"ECF_PASSWD": str(passwords)})
    for password, code in (("guess", 1), ("secret", 0)):
        entry = {"owner": "o", "repo": "r", "address": ecflow, "password": password}
        watchman.configure(redis.url, [entry])
        assert watchman.collect().code == code


def test_a_log_for_a_collector(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    load_seven(ecflow)
    gone = {"owner": "o", "repo": "gone", "host": "127.0.0.1", "port": 1, "attempts": 1}
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}, gone])
    result = watchman.collect("-v", "--log-format", "json")
    lines = [json.loads(line) for line in result.err.splitlines()]
    (written,) = [line for line in lines if line.get("result") == "written"]
    assert (written["server"], written["mode"], written["nodes"]) == ("o/r", "full", 12)
    (failed,) = [line for line in lines if line["level"] == "error"]
    assert (failed["server"], failed["kind"]) == ("o/gone", "refused")
