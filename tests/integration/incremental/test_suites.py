"""`suites`: one client handle that is kept over runs, proved to be ours in each request."""

from __future__ import annotations

import getpass
import re
import socket
import threading
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowError, EcflowServer
from tests.support.faulty_server import Proxy, Reply
from tests.support.loopback import free_port
from tests.support.redis_server import RedisServer, health_of
from tests.support.relay import Relay
from tests.support.watched import NAME, Watched
from tests.support.watchman import Watchman
from watchman_cli.store.redis.keys import key
from watchman_cli.sync.decide import PLUGGED
from watchman_cli.sync.handles import DROPPED, OTHER_SUITES
from watchman_cli.sync.plan import handle_marker

FULL_SYNC = re.compile(rb'"api_":2,"client_handle_":(\d+)')


def handles(ecflow: EcflowServer) -> list[tuple[int, list[str]]]:
    """Return the server's client handles, as number and suites."""
    return [(number, suites) for number, _, suites in ecflow.handles()]


@pytest.fixture
def some(loaded: Watched) -> Watched:
    """A server of which one suite has been read, once."""
    loaded.configure(suites=["s"])
    found = loaded.collect()
    assert (found["mode"], found["requests"]) == ("full", 1)
    loaded.taken()
    return loaded


def kept(watched: Watched) -> int:
    """Return the number of the one handle on the server, which is watchman's."""
    ((number, suites),) = handles(watched.ecflow)
    assert len(suites) == 2 and "s" in suites
    assert any(re.fullmatch(r"watchman_[0-9a-f]{16}", suite) for suite in suites)
    return number


def no_full_sync_with_a_handle(watched: Watched) -> None:
    """With one that is gone it ends ecflow_server 5.9.2."""
    for exchange in watched.relay.exchanges:
        assert set(FULL_SYNC.findall(exchange.request)) <= {b"0"}


def test_one_handle_is_kept_and_proved_in_one_request(some: Watched) -> None:
    number = kept(some)
    for change in (None, "aborted", "complete"):
        if change:
            some.ecflow.force_state("/s/f/b", f"State.{change}")
        found = some.collect()
        assert (found["mode"], found["requests"]) == ("incremental" if change else "unchanged", 1)
        assert kept(some) == number
    for exchange in some.taken():
        assert f'"client_handle_":{number}'.encode() in exchange.request
        assert b"SClientHandleSuitesCmd" in exchange.reply  # the proof
        assert len(exchange.reply) < 8000


def test_nothing_changed_is_three_kilobytes(some: Watched) -> None:
    assert some.collect()["mode"] == "unchanged"
    (exchange,) = some.taken()
    assert len(exchange.reply) <= 3000


def test_changes_in_other_suites_cost_nothing(some: Watched) -> None:
    some.collect()
    quiet = len(some.taken()[0].reply)
    ecflow = some.ecflow
    changes: list[tuple[str, Any, Any]] = [
        ("force_state_recursive", "/other", "State.aborted"),
        ("load_text", "suite third\n  task t\nendsuite\n", False),
        ("delete", "/other", True),
    ]
    for change in changes:
        ecflow.call(*change)
        found = some.collect()
        assert (found["requests"], found["mode"] != "full") == (1, True), found
        (exchange,) = some.taken()
        assert len(exchange.reply) < quiet + 600  # the state of `/` may be another


def test_a_handle_that_somebody_dropped_is_registered_anew(some: Watched) -> None:
    number = kept(some)
    some.ecflow.ch_drop(number)
    some.ecflow.force_state("/s/f/a", "State.aborted")
    found = some.collect()
    assert (found["mode"], found["reason"], found["requests"]) == ("full", DROPPED, 2)
    kept(some)
    no_full_sync_with_a_handle(some)
    assert some.collect()["mode"] == "unchanged"


