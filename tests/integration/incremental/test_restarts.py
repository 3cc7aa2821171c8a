"""Another start of the server, which its change numbers do not show, and statistics that do not either."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from tests.conftest import require_namespace
from tests.soak.soak import SAME_PID
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay
from tests.support.watched import DEFINITION, Watched
from tests.support.watchman import Watchman
from watchman_cli.ecflow_client import Access, Client, FullSync, Limits, Stats
from watchman_cli.sync import cache as sync_cache
from watchman_cli.sync.instance import JUST_STARTED
from watchman_cli.sync.reading import Scope
from watchman_cli.sync.session import SyncSession

RESTARTED = "the server was restarted"
RESET = f"{RESTARTED}, or its statistics were reset"


def pass_number(ecflow: EcflowServer, changes: int) -> None:
    """Make more changes than a server's change number had reached."""
    for turn in range(changes):
        ecflow.force_state("/s/f/g/c", ("State.complete", "State.queued")[turn % 2])


@pytest.mark.parametrize("prefix", [(), SAME_PID], ids=["another PID", "the same PID"])
def test_started_from_a_checkpoint_and_past_the_old_number(
    ecflow_server: Callable[..., EcflowServer], redis: RedisServer, watchman: Watchman, prefix: Any
) -> None:
    """The server has no changes to report, though its nodes are others."""
    if prefix:
        require_namespace("--pid", "--fork")
    ecflow = ecflow_server(prefix=prefix)
    ecflow.load_text(DEFINITION)
    ecflow.begin_all_suites()
    ecflow.checkpt()
    ecflow.force_state("/s/f/a", "State.aborted")  # lost with the server
    with Relay(ecflow.port) as relay:
        watched = Watched(ecflow, relay, redis, watchman)
        watched.configure()
        watched.collect()
        assert watched.collect()["mode"] == "unchanged"
        pid = ecflow.variable("ECF_PID")
        ecflow.kill()
        ecflow.start()
        pass_number(ecflow, 60)
        assert (ecflow.variable("ECF_PID") == pid) == bool(prefix)
        found = watched.collect()
        assert found["mode"] == "full"
        assert found["reason"] in (RESTARTED, RESET)  # the latter where both starts were in one second
        assert watched.collect()["mode"] == "unchanged"


def test_equal_change_numbers_after_a_restart(watched: Watched) -> None:
    """The very numbers of before, for other states."""
    ecflow = watched.ecflow
    ecflow.checkpt()
    ecflow.force_state("/s/f/a", "State.aborted")
    watched.collect()
    watched.taken()
    ecflow.kill()
    ecflow.start()
    ecflow.force_state("/s/f/b", "State.aborted")
    found = watched.collect()
    assert found["mode"] == "full" and found["reason"].startswith(RESTARTED)
    assert watched.collect()["mode"] == "unchanged"


def test_restored_from_a_checkpoint_without_a_restart(watched: Watched) -> None:
    """The server's own restore_from_checkpt keeps its PID and start time."""
    watched.ecflow.checkpt()
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    watched.collect()
    watched.ecflow.halt_server()
    watched.ecflow.delete_all(True)
    watched.ecflow.restore_from_checkpt()
    assert watched.collect()["mode"] == "full"


def test_statistics_that_were_reset(watched: Watched) -> None:
    assert watched.collect()["mode"] == "unchanged"
    address = ["--host=127.0.0.1", f"--port={watched.ecflow.port}"]
    subprocess.run(["ecflow_client", *address, "--stats_reset"], check=True, capture_output=True)
    found = watched.collect()
    assert (found["mode"], found["reason"]) == ("full", RESET)
    assert [watched.collect()["mode"] for _ in range(3)] == ["unchanged"] * 3


# ----------------------------------------------------------------------- what the statistics show


def with_statistics(change: Callable[[str], str]) -> Callable[[bytes, bytes], bytes]:
    """Return what rewrites the statistics in each reply, and leaves its layout."""

    def rewrite(request: bytes, reply: bytes) -> bytes:
        found = re.search(rb'"str_": ("(?:[^"\\]|\\.)*")', reply)
        if not found:
            return reply
        text = json.dumps(change(json.loads(found[1])))
        return reply[: found.start(1)] + text.encode() + reply[found.end(1) :]

    return rewrite


def as_since_5_16(text: str) -> str:
    """Return statistics as ecFlow 5.16 and later print them: two blanks, the PID, and no line with a zero."""
    lines = [line[1:] if line.startswith("   ") else line for line in text.splitlines()]
    kept = [line for line in lines if not re.search(r"  0$", line)]
    pid = "  PID                                       4711"
    return "\n".join([*kept, pid]).replace("stats cmd", "Stats cmd") + "\n"


def test_statistics_as_before_5_16_and_since(watched: Watched) -> None:
    """Both distinguish one start from another; and a server that was upgraded was restarted."""
    watched.relay.rewrite = with_statistics(as_since_5_16)
    found = watched.collect()
    assert (found["mode"], found["reason"]) == ("full", RESTARTED)
    assert watched.collect()["mode"] == "unchanged"
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    assert watched.collect()["mode"] == "incremental"
    watched.relay.rewrite = with_statistics(lambda text: as_since_5_16(text).replace("4711", "4712"))
    assert watched.collect()["reason"] == RESTARTED


