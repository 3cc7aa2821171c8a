"""Each server with the bindings of each release as the referee: they see what the protocol's client sees."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.definitions import everything
from tests.support.details import read_definition, tree_of
from tests.support.ecflow_server import EcflowServer
from tests.support.jobs import prepare_jobs, speak, start_job
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer, health_of, records_of, status_of
from tests.support.release import Release, releases
from tests.support.watchman import Watchman
from watchman_cli.bindings import Referee
from watchman_cli.bindings.failures import BindingsFailed
from watchman_cli.details.compare import find_difference
from watchman_cli.details.policy import KINDS, Policy
from watchman_cli.ecflow_client import Access, Client, FullSync, Limits

PLAIN = (
    "suite s\n edit SECRET 'xyzzy'\n family f\n  task a\n   meter m 0 100\n  task b\n endfamily\nendsuite\n"
)
MARKER = "no.such.suite"


@pytest.fixture(params=releases(), ids=lambda release: f"bindings of {release.name}")
def bindings(request: pytest.FixtureRequest) -> Release:
    found: Release = request.param
    if found.root and not found.root.is_dir():
        raise RuntimeError(f"{found.root} is missing: `make test-releases` makes it")
    return found


@pytest.fixture
def referee(bindings: Release, tmp_path: Path) -> Referee:
    return Referee(str(bindings.interpreter(tmp_path)))


def read(referee: Referee, server: EcflowServer, *suites: str) -> list[list[str]]:
    """Return what the bindings read, as EcflowServer.snapshot() gives it."""
    access = Access(server.host, server.port)
    found = referee.read(access, suites, MARKER, time.monotonic() + 60)
    return [[record.path, record.status] for record in found.records]


def read_by_protocol(server: EcflowServer) -> list[list[str]]:
    end = time.monotonic() + 60
    found = Client(Access(server.host, server.port)).ask([FullSync()], Limits(end, end, 1 << 30)).definition
    assert found
    nodes = zip(found.paths, found.states, strict=True)
    return [["/", found.state], *([path, state.dstate] for path, state in nodes)]


def test_the_referee_names_the_version_of_its_bindings(referee: Referee, bindings: Release) -> None:
    assert referee.find(time.monotonic() + 60).version == ".".join(map(str, bindings.version))


def test_plain_nodes_are_read_alike(release_server: EcflowServer, referee: Referee) -> None:
    release_server.load_text(PLAIN)
    release_server.suspend("/s")
    release_server.begin_all_suites()
    for path, state in (("/s/f/a", "aborted"), ("/s/f/b", "complete")):
        release_server.force_state(path, f"State.{state}")
    assert read(referee, release_server) == read_by_protocol(release_server)
    release_server.suspend("/s/f/b")
    assert read(referee, release_server) == read_by_protocol(release_server)


def test_some_suites_are_read_alike(release_server: EcflowServer, referee: Referee) -> None:
    release_server.load_text(f"{PLAIN}suite other\n task t\nendsuite\n")
    found = read(referee, release_server, "other")
    assert [path for path, _ in found] == ["/", "/other", "/other/t"]
    assert release_server.handles() == []


def test_everything_is_read_alike_or_the_bindings_say_that_they_are_too_old(
    release_server: EcflowServer, release: Release, referee: Referee, bindings: Release
) -> None:
    release_server.load_text(everything(release.version))
    if bindings.version >= release.version:
        assert read(referee, release_server) == read_by_protocol(release_server)
        return
    version = ".".join(map(str, bindings.version))
    try:
        found = read(referee, release_server)
    except BindingsFailed as error:
        assert f"has something that these bindings, {version}, cannot read" in str(error)
        assert "everything" not in str(error)  # no part of a reply
    else:
        assert found == read_by_protocol(release_server)


A = "/everything/tasks/attributes"
# Each attribute then has a state. Some bindings cut a value with a `#`, and make a blank of a tab.
CHANGES: tuple[Callable[[EcflowServer], object], ...] = (
    lambda e: e.alter(A, "change", "meter", "progress", "10"),
    lambda e: e.alter(A, "change", "event", "done", "set"),
    lambda e: e.alter(A, "change", "label", "info", "suite x\ntask y # \"q\" 'z'  two  blanks "),
    lambda e: e.alter(A, "add", "label", "plain", "as it is"),
    lambda e: e.alter("/everything/repeats", "change", "repeat", "20260105", ""),
    lambda e: e.alter(A, "change", "variable", "VARIABLE", ' endsuite # it\'s  "x"\\n\t\xfc '),
    lambda e: e.alter(A, "add", "variable", "PLAIN", "as it is"),
    lambda e: e.alter(A, "add", "variable", "EMPTY", ""),
    lambda e: e.alter(A, "add", "variable", "DB_PASSWORD", "xyzzy"),
    lambda e: e.alter(A, "add", "day", "sunday"),
    lambda e: e.alter(A, "set_flag", "late"),
    lambda e: e.alter("/", "add", "variable", "SERVER_WIDE", "it's # server"),
    lambda e: e.force_state(f"{A}", "State.aborted"),
    lambda e: e.suspend("/everything/repeats"),
)


@pytest.fixture
def changed_server(release_server: EcflowServer, release: Release, bindings: Release) -> EcflowServer:
    """Return a server with each kind of attribute that server and bindings know, and a job that aborted."""
    variables = prepare_jobs(release_server, "j") + "edit ECF_TRIES '1'\n"
    release_server.load_text(everything(min(release.version, bindings.version)))
    release_server.load_text(f"suite jobs\n{variables}limit one 1\ntask j\ninlimit one\nendsuite\n")
    release_server.suspend("/everything")
    release_server.begin_suite("everything")
    for change in CHANGES:
        change(release_server)
    release_server.begin_suite("jobs")
    release_server.restart_server()
    start_job(release_server, "/jobs/j", "4711 and more")
    job = Path(f"{release_server.home}/jobs/j.job1")
    speak(release_server, "/jobs/j", job, "--abort=no \"disk\" at 'night'")
    return release_server


def test_details_are_read_alike(changed_server: EcflowServer, referee: Referee) -> None:
    """And if the bindings had another value of any attribute, or not the attribute, that would be found."""
    access = Access(changed_server.host, changed_server.port)
    found = referee.read(access, (), MARKER, time.monotonic() + 60, with_lines=True)
    assert found.lines
    paths = [record.path for record in found.records[1:]]
    tree = tree_of(read_definition(changed_server))
    assert find_difference(tree, found.lines, paths, Policy()) is None
    job = tree.node("/jobs/j")
    assert job
    assert (job.status, job.job_id, job.try_number) == ("aborted", "4711 and more", 1)
    assert find_difference(tree, found.lines.replace(f"try:{job.try_number} ", "try:8 ", 1), paths, Policy())
    kinds = set()
    for line in attribute_lines(found.lines):
        keyword = line.split()[0]
        kinds.add(keyword)
        size = line.find(" #") if "relativeDuration" in line else len(line)  # it goes on by itself
        for altered in (f"\n{line[:size]}9{line[size:]}\n", "\n"):
            text = found.lines.replace(f"\n{line}\n", altered, 1)
            difference = find_difference(tree, text, paths, Policy())
            assert (difference or "").startswith(f"'{keyword}"), (line, altered)
    assert kinds >= {word for words in KINDS.values() for word in words} | {"clock", "generic", "defstatus"}


def attribute_lines(text: str) -> list[str]:
    """Return each line of an attribute, but those whose values are not compared."""
    lines = text[text.index("\nsuite ") :].split("\n")
    others = ("suite", "family", "task", "alias", "calendar", "end", "#", "history")
    values = ("label info", "edit VARIABLE", "edit DB_PASSWORD")
    return sorted(line for line in set(lines) if line and not line.startswith((*others, *values)))


def test_the_details_of_a_run_are_verified_by_the_bindings(
    changed_server: EcflowServer, bindings: Release, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    entry: dict[str, Any] = {"owner": "o", "repo": "r", "address": changed_server, "full_sync_every": 1}
    entry["details"] = True
    watchman.configure(redis.url, [entry], ecflow_python=str(bindings.interpreter(tmp_path)))

    def verified() -> str:
        result = watchman.collect()
        assert (result.code, result.err) == (0, "")
        health = health_of(redis.client, "o/r")
        assert health and health["ok"]
        assert "xyzzy" not in repr(health)
        return str(health["sync"].get("verification") or "")

    await_true(verified, "no run was verified by the bindings")
    assert verified().endswith("; their details as well")


def test_a_run_is_verified_by_the_bindings(
    release_server: EcflowServer, bindings: Release, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    release_server.load_text(PLAIN)
    entry: dict[str, Any] = {"owner": "o", "repo": "r", "address": release_server, "full_sync_every": 1}
    watchman.configure(redis.url, [entry], ecflow_python=str(bindings.interpreter(tmp_path)))

    def verified() -> bool:
        result = watchman.collect()
        assert (result.code, result.err) == (0, "")
        health = health_of(redis.client, "o/r")
        assert health and health["ok"]
        return bool(health["sync"].get("verification"))

    await_true(verified, "no run was verified by the bindings")
    health, status = health_of(redis.client, "o/r"), status_of(redis.client, "o/r")
    assert health and status
    assert health["sync"].get("disabled") in (None, False), health
    assert records_of(status) == release_server.snapshot()["records"]


def test_a_server_is_read_by_the_bindings_alone(
    release_server: EcflowServer, bindings: Release, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    release_server.load_text(PLAIN)
    entry: dict[str, Any] = {"owner": "o", "repo": "r", "address": release_server, "reader": "bindings"}
    watchman.configure(redis.url, [entry], ecflow_python=str(bindings.interpreter(tmp_path)))
    result = watchman.collect()
    assert (result.code, result.err) == (0, "")
    status = status_of(redis.client, "o/r")
    assert status and records_of(status) == release_server.snapshot()["records"]