def test_a_handle_whose_number_is_somebody_elses_now(some: Watched) -> None:
    """It has the same suites, too: only the mark shows it."""
    number = kept(some)
    some.ecflow.ch_drop(number)
    some.ecflow.ch_register(False, ["s"])
    assert handles(some.ecflow) == [(number, ["s"])]
    some.ecflow.force_state("/s/f/a", "State.aborted")
    found = some.collect()
    assert (found["mode"], found["reason"], found["requests"]) == ("full", DROPPED, 2)
    assert (number, ["s"]) in handles(some.ecflow)
    assert len(handles(some.ecflow)) == 2
    no_full_sync_with_a_handle(some)
    assert some.collect()["mode"] == "unchanged"
    assert len(handles(some.ecflow)) == 2


def test_a_restart_takes_the_handle_with_it(some: Watched) -> None:
    some.ecflow.checkpt()
    some.ecflow.kill()
    some.ecflow.start()
    found = some.collect()
    assert (found["mode"], found["requests"]) == ("full", 2)
    assert found["reason"].startswith("the server was restarted")
    no_full_sync_with_a_handle(some)
    kept(some)
    assert some.collect()["mode"] == "unchanged"


def test_a_suite_that_is_replaced_deleted_or_comes_later(some: Watched) -> None:
    some.configure(suites=["s", "later"])
    found = some.collect()
    assert found["reason"] == "the server's address, user or suites differ"
    some.ecflow.load_text("suite later\n  task t\nendsuite\n")
    assert some.collect()["mode"] == "full"
    some.ecflow.load_text("suite s\n  task z\nendsuite\n", True)
    assert some.collect()["mode"] == "full"
    some.ecflow.delete("/s", True)
    assert some.collect()["mode"] == "full"
    assert some.collect()["mode"] == "unchanged"
    assert len(handles(some.ecflow)) == 1
    no_full_sync_with_a_handle(some)


def test_children_and_order_are_read_in_full_with_the_same_handle(some: Watched) -> None:
    number = kept(some)
    some.ecflow.order("/s/f/b", "top")
    found = some.collect()
    assert (found["mode"], found["requests"]) == ("full", 2)
    some.ecflow.delete("/s/f/b", True)
    found = some.collect()
    assert (found["mode"], found["requests"]) == ("full", 2)
    assert kept(some) == number
    no_full_sync_with_a_handle(some)


def test_other_suites_are_another_handle_and_the_old_one_is_dropped(some: Watched) -> None:
    some.configure(suites=["other"])
    assert some.collect()["mode"] == "full"
    ((_, suites),) = handles(some.ecflow)
    assert "other" in suites and "s" not in suites


def test_no_suites_any_more_drops_it(some: Watched) -> None:
    del some.settings["suites"]
    some.configure()
    assert some.collect()["mode"] == "full"
    assert handles(some.ecflow) == []
    assert some.collect()["mode"] == "unchanged"


def test_no_suites_any_more_and_no_sync_cache_drops_it(some: Watched) -> None:
    some.redis.client.delete(key(NAME, "sync"))
    del some.settings["suites"]
    some.configure()
    some.collect()
    assert handles(some.ecflow) == []


def test_a_reset_drops_it_and_registers_another(some: Watched) -> None:
    some.ecflow.ch_register(False, ["other"])  # which is not ours
    theirs = (2, ["other"])
    (first,) = (each for each in handles(some.ecflow) if each != theirs)
    found = some.collect("--reset-sync", NAME)
    assert found["reason"] == "incremental syncs were reset"
    (second,) = (each for each in handles(some.ecflow) if each != theirs)
    assert first[0] != second[0] and set(first[1]) != set(second[1])
    assert theirs in handles(some.ecflow)
    no_full_sync_with_a_handle(some)


def test_switched_off_keeps_none(some: Watched) -> None:
    some.top["sync_cache"] = "off"
    some.configure()
    some.collect()
    assert handles(some.ecflow) == []


def test_a_dry_run_leaves_none_and_takes_none_away(some: Watched) -> None:
    number = kept(some)
    assert some.watchman.collect("--dry-run").code == 0
    assert kept(some) == number
    assert some.collect()["mode"] == "unchanged"


