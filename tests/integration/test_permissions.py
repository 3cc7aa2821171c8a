"""Each command with no more permissions in Redis than the documentation prints for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import permissions
from tests.support.ecflow_server import EcflowServer
from tests.support.permissions import READER, READER_CHANGES, READER_DETAILS, RUN, RUN_CHANGES, RUN_DETAILS
from tests.support.receiver import Receiver
from tests.support.redis_server import RedisServer, health_of, verify_next
from tests.support.watchman import Watchman
from watchman_cli.cli.main import WatchmanGroup

DEFINITION = "suite s\n task t\n  edit HOST 'login01'\n task u\n  trigger t == complete\nendsuite\n"
SILENCE = [*READER, *permissions.SILENCE]
DETAILS = [*READER, *READER_DETAILS]
DENIED = {("command", name) for name in ("multi", "exec", "hmget", "hgetall")}
COMMANDS: dict[str, tuple[list[str], list[tuple[str, ...]]]] = {
    "collect": (
        [*RUN, *RUN_CHANGES, *RUN_DETAILS],
        [("collect",), ("collect", "--server", "r", "--reset-sync")],
    ),
    "show": (READER, [("show", "r"), ("show", "r", "--json")]),
    "list": (READER, [("list",), ("list", "--json")]),
    "page": (READER, [("page", "--output", "-")]),
    "check": (READER, [("check", "r", "--max-age", "1h"), ("check", "--all"), ("check", "r", "--deadlines")]),
    "wait": (READER, [("wait", "r", "/s/t", "--until", "aborted", "--max-age", "1h")]),
    "changes": ([*READER, *READER_CHANGES], [("changes", "r"), ("changes", "--all", "--to", "aborted")]),
    "silence": (
        SILENCE,
        [
            ("silence", "r", "/s", "--for", "1h", "--because", "test"),
            ("silence", "--list"),
            ("silence", "r", "/s", "--end"),
        ],
    ),
    "why": (DETAILS, [("why", "r", "/s/u")]),
    "node": (DETAILS, [("node", "r", "/s/t")]),
    "find": (DETAILS, [("find", "--variable", "HOST=login01")]),
    "lint": (DETAILS, [("lint", "r")]),
    "show --labels": (DETAILS, [("show", "r", "--labels", "--meters")]),
    "page and check with details": (
        DETAILS,
        [("page", "--output", "-"), ("check", "r", "--max-age", "1h"), ("check", "r", "--lint")],
    ),
    "config": ([*RUN, *RUN_CHANGES, *RUN_DETAILS], [("config", "check", "--connect"), ("config", "servers")]),
}


# redis-py names watchman in CLIENT LIST if it may, from Redis 7.2 on, and goes on if it may not.
NAMING = ("command", "client|setinfo")


def denied_by(server: RedisServer) -> set[tuple[str, str]]:
    """Return the reasons and the objects of what the server has denied."""
    log: Any = server.client.acl_log()
    return {(each["reason"], each["object"]) for each in log} - {NAMING}


@pytest.fixture
def server(redis_server: Any, ecflow: EcflowServer, watchman: Watchman) -> RedisServer:
    """A Redis into which runs have written everything that a run can write, with the rights of a run."""
    made: RedisServer = redis_server(permissions=[*RUN, *RUN_CHANGES, *RUN_DETAILS])
    ecflow.load_text(DEFINITION)
    ecflow.begin_all_suites()
    with Receiver() as receiver:
        entry = {"owner": "o", "repo": "r", "address": ecflow, "changes": True, "details": True}
        again = {**entry, "repo": "again"}  # of one address: it is locked
        deadline = {"path": "/s/t", "by": "05:30"}
        watchman.configure(
            made.url, [{**entry, "deadlines": [deadline]}, again], notify={"for": 0, "webhook": receiver.url}
        )
        assert watchman.collect().code == 0
        ecflow.force_state("/s/t", "State.aborted")
        result = watchman.collect()
        assert (result.code, result.err) == (0, "")
        assert receiver.requests, "the abort was not told"
    return made


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_with_its_permissions(server: RedisServer, watchman: Watchman, name: str) -> None:
    """It asks for no more; only details are tried to be read without the permission, and then left out."""
    rights, runs = COMMANDS[name]
    server.client.execute_command("ACL", "SETUSER", "default", "reset", "on", "nopass", *rights)
    for command in runs:
        server.client.acl_log_reset()
        result = watchman.run(*command)
        denied = denied_by(server)
        assert (result.code in (0, 1, 2), "permission" in result.err) == (True, False), (command, result.err)
        assert not denied or (rights is READER and denied <= DENIED), (command, denied)


@pytest.mark.parametrize(
    ("settings", "rights"),
    [({}, RUN), ({"changes": True}, [*RUN, *RUN_CHANGES]), ({"details": True}, [*RUN, *RUN_DETAILS])],
    ids=["plain", "changes", "details"],
)
def test_a_run_with_its_permissions(
    redis_server: Any, ecflow: EcflowServer, watchman: Watchman, settings: dict[str, bool], rights: list[str]
) -> None:
    made: RedisServer = redis_server(permissions=rights)
    ecflow.load_text(DEFINITION)
    entry = {"owner": "o", "repo": "r", "address": ecflow, **settings}
    watchman.configure(made.url, [entry, {**entry, "repo": "again"}])
    for status in ("aborted", "complete", "active"):
        ecflow.force_state("/s/t", f"State.{status}")
        result = watchman.collect()
        assert (result.code, result.err, denied_by(made)) == (0, "", set())
        verify_next(made.client, "o/r")
    health = health_of(made.client, "o/r") or {}
    verified = "equal, node by node" + "; their details as well" * ("details" in settings)
    assert health["sync"]["verification"] == verified
    result = watchman.run("config", "check", "--connect")
    assert (result.code, denied_by(made)) == (0, set())


def test_each_command_is_tried() -> None:
    assert {*WatchmanGroup.table, "config"} <= COMMANDS.keys() | {"metrics"}


@pytest.mark.parametrize("right", permissions.SILENCE)
def test_each_permission_of_a_silence_is_needed(server: RedisServer, watchman: Watchman, right: str) -> None:
    left = [each for each in SILENCE if each != right]
    server.client.execute_command("ACL", "SETUSER", "default", "reset", "on", "nopass", *left)
    first = watchman.run("silence", "r", "/s", "--for", "1h", "--because", "test")
    ended = watchman.run("silence", "r", "/s", "--end")
    assert (3 in (first.code, ended.code)) is (right != "+unwatch")  # which only spares a connection
