"""Notifications of real runs: real ecFlow servers, real stores, and receivers over real sockets."""

from __future__ import annotations

import json
import signal
import socket
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true, free_port
from tests.support.receiver import Receiver
from tests.support.redis_server import RedisServer, health_of
from tests.support.watchman import Watchman
from watchman_cli.follow import history
from watchman_cli.store import open_store

DEFINITION = """\
suite s
  family f
    task a
    task b
  endfamily
endsuite
"""


class Site:
    """A server, a store, and a receiver of events."""

    def __init__(self, server: EcflowServer, store: str, watchman: Watchman, receiver: Receiver) -> None:
        self.server, self.store, self.watchman, self.receiver = server, store, watchman, receiver
        server.load_text(DEFINITION)
        server.begin_all_suites()
        server.suspend("/s")
        server.restart_server()

    def configure(self, notify: dict[str, Any], address: Any = None, **rest: Any) -> None:
        entry = {"owner": "o", "repo": "r", "address": address or self.server, "attempts": 1, **rest}
        self.watchman.configure(self.store, [entry], notify={"for": 0, **notify})

    def look(self) -> str:
        """Make a run; return what it reports."""
        return self.watchman.collect().err

    @property
    def told(self) -> list[tuple[list[str], list[str]]]:
        """The causes that began and ended in each event."""
        return [
            (
                [each["cause"] for each in body["data"]["began"]],
                [each["cause"] for each in body["data"]["ended"]],
            )
            for body in self.receiver.bodies
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(params=["redis", "directory"])
def site(
    request: pytest.FixtureRequest,
    ecflow: EcflowServer,
    redis: RedisServer,
    watchman: Watchman,
    tmp_path: Path,
    receiver: Receiver,
) -> Site:
    store = redis.url if request.param == "redis" else f"file://{tmp_path}/store"
    return Site(ecflow, store, watchman, receiver)


def test_each_cause_is_told_once_as_it_begins_and_once_as_it_ends(site: Site) -> None:
    site.configure({"webhook": site.receiver.url})
    site.look()
    assert site.told == []
    site.server.force_state("/s/f/a", "State.aborted")
    site.look()
    site.look()
    assert site.told == [(["/s/f/a"], [])]  # not the family and the suite, which are aborted by it
    site.server.force_state("/s/f/b", "State.aborted")
    site.look()
    site.server.force_state("/s/f/a", "State.complete")
    site.look()
    site.look()
    site.server.force_state("/s/f/b", "State.complete")
    site.look()
    site.look()
    assert site.told == [
        (["/s/f/a"], []),
        (["/s/f/b"], []),
        ([], ["/s/f/a"]),
        ([], ["/s/f/b"]),
    ]
    began, _, ended, _ = site.receiver.bodies
    assert began["source"] == "o/r" and began["type"] == "watchman.causes"
    assert began["data"]["began"][0]["text"] == "/s/f/a aborted"
    assert ended["data"]["ended"][0]["until"] >= began["data"]["began"][0]["since"]
    assert len({body["id"] for body in site.receiver.bodies}) == 4


def test_server_that_fails_or_is_halted(site: Site) -> None:
    site.configure({"webhook": site.receiver.url})
    site.server.force_state("/s/f/a", "State.aborted")
    site.look()
    site.server.halt_server()
    site.look()
    site.configure({"webhook": site.receiver.url}, address=_Nowhere())
    site.look()
    site.look()
    assert site.told == [(["/s/f/a"], []), (["halted"], []), (["failing"], [])]
    site.server.force_state("/s/f/a", "State.complete")
    site.configure({"webhook": site.receiver.url})
    site.look()
    (end,) = site.told[3:]
    assert end[0] == [] and sorted(end[1]) == ["/s/f/a", "failing"]  # it is still halted


class _Nowhere:
    """An address at which nothing listens."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = free_port()


def test_cause_that_does_not_last_is_not_told(site: Site) -> None:
    site.configure({"webhook": site.receiver.url, "for": "1h"})
    site.server.force_state("/s/f/a", "State.aborted")
    site.look()
    site.server.force_state("/s/f/a", "State.complete")
    site.look()
    site.server.force_state("/s/f/b", "State.aborted")
    site.look()
    site.configure({"webhook": site.receiver.url})
    site.look()
    assert site.told == [(["/s/f/b"], [])]


def test_receiver_that_fails_gets_the_events_in_order_later(site: Site) -> None:
    with Receiver() as other:
        url = other.url
    port = int(url.split(":")[2].partition("/")[0])
    site.configure({"webhook": url})
    site.server.force_state("/s/f/a", "State.aborted")
    result = site.watchman.collect()
    assert result.code == 0
    assert result.err.startswith("watchman: notify: webhook http://127.0.0.1:")
    assert "connection refused" in result.err
    site.server.force_state("/s/f/b", "State.aborted")
    assert site.look() == ""
    with Receiver(port=port) as other:
        assert "recovered after 2 failed runs" in site.look()
        assert [body["data"]["began"][0]["cause"] for body in other.bodies] == ["/s/f/a", "/s/f/b"]
        assert site.look() == ""
        assert len(other.bodies) == 2


def test_configuration_without_notify_leaves_the_notices(site: Site) -> None:
    site.configure({"webhook": site.receiver.url})
    site.server.force_state("/s/f/a", "State.aborted")
    site.look()
    site.watchman.configure(site.store, [{"owner": "o", "repo": "r", "address": site.server}])
    site.server.force_state("/s/f/a", "State.complete")
    site.look()
    assert site.told == [(["/s/f/a"], [])]
    site.configure({"webhook": site.receiver.url})
    site.look()
    assert site.told == [(["/s/f/a"], []), ([], ["/s/f/a"])]


def test_batches_of_changes_have_what_is_told(site: Site) -> None:
    site.configure({"webhook": site.receiver.url}, changes=True)
    site.look()
    site.server.force_state("/s/f/a", "State.aborted")
    site.look()
    site.configure({"webhook": site.receiver.url}, address=_Nowhere(), changes=True)
    site.look()
    store = open_store(site.store)
    batches = [batch for _, batch in history(store, "o/r", None)]
    store.close()
    told = [[each["cause"] for each in batch.began] for batch in batches]
    assert told == [[], ["/s/f/a"], ["failing"]]
    assert batches[2].before == batches[2].after == batches[1].after
    assert [body["data"]["began"] for body in site.receiver.bodies] == [
        list(batch.began) for batch in batches[1:]
    ]


def test_cause_that_outlasts_its_silence_is_told_then(site: Site) -> None:
    site.configure({"webhook": site.receiver.url})
    site.server.force_state("/s/f/a", "State.aborted")
    site.look()
    config = str(site.watchman.config)
    silence = ("silence", "o/r", "/s/f")
    assert site.watchman.run(*silence, "--for", "1h", "--because", "work", "--config", config).code == 0
    site.server.force_state("/s/f/a", "State.complete")
    site.server.force_state("/s/f/b", "State.aborted")
    site.look()
    site.look()
    assert site.told == [(["/s/f/a"], []), ([], ["/s/f/a"])]
    assert site.watchman.run(*silence, "--end", "--config", config).code == 0
    site.look()
    assert site.told[2:] == [(["/s/f/b"], [])]


def test_command_gets_the_event(site: Site, tmp_path: Path) -> None:
    got = tmp_path / "got"
    site.configure({"command": ["sh", "-c", f"cat >> {got}"]})
    site.server.force_state("/s/f/a", "State.aborted")
    assert site.look() == ""
    (line,) = filter(None, got.read_text().splitlines())
    assert json.loads(line)["data"]["began"][0]["cause"] == "/s/f/a"
    site.look()
    assert len(got.read_text().split()) == len(line.split())


def test_file_that_others_can_write_must_not_name_a_command(site: Site) -> None:
    site.configure({"command": ["true"]})
    site.watchman.config.chmod(site.watchman.config.stat().st_mode | stat.S_IWOTH)
    result = site.watchman.collect()
    assert result.code == 2
    assert "notify.command: a file that other users can write must not name a program: " in result.err


def test_ping_after_each_run(site: Site, redis: RedisServer) -> None:
    site.configure({"ping": site.receiver.url})
    site.look()
    site.configure({"ping": site.receiver.url}, address=_Nowhere())
    site.look()
    site.watchman.configure(
        f"redis://127.0.0.1:{free_port()}/0",
        [{"owner": "o", "repo": "r", "address": site.server, "deadline": 1}],
        notify={"ping": site.receiver.url},
    )
    assert site.watchman.collect().code == 3
    assert [each.path for each in site.receiver.requests] == ["/hook", "/hook/fail", "/hook/fail"]


def test_hanging_receivers_cost_no_snapshot_and_no_exit_code(site: Site, tmp_path: Path) -> None:
    """All of them hang; the run ends, and neither a process nor a lock is left."""
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! >> {pids}; wait"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        everything = {
            "alertmanager": [url, f"{url}/second"],
            "webhook": url,
            "command": ["sh", "-c", script],
            "ping": url,
        }
        site.configure(everything)
        site.server.force_state("/s/f/a", "State.aborted")
        result = site.watchman.collect()
    assert result.code == 0
    assert result.err.count("no answer in time") == 3
    assert "command 'sh': it did not end in time, and was killed" in result.err
    for pid in pids.read_text().split():
        await_true(partial(_is_gone, int(pid)), "a child of the command is left")
    site.configure({"webhook": site.receiver.url})
    assert "recovered" not in site.look()  # another address
    assert site.told == [(["/s/f/a"], [])]


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_run_that_is_killed_after_the_delivery_delivers_again_with_the_same_id(
    ecflow: EcflowServer, redis: RedisServer, tmp_path: Path, receiver: Receiver
) -> None:
    site = Site(ecflow, redis.url, Watchman(tmp_path), receiver)
    site.configure({"webhook": receiver.url})
    ecflow.force_state("/s/f/a", "State.aborted")
    receiver.statuses[:] = [0]
    process = site.watchman.start("collect")
    assert receiver.got.wait(60)
    process.send_signal(signal.SIGKILL)  # the receiver has it, and the run does not know
    process.communicate()
    site.look()
    site.look()
    first, second = receiver.bodies
    assert first == second
    record = health_of(redis.client, "o/r")
    assert record and record["notices"]["events"] == []


def test_interrupted_run_leaves_no_command(
    ecflow: EcflowServer, redis: RedisServer, tmp_path: Path, receiver: Receiver
) -> None:
    site = Site(ecflow, redis.url, Watchman(tmp_path), receiver)
    pid = tmp_path / "pid"
    site.configure({"command": ["sh", "-c", f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 600"]})
    ecflow.force_state("/s/f/a", "State.aborted")
    process = site.watchman.start("collect")
    await_true(pid.exists, "the command did not start", 60)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    await_true(lambda: _is_gone(int(pid.read_text())), "the command is left")