def test_two_starts_within_a_second_with_one_pid(watched: Watched) -> None:
    """As it is in a container: then only the number of requests differs."""

    def in_one_second(text: str) -> str:
        text = re.sub(r"(?i)^( *pid +)\d+", r"\g<1>1", text, flags=re.MULTILINE)  # reported since 5.16
        return re.sub(r"(Up since +)\S.*", r"\g<1>2026-Nov-24 00:12:57", text)

    watched.relay.rewrite = with_statistics(in_one_second)
    watched.ecflow.checkpt()
    assert watched.collect()["mode"] == "full"
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    assert watched.collect()["mode"] == "incremental"
    watched.ecflow.kill()
    watched.ecflow.start()
    pass_number(watched.ecflow, 8)
    found = watched.collect()
    assert (found["mode"], found["reason"]) == ("full", RESET)
    assert watched.collect()["mode"] == "unchanged"


def ask_as_others_do(ecflow: EcflowServer, times: int) -> None:
    """Make requests as another watchman does, which the server counts as it counts ours."""
    end = time.monotonic() + 60
    for _ in range(times):
        Client(Access(ecflow.host, ecflow.port)).ask([Stats(), FullSync()], Limits(end, end, 1 << 24))


def test_two_starts_within_a_second_that_others_ask_too(watched: Watched) -> None:
    """Then not even the number of requests differs; the second cannot be proved to be over, by this clock."""

    def ahead(text: str) -> str:
        text = re.sub(r"(?i)^( *pid +)\d+", r"\g<1>1", text, flags=re.MULTILINE)
        return re.sub(r"(Up since +)\S.*", rf"\g<1>{datetime.now().year + 1}-Nov-24 00:12:57", text)

    watched.relay.rewrite = with_statistics(ahead)
    watched.ecflow.checkpt()
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    assert watched.collect()["reason"] == RESTARTED
    watched.ecflow.kill()
    watched.ecflow.start()
    pass_number(watched.ecflow, 8)
    ask_as_others_do(watched.ecflow, 8)
    for _ in range(2):
        found = watched.collect()
        assert (found["mode"], found["reason"], found["requests"]) == ("full", JUST_STARTED, 1)


def test_read_in_the_second_of_the_start(loaded: Watched) -> None:
    """The server goes by this host's clock, so that its second is over as soon as it is here."""
    second: list[datetime] = []

    def started_now(text: str) -> str:
        second.append(datetime.now(timezone.utc).replace(microsecond=0))
        return re.sub(r"(Up since +)\S.*", rf"\g<1>{second[0]:%Y-%b-%d %H:%M:%S}", text)

    loaded.relay.rewrite = with_statistics(started_now)
    loaded.collect()
    await_true(lambda: time.time() >= second[0].timestamp() + 1, "the clock stands still")
    found = loaded.collect()
    assert (found["mode"], found["reason"]) == ("full", JUST_STARTED)
    assert loaded.collect()["mode"] == "unchanged"


def test_restarted_while_the_bindings_read(watched: Watched) -> None:
    """Numbers of another start say nothing of what changed meanwhile."""
    cache = sync_cache.decode(watched.value("sync"))
    assert cache
    end = time.monotonic() + 60
    client = Client(Access(watched.relay.host, watched.relay.port))
    scope = Scope((), "watchman_0123456789abcdef", [], False, True)
    session = SyncSession(client, Limits(end, end, 1 << 24), scope, lambda: None)
    numbers = cache.state_change_no, cache.modify_change_no
    assert session.changed_since(numbers, cache) == set()
    watched.relay.rewrite = with_statistics(lambda text: text.replace("Up since    ", "Up since    1"))
    assert session.changed_since(numbers, cache) is None


UNKNOWN: dict[str, tuple[Callable[[str], str], str]] = {
    "none": (lambda text: "", "version, host, port, up since, stats cmd, group"),
    "another language": (lambda text: text.replace("Up since", "Läuft seit"), "up since"),
    "other blanks": (lambda text: text.replace("   ", "\t"), "version, host, port, up since, stats cmd"),
    "no count": (lambda text: re.sub(r"(?i)stats cmd +\d+", "stats cmd    many", text), "stats cmd"),
    "the lines in JSON": (lambda text: json.dumps(text.split()), "version, host, port, up since, stats cmd"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_statistics_that_cannot_be_understood_are_said_and_are_no_restart(
    watched: Watched, what: str
) -> None:
    change, missing = UNKNOWN[what]
    watched.relay.rewrite = with_statistics(change)
    for requests in (2, 1):  # what was kept is tried once
        found = watched.collect()
        assert (found["mode"], found["requests"]) == ("full", requests)
        assert found["reason"].startswith("the server's statistics do not show which start of it this is")
        assert missing in found["reason"]
        assert "restarted" not in found["reason"]
    watched.relay.rewrite = None
    assert watched.collect()["mode"] == "full"
    assert watched.collect()["mode"] == "unchanged"