def test_two_stores_and_two_names_have_handles_of_their_own(
    some: Watched, redis_server: Any, watchman: Watchman
) -> None:
    first = kept(some)
    elsewhere: RedisServer = redis_server()
    for url, repo in ((elsewhere.url, "r"), (some.redis.url, "r2")):
        entry = {"owner": "o", "repo": repo, "address": some.relay, "suites": ["s"]}
        watchman.configure(url, [entry])
        for arguments in ((), (), ("--reset-sync", f"o/{repo}"), ("--dry-run",)):
            assert watchman.collect(*arguments).code == 0
            assert first in dict(handles(some.ecflow))
    numbers = dict(handles(some.ecflow))
    assert len(numbers) == 3 and len({tuple(suites) for suites in numbers.values()}) == 3
    some.configure()
    assert some.collect()["mode"] == "unchanged"
    assert dict(handles(some.ecflow)) == numbers


def test_a_run_that_was_killed_half_way_leaves_one_that_the_next_drops(some: Watched) -> None:
    """And only that: not those of a GUI, nor those of another watchman."""
    number = kept(some)
    mark = dict(handles(some.ecflow))[number]
    some.redis.client.delete(key(NAME, "sync"))  # so that the next run registers one
    some.ecflow.ch_register(True, ["s"])
    some.ecflow.ch_register(False, ["s", "watchman_0123456789abcdef"])
    theirs = [each for each in handles(some.ecflow) if each[0] != number]
    asked = threading.Event()

    def hang(reply: Reply) -> None:
        asked.set()
        threading.Event().wait()

    with Proxy(some.ecflow.port, hang) as proxy:
        entry = {"owner": "o", "repo": "r", "address": proxy, "suites": ["s"]}
        some.watchman.configure(some.redis.url, [entry])
        with some.watchman.start("collect") as process:
            assert asked.wait(60)
            process.kill()
            process.communicate()
    left = [suites for _, suites in handles(some.ecflow) if (_, suites) not in theirs]
    assert len(left) == 2 and mark in left
    some.configure()
    some.collect()
    assert [each for each in handles(some.ecflow) if each in theirs] == theirs
    assert len(handles(some.ecflow)) == len(theirs) + 1


def test_a_killed_referees_handle_is_dropped_by_the_next_run(some: Watched) -> None:
    mark = handle_marker(some.redis.url.rpartition("@")[2], NAME)
    number = kept(some)
    some.ecflow.ch_register(False, [f"{mark}_referee", "s"])
    assert len(handles(some.ecflow)) == 2
    assert some.collect()["mode"] == "unchanged"
    assert kept(some) == number


def test_the_server_sends_no_other_suites(some: Watched) -> None:
    many = "".join(f"  task t{number}\n" for number in range(2000))
    some.ecflow.load_text(f"suite large\n{many}endsuite\n")
    some.watchman.collect("--reset-sync", NAME)
    for state in ("complete", "aborted"):
        some.ecflow.force_state_recursive("/large", f"State.{state}")
        some.ecflow.force_state("/s/f/b", f"State.{state}")
        assert some.watchman.collect().code == 0
        health = health_of(some.redis.client, NAME)
        assert health and health["sync"]["mode"] == "incremental", health
    assert max(len(exchange.reply) for exchange in some.taken()) < 20_000
    some.check()


def test_a_user_who_may_only_read_may_keep_a_handle(
    ecflow_server: Any, redis: RedisServer, watchman: Watchman, tmp_path: Any
) -> None:
    """It alters no definition."""
    port = free_port()
    lists, passwords = tmp_path / "lists", tmp_path / "passwords"
    lists.write_text(f"4.4.14\n{getpass.getuser()}\n-reader\n")
    passwords.write_text(f"5.0.0\nreader {socket.gethostname()} {port} secret\n")
    files = {"ECF_LISTS": str(lists), "ECF_CUSTOM_PASSWD": str(passwords)}
    ecflow = ecflow_server(port=port, environment=files)
    ecflow.load_text("suite s\n  task t\nendsuite\n")
    with Relay(ecflow.port) as relay:
        watched = Watched(ecflow, relay, redis, watchman)
        watched.configure(user="reader", password="secret", suites=["s"])
        assert [watched.collect()["mode"] for _ in range(2)] == ["full", "unchanged"]
        ((_, user, _),) = ecflow.handles()
        assert user == "reader"


