"""Deadlines over real runs: each miss is reported once, on standard error, in the metrics and by check."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer, health_of
from tests.support.watchman import Watchman
from watchman_cli.store.redis.keys import key

DEFINITION = """\
suite s
  family f
    task a
    task b
  endfamily
endsuite
"""


def clock(minutes: float) -> str:
    """Return the time of day, in UTC, this many minutes from now."""
    return f"{datetime.now(timezone.utc) + timedelta(minutes=minutes):%H:%M}"


KILLED_BEFORE_THE_REPORT = """
import os, signal, sys
from watchman_cli.output.log import Reporter
Reporter.on_warnings = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from watchman_cli.__main__ import run
run()
"""


class Due:
    """A server with deadlines that are due now, and what is known of them."""

    def __init__(self, ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
        self.ecflow, self.redis, self.watchman = ecflow, redis, watchman
        ecflow.load_text(DEFINITION)
        ecflow.begin_all_suites()

    def configure(self, *deadlines: dict[str, Any], address: Any = None, **rest: Any) -> None:
        entry = {"owner": "o", "repo": "r", "address": address or self.ecflow, "attempts": 1}
        entries = [entry | {"deadlines": list(deadlines)}] if deadlines else [entry]
        self.watchman.configure(self.redis.url, entries, **rest)

    def look(self) -> list[str]:
        """Make a run; return the misses that it reports."""
        result = self.watchman.collect()
        return [line for line in result.err.splitlines() if "deadline missed" in line]

    def known(self) -> list[dict[str, Any]]:
        record = health_of(self.redis.client, "o/r")
        assert record
        deadlines: list[dict[str, Any]] = record["deadlines"]
        return deadlines

    def look_before_due(self) -> None:
        """Make a run, and have it be one before the due time, which nobody can wait for."""
        self.look()
        record = health_of(self.redis.client, "o/r")
        assert record
        for each in record["deadlines"]:
            moments = {name: datetime.fromisoformat(each[name]) for name in ("due", "next_start", "next_due")}
            if moments["due"] > datetime.now(timezone.utc):  # a new one, which waits for its next cycle
                moments = {name: moment - timedelta(days=1) for name, moment in moments.items()}
            each |= {name: moment.isoformat() for name, moment in moments.items()}
            judged = moments["due"] - timedelta(minutes=1)
            each |= {"state": "pending", "judged": judged.isoformat(), "reached": None, "misses": 0}
            each |= {"reported": 0, "past": []}
        self.redis.client.set(key("o/r", "health"), json.dumps(record))

    def age(self, **span: float) -> None:
        """Have the health record be older by this time."""
        record = health_of(self.redis.client, "o/r")
        assert record
        (state,) = record["deadlines"]
        for name in ("due", "judged", "next_start", "next_due"):
            state[name] = (datetime.fromisoformat(state[name]) - timedelta(**span)).isoformat()
        self.redis.client.set(key("o/r", "health"), json.dumps(record))

    def check(self) -> tuple[int, str]:
        result = self.watchman.run("check", "r", "--deadlines")
        assert result.err == ""
        return result.code, result.out.decode()


@pytest.fixture
def due(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> Due:
    return Due(ecflow, redis, watchman)


def passed(path: str = "/s/f/a", **more: Any) -> dict[str, Any]:
    """Return a deadline that is over for two minutes, of a cycle that began an hour ago."""
    return {"path": path, "by": clock(-2), "after": clock(-60), **more}


def test_a_miss_is_reported_once(due: Due) -> None:
    due.configure(passed())
    assert due.look() == []  # it was never seen before: it may have been met
    (new,) = due.known()
    assert new["state"] == "pending" and datetime.fromisoformat(new["due"]) > datetime.now(timezone.utc)
    code, out = due.check()
    assert code == 0 and "1 deadline, none missed" in out
    due.look_before_due()
    (line,) = due.look()
    assert line.startswith("o/r: deadline missed: /s/f/a complete by ") and line.endswith(
        "; it is not complete"
    )
    assert [(each["state"], each["misses"]) for each in due.known()] == [("missed", 1)]
    assert due.look() == [] and due.look() == []
    due.ecflow.force_state("/s/f/a", "State.complete")
    assert due.look() == []
    (found,) = due.known()
    assert found["state"] == "missed" and found["misses"] == 1 and found["reached"]


def test_one_that_was_met(due: Due) -> None:
    due.configure({"path": "/s/f/a", "by": clock(60), "after": clock(-60)})
    due.look()
    assert due.known()[0]["state"] == "pending"
    due.ecflow.force_state("/s/f/a", "State.complete")
    due.look()
    assert due.known()[0]["state"] == "met"
    code, out = due.check()
    assert code == 0 and out.startswith("WATCHMAN OK - o/r: 1 deadline, none missed, collected ")


def test_all_nodes_of_a_pattern_count(due: Due) -> None:
    due.configure(
        {"path": "/s/*/*", "by": clock(60), "after": clock(-60)}, {"path": "/s/f*", "by": clock(60)}
    )
    due.look()
    assert [(each["nodes"], each["others"]) for each in due.known()] == [(2, 2), (1, 1)]
    due.ecflow.force_state("/s/f/a", "State.complete")
    due.look()
    assert [(each["nodes"], each["others"]) for each in due.known()] == [(2, 1), (1, 1)]
    due.ecflow.force_state("/s/f/b", "State.complete")
    due.look()
    assert [(each["nodes"], each["others"]) for each in due.known()] == [(2, 0), (1, 0)]
    assert due.known()[0]["state"] == "met"
    due.ecflow.load_text("suite t\nendsuite\n")  # read in full
    due.look()
    assert [(each["nodes"], each["others"]) for each in due.known()] == [(2, 0), (1, 0)]


def test_a_dead_server_leaves_it_unknown_until_it_is_read_again(due: Due) -> None:
    due.configure(passed())
    due.look_before_due()
    address = due.ecflow
    due.ecflow.kill()
    assert due.look() == []
    assert due.known()[0]["state"] == "pending"
    code, out = due.check()
    assert code == 3 and "1 of 1 deadline unknown" in out and "not read since" in out
    address.start()
    address.load_text(DEFINITION)
    assert len(due.look()) == 1
    code, out = due.check()
    assert (
        code == 2 and "WATCHMAN CRITICAL - o/r: 1 of 1 deadline missed" in out and "it is not complete" in out
    )
    assert "missed=1;;;0; unknown=0;;;0;" in out


@pytest.mark.parametrize("kind", ["met", "missed"])
def test_a_state_ends_with_its_cycle(due: Due, kind: str) -> None:
    """It was decided a day ago, and nothing was read since: by no run, then by one that cannot read it."""
    file = due.watchman.home / "watchman.prom"
    due.configure(passed(), metrics_file=str(file))
    due.look_before_due()
    if kind == "met":
        due.ecflow.force_state("/s/f/a", "State.complete")
    due.look()
    assert due.known()[0]["state"] == kind
    assert due.check()[0] == {"met": 0, "missed": 2}[kind]
    due.age(days=1)
    code, out = due.check()
    assert code == 3 and "1 of 1 deadline unknown" in out and "but the server was not read since" in out
    listed = json.loads(due.watchman.run("list", "--json").out)
    reasons = " ".join(listed[0]["reasons"])  # the server is halted besides
    assert "1 of 1 deadline unknown" in reasons and "missed" not in reasons
    page = due.watchman.run("page", "--output", "-").out.decode()
    assert "1 of 1 deadline unknown" in page and "deadline missed" not in page
    due.ecflow.kill()
    assert due.look() == []
    assert due.check()[0] == 3
    states = re.findall(r'watchman_deadline_state\{.*state="(\w+)"\} 1\.0', file.read_text())
    assert states == ["unknown"]


def test_a_missed_state_ends_as_the_next_cycle_begins(due: Due) -> None:
    due.configure(passed())
    due.look_before_due()
    due.look()
    assert due.check()[0] == 2
    due.age(days=1, minutes=-30)  # half an hour after the next cycle began, and before it is due
    code, out = due.check()
    assert code == 0 and "1 deadline, none missed" in out


def test_a_state_that_was_judged_in_the_future_is_unknown(due: Due) -> None:
    """A run whose clock was ahead left it; no other run was made since."""
    due.configure(passed())
    due.look()
    due.age(days=-400)
    code, out = due.check()
    assert code == 3 and "in the future: compare the hosts' clocks" in out


def test_overlapping_runs_tell_a_miss_once(due: Due) -> None:
    due.configure(passed(), passed("/s/none"))
    due.look_before_due()
    runs = [due.watchman.start("collect") for _ in range(4)]
    reported = [line for run in runs for line in run.communicate()[1].decode().splitlines()]
    assert len([line for line in reported if "deadline missed" in line]) == 2
    assert any(line.endswith("/s/none") or "there is no such node" in line for line in reported)
    assert [each["misses"] for each in due.known()] == [1, 1]


def test_a_deadline_that_is_configured_no_more(due: Due) -> None:
    due.configure(passed())
    due.look()
    due.configure()
    due.look()
    assert [each["configured"] for each in due.known()] == [False]
    code, out = due.check()
    assert code == 3 and "no run has judged a deadline yet" in out


def test_a_run_without_deadlines_keeps_what_is_known_of_them(due: Due) -> None:
    """A run by hand, with a configuration that has the server but no deadline, or other ones."""
    missed = passed()
    other = {"path": "/s/f/b", "by": clock(60)}
    due.configure(missed)
    due.look_before_due()
    for mine in ([], [other]):
        due.configure(*mine)
        assert due.look() == []
        state = due.known()[-1]
        assert (state["state"], state["configured"], state["misses"]) == ("pending", False, 0)
    due.ecflow.force_state("/s/f/b", "State.complete")
    due.configure(missed)
    assert len(due.look()) == 1
    assert due.check()[0] == 2
    due.configure(other)
    due.look()
    assert due.check()[1].startswith("WATCHMAN OK - o/r: 1 deadline, none missed")
    due.configure(missed)  # without a run: whoever checks has the deadline, and the last run had not
    code, out = due.check()
    assert code == 2 and "1 of 2 deadlines missed" in out


def test_a_miss_is_reported_though_the_run_that_found_it_was_killed(due: Due) -> None:
    """The health record is written, and the process ends before it prints, or before it says that it did."""
    due.configure(passed())
    due.look_before_due()
    arguments = ["collect", "--config", str(due.watchman.config)]
    command = [sys.executable, "-c", KILLED_BEFORE_THE_REPORT, *arguments]
    killed = subprocess.run(command, env=due.watchman.environment(), capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL and b"missed" not in killed.stderr
    assert [(each["state"], each["misses"], each["reported"]) for each in due.known()] == [("missed", 1, 0)]
    due.ecflow.stop()
    assert len(due.look()) == 1  # of a run that cannot read the server, too
    assert [each["reported"] for each in due.known()] == [1]
    assert due.look() == []


def test_the_metrics_count_a_miss(due: Due) -> None:
    file = due.watchman.home / "watchman.prom"
    due.configure(passed(), metrics_file=str(file))
    due.look_before_due()
    due.look()
    due.look()
    text = file.read_text()
    deadline = due.known()[0]["deadline"]
    labels = f'config="{due.watchman.config.resolve()}",deadline="{deadline}",owner="o",repo="r"'
    assert f"watchman_deadline_misses{{{labels}}} 1.0" in text
    assert f'watchman_deadline_state{{{labels},state="missed"}} 1.0' in text


def test_the_stream_tells_a_miss_once(due: Due) -> None:
    """In a run without any change, and in one that also changes nodes; and `changes` prints it."""
    due.configure(passed(), passed("/s/f/b"), defaults={"changes": True})
    due.look_before_due()
    assert len(due.look()) == 2
    due.look()
    due.ecflow.force_state("/s/f/b", "State.complete")
    due.look_before_due()
    due.look()
    entries: Any = due.redis.client.xrange("{o/r/status}/changes")
    batches = [json.loads(fields[b"batch"])["data"] for _, fields in entries]
    reported = [batch.get("missed", []) for batch in batches]
    deadlines = [each["deadline"] for each in due.known()]
    assert [missed for missed in reported if missed] == [deadlines, deadlines[:1]]
    (alone, *_) = [batch for batch in batches if batch.get("missed")]
    assert alone["before"] == alone["after"] and alone["changes"] == []
    printed = due.watchman.run("changes", "r").out.decode()
    assert printed.count(f"deadline missed: {deadlines[0]}") == 2
    events = map(json.loads, due.watchman.run("changes", "r", "--json").out.splitlines())
    assert sum(each["type"] == "watchman.deadline_missed" for each in events) == 3


def test_config_check_says_when_it_is_due(due: Due) -> None:
    due.configure(
        {"path": "/s/f", "by": "08:15", "zone": "Europe/Paris", "days": ["fri", "mon"], "status": "complete"}
    )
    out = due.watchman.run("config", "check").out.decode()
    (line,) = [line for line in out.splitlines() if "next due" in line]
    assert line.startswith("o/r: /s/f complete by 08:15 Europe/Paris on mon, fri: next due ")
    assert line.endswith("(08:15 Europe/Paris)")


@pytest.mark.parametrize(
    ("deadline", "said"),
    [
        ({"path": "/s", "by": "25:00"}, "deadlines[0].by: '25:00' is not a time of day in quotes"),
        ({"path": "/s", "by": 330}, "deadlines[0].by: 330 is not a string"),
        ({"path": "s", "by": "05:30"}, "deadlines[0].path: 's' is not the path of a node"),
        (
            {"path": "/s", "by": "05:30", "zone": "Mars/Base"},
            "deadlines[0].zone: unknown time zone: Mars/Base",
        ),
        ({"path": "/s", "by": "05:30", "days": ["monday"]}, "deadlines[0].days[0]: 'monday' is not mon, tue"),
        ({"path": "/s"}, "deadlines[0]: by is missing"),
        ({"path": "/s", "by": "05:30", "untill": 1}, "deadlines[0].untill: unknown key"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_deadline_that_is_wrong(due: Due, deadline: dict[str, Any], said: str) -> None:
    due.configure(deadline)
    result = due.watchman.run("config", "check")
    assert result.code == 2 and said in result.err


def test_what_check_does_not_take_together(due: Due) -> None:
    due.configure(passed())
    for arguments in (("--path", "/s"), ("-w", "late=1"), ("-c", "late=1")):
        result = due.watchman.run("check", "r", "--deadlines", *arguments)
        assert (result.code, result.err) == (
            3,
            "",
        ) and b"--deadlines: cannot be used with --path" in result.out
