"""`watchman silence` and `maintenance`: no alarms until a time, for every reader of the store."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Result, Watchman

DEFINITION = "suite s\n  task t\n  task u\nendsuite\n"


class Site:
    """A server with an aborted task, and a command that reads its store."""

    def __init__(self, ecflow: EcflowServer, store: str, watchman: Watchman) -> None:
        self.ecflow, self.store, self.watchman = ecflow, store, watchman
        ecflow.load_text(DEFINITION)
        ecflow.restart_server()
        ecflow.suspend("/s")  # or the server, which runs, submits its jobs
        ecflow.begin_all_suites()
        ecflow.force_state("/s/t", "State.aborted")
        self.configure()
        assert self.run("collect").code == 0

    def configure(self, entry: dict[str, object] | None = None, **rest: object) -> None:
        server = {"owner": "o", "repo": "r", "address": self.ecflow, **(entry or {})}
        self.watchman.configure(self.store, [server], **rest)

    def run(self, *arguments: str) -> Result:
        return self.watchman.run(*arguments)

    def check(self, *arguments: str) -> tuple[int, str]:
        result = self.run("check", "o/r", *arguments)
        return result.code, result.text

    def silence(self, *arguments: str) -> Result:
        result = self.run("silence", "o/r", *arguments)
        assert result.code == 0, result.err
        return result


@pytest.fixture(params=["redis", "directory"])
def site(request: pytest.FixtureRequest, ecflow: EcflowServer, redis: RedisServer, tmp_path: Path) -> Site:
    store = redis.url if request.param == "redis" else f"file://{tmp_path}/store"
    return Site(ecflow, store, Watchman(tmp_path, forked=True))


def test_silence_of_a_node(site: Site) -> None:
    assert site.check()[0] == 2
    line = site.silence("/s/t", "--for", "2h", "--because", "new disks").text
    assert re.fullmatch(r"o/r  /s/t  silenced until \S+ \S+ UTC by \S+@\S+: new disks\n", line)
    code, text = site.check()
    assert (code, text.startswith("WATCHMAN OK - o/r: 0 aborted, 0 late, 1 aborted silenced, ")) == (0, True)
    assert " silenced=1;;;0;" in text and "by " in text.splitlines()[1] and "new disks" in text
    (row,) = json.loads(site.run("list", "--json").text)
    assert (row["state"], "silenced until" in row["health"]) == ("OK", True)
    assert "1 aborted silenced" in site.run("list").text
    page = site.run("page", "--output", "-").text
    assert "1 aborted silenced" in page and "new disks" in page
    site.ecflow.force_state("/s/u", "State.aborted")
    site.run("collect")
    assert site.check()[0] == 2


def test_end_of_a_silence(site: Site) -> None:
    site.silence("--for", "1d", "--because", "a")
    site.silence("/s", "--for", "1d", "--because", "b")
    (first, second) = json.loads(site.run("silence", "--list", "--json").text)
    assert {*first} >= {"server", "path", "until", "who", "because"}
    assert [(each["server"], each["path"], each["because"]) for each in (first, second)] == [
        ("o/r", "/", "a"), ("o/r", "/s", "b"),
    ]  # fmt: skip
    site.silence("--end")
    site.silence("/s", "--end")
    assert site.check()[0] == 2
    assert site.run("silence", "--list").text == ""
    result = site.run("silence", "o/r", "/s", "--end")
    assert (result.code, "o/r: no silence of /s in " in result.err) == (1, True)


def test_silence_ends_by_itself(site: Site) -> None:
    end = datetime.now(timezone.utc) + timedelta(seconds=4)
    site.silence("--until", end.isoformat(), "--because", "soon over")
    code = site.check()[0]
    assert code == 0 or datetime.now(timezone.utc) > end
    while datetime.now(timezone.utc) <= end:
        pass
    assert site.check()[0] == 2
    assert site.run("silence", "--list", "--json").text == "[]\n"


def test_maintenance_in_the_configuration(site: Site) -> None:
    now = datetime.now(timezone.utc)
    hour = timedelta(hours=1)
    entry = {"server": "o/*", "path": "/s", "until": (now + hour).isoformat(), "because": "upgrade"}
    site.configure(maintenance=[entry])
    assert site.check()[0] == 0
    assert "upgrade" in site.run("silence", "--list").text
    site.configure(maintenance=[{**entry, "from": (now + hour / 2).isoformat()}])
    assert site.check()[0] == 2
    site.configure(maintenance=[{**entry, "from": entry["until"]}])
    result = site.run("config", "check")
    assert (result.code, "maintenance[0].until: is not after from" in result.err) == (2, True)
    site.configure(maintenance=[{**entry, "until": "2026-02-30T00:00:00+00:00"}])
    assert "is not a valid date and time" in site.run("config", "check").err
    site.configure(maintenance=[{"until": "tomorrow"}])
    assert "is not a time with an offset" in site.run("config", "check").err


def test_silence_of_a_server_that_fails(site: Site) -> None:
    site.silence("--for", "1h", "--because", "it moves")
    site.ecflow.stop()
    assert site.run("collect").code == 1
    code, text = site.check()
    assert (code, "failing silenced" in text) == (0, True)


def test_silences_are_in_the_metrics(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "watchman.prom"
    deadlines = [{"path": path, "status": "complete", "by": "00:00"} for path in ("/s/t", "/s/u")]
    site.configure({"deadlines": deadlines}, metrics_file=str(file))
    nothing = dict.fromkeys(("aborted", "late", "failing", "halted", "shutdown", "server", "/s/t", "/s/u"), 0)

    def values() -> dict[str, int]:
        assert site.run("collect").code == 0
        series = r'^watchman_(?:server|deadline)_silenced{.*(?:cause|deadline)="([\w/]+).*} (\d)(?:\.0)?$'
        return {name: int(value) for name, value in re.findall(series, file.read_text(), re.M)}

    assert values() == nothing
    site.silence("/s/t", "--for", "1h", "--because", "tests")
    assert values() == nothing | {"aborted": 1, "/s/t": 1}
    site.silence("--for", "1h", "--because", "tests")
    assert values() == nothing | {"aborted": 1, "server": 1, "/s/t": 1, "/s/u": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one server"),
        (["o/r"], "give one of --for, --until and --end"),
        (["o/r", "--for", "1h"], "--because"),
        (["o/r", "--for", "1h", "--end", "--because", "x"], "give one of"),
        (["o/r", "--for", "0s", "--because", "x"], "--for: more than 0 s"),
        (["o/r", "--until", "2020-01-01T00:00:00+00:00", "--because", "x"], "is not a time in the next"),
        (["o/r", "--until", "soon", "--because", "x"], "--until: invalid time 'soon'"),
        (["o/r", "--end", "--json"], "--json: only with --list"),
        (["--list", "o/r"], "--list: cannot be used with a server"),
    ],
)
def test_wrong_options(watchman: Watchman, arguments: list[str], message: str) -> None:
    watchman.configure("file:///nowhere", [{"owner": "o", "repo": "r", "host": "h", "port": 1}])
    result = watchman.run("silence", *arguments)
    assert (result.code, message in result.err) == (2, True), result.err


def test_unknown_path_is_pointed_out(site: Site) -> None:
    assert "no such node now: /x" in site.silence("/x", "--for", "1h", "--because", "x").err