# ---------------------------------------------------------- handles that others change, or that look alike


@pytest.mark.parametrize(
    ("method", "suites"), [("ch_remove", ["s"]), ("ch_add", ["other"]), ("ch_remove", ["s", "no-such"])]
)
def test_suites_of_the_handle_that_a_client_changed(some: Watched, method: str, suites: list[str]) -> None:
    some.configure(suites=["s", "no-such"])
    some.collect()
    for _ in range(2):
        ((number, _),) = handles(some.ecflow)
        some.ecflow.call(method, number, suites)
        some.ecflow.force_state("/s/f/a", "State.aborted")
        found = some.collect()
        assert (found["mode"], found["reason"]) == ("full", OTHER_SUITES)
        assert some.collect()["mode"] == "unchanged"
    assert len(handles(some.ecflow)) == 1
    no_full_sync_with_a_handle(some)


def test_a_handle_that_adds_new_suites_by_itself(some: Watched) -> None:
    some.ecflow.ch_auto_add(kept(some), True)
    assert some.collect()["mode"] == "unchanged"
    some.ecflow.load_text("suite third\n  task t\nendsuite\n")
    found = some.collect()
    assert (found["mode"], found["reason"]) == ("full", OTHER_SUITES)
    assert some.collect()["mode"] == "unchanged"
    kept(some)


def test_a_handle_that_lost_its_mark(some: Watched) -> None:
    (mark,) = (suite for suite in dict(handles(some.ecflow))[kept(some)] if suite != "s")
    some.ecflow.ch_remove(kept(some), [mark])
    found = some.collect()
    assert (found["mode"], found["reason"]) == ("full", DROPPED)
    assert some.collect()["mode"] == "unchanged"


class Container:
    """One of several with the same host name and address of the store, each with a store of its own."""

    def __init__(self, watched: Watched, suites: list[str]) -> None:
        self._watched, self._suites = watched, suites
        self._values: dict[Any, Any] = {}

    def collect(self) -> dict[str, Any]:
        redis: Any = self._watched.redis.client
        redis.flushall()
        for name, value in self._values.items():
            redis.set(name, value)
        self._watched.configure(suites=self._suites)
        found = self._watched.collect()
        self._values = {name: redis.get(name) for name in redis.keys("*")}
        return found


@pytest.mark.parametrize(
    "suites",
    [{"A": ["s"], "B": ["other", "later"], "C": ["later"]}, {name: ["s", "later"] for name in "ABC"}],
    ids=["other suites", "the same suites"],
)
def test_containers_that_look_alike_have_handles_of_their_own(
    loaded: Watched, suites: dict[str, list[str]]
) -> None:
    """The same number comes round to each of them; who shares a handle is not told what the other was."""
    containers = {name: Container(loaded, some) for name, some in suites.items()}
    for name in "ABCAABCA":
        containers[name].collect()
    loaded.ecflow.load_text("suite later\n  task t\nendsuite\n")
    for name in "ACBAABCBBAA":
        containers[name].collect()
    assert containers["A"].collect()["mode"] == "unchanged"


def test_an_archived_suite_that_a_refused_plug_restored(some: Watched) -> None:
    """No number of the handle moves, but the count of such requests."""
    some.ecflow.alter("/s", "add", "variable", "ECF_HOME", str(some.ecflow.home))
    some.ecflow.archive("/s/f/g")
    some.collect()
    assert some.collect()["mode"] == "unchanged"
    with pytest.raises(EcflowError):
        some.ecflow.plug("/s/f/g", "/s/f/g")
    found = some.collect()
    assert (found["mode"], found["reason"], found["requests"]) == ("full", PLUGGED, 2)
    assert some.collect()["mode"] == "unchanged"
    kept(some)
    no_full_sync_with_a_handle(some)
