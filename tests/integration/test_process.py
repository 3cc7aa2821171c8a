"""The run itself: killed, crowded, without room, without its standard streams, over very many servers."""

from __future__ import annotations

import gc
import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import require_namespace
from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Connection, FakeServer, Proxy, Reply
from tests.support.loopback import await_true
from tests.support.processes import processes_with
from tests.support.redis_server import RedisServer, records_of, status_of
from tests.support.seeds import new_seed
from tests.support.watchman import LOST, UNPRIVILEGED, WATCHMAN, Watchman
from watchman_cli import config as configuration
from watchman_cli import schema
from watchman_cli.collect import Collector, Outcome
from watchman_cli.store import open_store

SUITE = "suite s\nfamily f\n" + "".join(f"task t{i}\n" for i in range(8)) + "endfamily\nendsuite\n"
STATES = ("complete", "queued", "aborted", "submitted", "active")
MARK = "WATCHMAN_TEST_RUN"


@pytest.fixture
def watchman(tmp_path: Path) -> Watchman:
    """The command in a process of its own, which is what these tests are about."""
    return Watchman(tmp_path)


def new_chance(capsys: pytest.CaptureFixture[str]) -> random.Random:
    """A source of chance whose seed is printed."""
    seed = new_seed()
    with capsys.disabled():
        print(f" seed {seed}", end=" ", flush=True)
    return random.Random(seed)


def processes_of(run: str) -> list[int]:
    """The processes that descend from a command which was started with MARK=`run`."""
    return processes_with(f"{MARK}={run}\0")


def await_end_of(run: str) -> None:
    """Wait for the end of a run's processes, which come to it by themselves, well before any deadline."""
    await_true(lambda: not processes_of(run), f"processes of {run} outlived it", limit=15.0)


@dataclass
class Fleet:
    """Ten small real servers, watched into Redis, and what may be in the store of each."""

    servers: Sequence[EcflowServer]
    redis: RedisServer
    watchman: Watchman
    chance: random.Random
    truth: list[list[list[str]]] = field(default_factory=list)  # of each server, its records now
    stored: list[list[list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for server in self.servers:
            server.load_text(SUITE)
            server.begin_all_suites()
        entries = [{"owner": "o", "repo": f"r{i}", "address": each} for i, each in enumerate(self.servers)]
        self.watchman.configure(self.redis.url, entries)
        self.truth = [server.snapshot()["records"] for server in self.servers]
        self.collect()

    def change(self) -> None:
        """Have some servers' states change."""
        for index in self.chance.sample(range(len(self.servers)), 3):
            task, state = self.chance.randrange(8), self.chance.choice(STATES)
            self.servers[index].force_state(f"/s/f/t{task}", f"State.{state}")
            self.truth[index] = self.servers[index].snapshot()["records"]

    def collect(self) -> float:
        """A run that nobody disturbs: it writes every server. Returns how long it took."""
        result = self.watchman.collect("-v")
        assert result.code == 0, result.err
        assert "skipped" not in result.err
        self.stored = list(self.truth)
        self.check()
        assert not self.redis.client.keys("*/lock")
        return result.seconds

    def check(self) -> int:
        """Check that each server has its old or its new snapshot, whole; return how many are new."""
        new = 0
        for index, truth in enumerate(self.truth):
            found = status_of(self.redis.client, f"o/r{index}")
            assert found and schema.is_valid("snapshot", found)
            records = records_of(found)
            assert records in (self.stored[index], truth), f"o/r{index}"
            new += records == truth != self.stored[index]
            self.stored[index] = records
            health: Any = self.redis.client.get(f"{{o/r{index}/status}}/health")
            assert schema.is_valid("health", json.loads(health))
        return new

    def end_by(self, signum: int, run: str, after: float) -> tuple[int, str, bool]:
        """Start a run and end it by a signal: its exit code, what it said, whether it still ran."""
        self.change()
        process = self.watchman.start("collect", environment=self.watchman.environment(**{MARK: run}))
        with process:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                pass
            alive = process.poll() is None
            process.send_signal(signum)
            _, said = process.communicate(timeout=10)
        return process.returncode, said.decode(), alive


KILLS = 50


@pytest.fixture
def fleet(
    ecflow_server: Callable[..., EcflowServer],
    redis: RedisServer,
    watchman: Watchman,
    capsys: pytest.CaptureFixture[str],
) -> Fleet:
    return Fleet([ecflow_server() for _ in range(10)], redis, watchman, new_chance(capsys))


@pytest.mark.slow
def test_killed_at_any_moment(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    """Every snapshot is the old or the new one, no probe stays, and the next run finds no obstacle."""
    usual = max(fleet.collect() for _ in range(3))
    alive, partly = 0, 0
    for number in itertools.count():
        if number >= KILLS and partly:
            break
        run = f"killed-{os.getpid()}-{number}"
        _, _, was_alive = fleet.end_by(signal.SIGKILL, run, fleet.chance.uniform(0, usual))
        await_end_of(run)
        alive += was_alive
        partly += bool(fleet.check()) and was_alive
        if number % 20 == 19:
            usual = max(usual, fleet.collect())  # where the machine has become busy
    with capsys.disabled():
        print(f"{alive} runs killed under way, {partly} of them after a write", end=" ", flush=True)
    assert alive > KILLS / 4


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_ended_by_a_signal_at_any_moment(fleet: Fleet, signum: int, code: int) -> None:
    """Nothing is left, nothing is said. Before our code runs, the signal or Python ends the process."""
    usual = max(fleet.collect() for _ in range(3))
    for number in range(25 if signum == signal.SIGTERM else 10):
        run = f"ended-{os.getpid()}-{number}"
        found, said, alive = fleet.end_by(signum, run, fleet.chance.uniform(0, usual))
        early = found == -signum or ("KeyboardInterrupt" in said and "/watchman_cli/" not in said)
        assert early or (found, said) in ((0, ""), (code, "")), f"{number}: {found} {said}"
        assert alive or found == 0
        await_end_of(run)
        assert not fleet.redis.client.keys("*/lock")
        fleet.check()
    fleet.collect()


class Requests(Proxy):
    """A way to a real server, which makes it a slow one, and knows when each request was under way."""

    def __init__(self, port: int) -> None:
        self.ends: dict[int, float] = {}
        self.begins: dict[int, float] = {}
        super().__init__(port, self._pass)

    def serve(self, connection: Connection) -> None:
        self.begins[connection.number] = time.monotonic()
        super().serve(connection)

    def _pass(self, reply: Reply) -> None:
        time.sleep(0.05)
        self.ends[reply.connection.number] = time.monotonic()  # before the client can know
        reply.connection.forward(reply.data)

    def most_at_once(self) -> int:
        """The greatest number of requests that were under way together."""
        steps = [(self.begins[number], 1) for number in self.ends]
        steps += [(end, -1) for end in self.ends.values()]
        now = most = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 50])
def test_runs_at_once(
    ecflow_server: Callable[..., EcflowServer], redis: RedisServer, watchman: Watchman, runs: int
) -> None:
    """Each server is asked by one of them at a time; the others pass it over, and nobody fails."""
    servers = [ecflow_server() for _ in range(4)]
    for server in servers:
        server.load_text(SUITE)
    ways = [Requests(server.port) for server in servers]
    try:
        entries = [{"owner": "o", "repo": f"r{i}", "address": way} for i, way in enumerate(ways)]
        watchman.configure(redis.url, entries, defaults={"deadline": 60, "connect_timeout": 30})
        started = [watchman.start("collect") for _ in range(runs)]
        for process in started:
            out, err = process.communicate(timeout=120)
            assert (process.returncode, out, err) == (0, b"", b"")
        assert [way.most_at_once() for way in ways] == [1] * 4
    finally:
        for way in ways:
            way.__exit__()
    for index, server in enumerate(servers):
        found = status_of(redis.client, f"o/r{index}")
        assert found and records_of(found) == server.snapshot()["records"]
    assert not redis.client.keys("*/lock")


# --------------------------------------------------------------------------------- no room


@dataclass(frozen=True)
class SmallDisk:
    """A file system of 64 KB, which only `run` sees."""

    holder: int  # the process that keeps it
    place: Path

    @property
    def inside(self) -> Path:
        """Where its files are seen from here."""
        return Path(f"/proc/{self.holder}/root{self.place}")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        within = ["nsenter", f"--mount=/proc/{self.holder}/ns/mnt", *command]
        return subprocess.run(within, capture_output=True, text=True, check=False, timeout=60)

    def fill(self) -> None:
        with (self.inside / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    require_namespace("--mount")
    place = tmp_path / "disk"
    place.mkdir()
    mount = f"mount -t tmpfs -o size=64k tmpfs {place} && echo mounted && exec sleep 600"
    holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", mount], stdout=subprocess.PIPE)
    assert holder.stdout and holder.stdout.readline() == b"mounted\n"
    yield SmallDisk(holder.pid, place)
    holder.kill()
    holder.wait()
    holder.stdout.close()


def test_a_full_disk_under_a_directory(
    ecflow: EcflowServer, watchman: Watchman, small_disk: SmallDisk
) -> None:
    ecflow.load_text(SUITE)
    watchman.configure(f"file://{small_disk.place}/store", [{"owner": "o", "repo": "r", "address": ecflow}])
    collect = (WATCHMAN, "collect", "--config", str(watchman.config))
    assert small_disk.run(*collect).returncode == 0
    folder = small_disk.inside / "store/o/r"
    old = (folder / "status.json").read_bytes()
    for state in ("aborted", "aborted"):  # a new snapshot, and then only a new time
        small_disk.fill()
        ecflow.force_state("/s/f/t1", f"State.{state}")
        result = small_disk.run(*collect)
        assert result.returncode == 3, result
        assert "No space left on device" in result.stderr and "Traceback" not in result.stderr
        assert (folder / "status.json").read_bytes() == old
        assert sorted(each.name for each in folder.iterdir()) == ["health.json", "status.json", "sync"]
    (small_disk.inside / "filler").unlink()
    assert small_disk.run(*collect).returncode == 0
    found = json.loads((folder / "status.json").read_bytes())
    assert records_of(found) == ecflow.snapshot()["records"]


# --------------------------------------------------------------------------- standard streams


@pytest.fixture
def collected(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> Watchman:
    ecflow.load_text(SUITE)
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    assert watchman.collect().code == 0
    return watchman


COMMANDS = [("show", "o/r"), ("show", "o/r", "--json"), ("list",), ("config", "check")]


@pytest.mark.parametrize("command", [*COMMANDS, ("collect", "--dry-run")], ids=" ".join)
def test_nobody_reads_standard_output(collected: Watchman, command: tuple[str, ...]) -> None:
    """As in `show | head -1`, at its worst: the reader has gone before the first byte."""
    read, write = os.pipe()
    os.close(read)
    with collected.start(*command, stdout=write) as process:
        os.close(write)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")


@pytest.mark.parametrize("command", [*COMMANDS, ("collect", "--dry-run")], ids=" ".join)
def test_standard_output_is_full(collected: Watchman, command: tuple[str, ...]) -> None:
    """What was asked for was not printed, and that is reported."""
    with Path("/dev/full").open("wb") as full, collected.start(*command, stdout=full) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = said.decode().splitlines()
    assert line.startswith("watchman: ") and "No space left on device" in line


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full"])
def test_closed_standard_streams(
    collected: Watchman, ecflow: EcflowServer, redis: RedisServer, closed: str
) -> None:
    """A run does its work for all servers, whether or not it can report one that failed."""
    gone = {"owner": "o", "repo": "gone", "host": "127.0.0.1", "port": 1, "attempts": 1}
    collected.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}, gone])
    script = f'exec "$0" "$@" {closed}'
    for command, code in ((("collect",), 1), (("show", "o/r"), 0), (("list",), 1), (("no-such",), 2)):
        redis.client.delete("o/r/status")
        assert command[0] == "collect" or collected.collect("--server", "r").code == 0
        line = ["sh", "-c", script, WATCHMAN, *command]
        line += [] if command[0] == "no-such" else ["--config", str(collected.config)]
        result = subprocess.run(
            line, env=collected.environment(), cwd=collected.home, capture_output=True, check=False
        )
        untold = closed.endswith("/dev/full") and command[0] in ("show" if closed[0] == ">" else "no-such")
        assert result.returncode == (1 if untold else code), (command, result)
        assert b"Traceback" not in result.stderr + result.stdout
        if "2>" in closed:
            assert b"gone: " not in result.stdout  # what is reported as an error goes nowhere else
        assert redis.client.exists("o/r/status")


# ------------------------------------------------------------------------------- environments


def as_cron(watchman: Watchman, script: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    # By its interpreter: pip makes the command a script of the shell if the checkout's path has a blank.
    command = ["/bin/sh", "-c", script, sys.executable, WATCHMAN, "collect", "--config", str(watchman.config)]
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("script", "environment"),
    [
        ('exec env -i "$0" "$@"', {}),
        ('umask 077; exec "$0" "$@"', {"HOME": "/nonexistent"}),
        ('exec "$0" "$@"', {"LC_ALL": "C"}),
        ('exec "$0" "$@"', {"LC_ALL": "POSIX", "LANG": "de_DE.ISO-8859-1"}),
        ('exec "$0" "$@"', {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        ('mkdir gone; cd gone; rmdir ../gone; exec "$0" "$@"', {"PATH": "/usr/bin:/bin"}),
        ('exec "$0" "$@"', {"ECF_HOST": "elsewhere", "ECF_PORT": "1", "NO_ECF": "1", "ECF_USER": "nobody"}),
    ],
    ids=["empty", "umask", "C", "POSIX", "ASCII", "cwd", "ECF"],
)
def test_environments(
    ecflow: EcflowServer, tmp_path: Path, script: str, environment: Mapping[str, str]
) -> None:
    """As cron gives, and worse; the paths and a label are not ASCII."""
    home = tmp_path / "Wächter 見張り"
    home.mkdir()
    watchman = Watchman(home)
    ecflow.load_text('suite s\nfamily f\ntask t\nlabel l "grün 見"\nendfamily\nendsuite\n')
    watchman.configure(f"file://{tmp_path}/store", [{"owner": "o", "repo": "größe", "address": ecflow}])
    ascii_only = "PYTHONUTF8" in environment
    if ascii_only:  # then Python can name no other file
        watchman.configure(f"file://{tmp_path}/store", [{"owner": "o", "repo": "r", "address": ecflow}])
    script = f"cd {tmp_path}; {script}"
    for state in ("active", "aborted"):
        ecflow.force_state("/s/f/t", f"State.{state}")
        result = as_cron(watchman, script, **environment)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
        found = json.loads(
            (tmp_path / "store/o" / ("r" if ascii_only else "größe") / "status.json").read_bytes()
        )
        assert records_of(found) == ecflow.snapshot()["records"]


def test_a_configuration_folder_that_may_not_be_read(
    ecflow: EcflowServer, redis: RedisServer, tmp_path: Path
) -> None:
    """As cron of another user with root's environment: it is as if nothing were there."""
    private = tmp_path / "private"
    private.mkdir(mode=0o000)
    result = subprocess.run(
        [*UNPRIVILEGED, WATCHMAN, "collect"],
        env={"XDG_CONFIG_HOME": str(private), "HOME": str(private)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("no configuration found") and len(result.stderr.splitlines()) == 1


def test_a_run_that_was_stopped_past_its_deadline_says_so(redis: RedisServer, watchman: Watchman) -> None:
    """Neither the server nor the store is to blame, and the lease is given back."""
    with FakeServer(lambda connection: None) as hanging:
        entry = {"owner": "o", "repo": "r", "host": hanging.host, "port": hanging.port, "deadline": 2}
        watchman.configure(redis.url, [entry])
        with watchman.start("collect") as process:
            assert hanging.accepted.acquire(timeout=30)
            process.send_signal(signal.SIGSTOP)
            threading.Event().wait(5)  # past the deadline, which is the subject
            process.send_signal(signal.SIGCONT)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"this run was stopped" in err and b"store" not in err
    assert not redis.client.keys("*/lock")


# ------------------------------------------------------------------------------- very many


@dataclass(frozen=True)
class Peak:
    """What a run used of memory at most, in KB."""

    parent: int
    together: int  # of the parent and all its probes, pages that they share counted once


def peak_of(process: psutil.Popen | subprocess.Popen[bytes]) -> Peak:
    """Watch a run to its end."""
    parent = together = 0
    root = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        try:
            for each in (root, *root.children(recursive=True)):
                rollup = Path(f"/proc/{each.pid}/smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            parent = max(parent, root.memory_info().rss // 1024)
        except (OSError, StopIteration, psutil.Error):  # one has just ended
            pass
        together = max(together, total)
        time.sleep(0.05)
    return Peak(parent, together)


@pytest.mark.slow
def test_a_thousand_servers_of_which_most_are_dead(
    ecflow_server: Callable[..., EcflowServer],
    redis: RedisServer,
    watchman: Watchman,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """850 refuse, 50 accept and never answer; 100 entries of ten servers are written all the same."""
    servers = [ecflow_server() for _ in range(10)]
    for server in servers:
        server.load_text(SUITE)
    live: list[dict[str, Any]] = [
        {"owner": "live", "repo": f"r{i}", "address": servers[i % 10]} for i in range(100)
    ]
    limits = {"deadline": 5, "attempts": 2, "connect_timeout": 1}
    with FakeServer(lambda connection: None, "0.0.0.0") as hanging:
        dead: list[dict[str, Any]] = [
            {"owner": "dead", "repo": f"r{i}", "host": f"127.1.{i % 9}.{i // 9 + 1}", "port": 1}
            for i in range(850)
        ]
        dead += [
            {"owner": "hung", "repo": f"r{i}", "host": f"127.2.0.{i + 1}", "port": hanging.port}
            for i in range(50)
        ]
        peaks, taken = [], []
        for entries in (live, [*dead[:450], *live, *dead[450:]]):
            watchman.configure(redis.url, entries, defaults=limits)
            redis.client.flushall()
            began = time.monotonic()
            few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))  # noqa: E731
            out = (watchman.home / "out").open("wb")
            with out, watchman.start("collect", stdout=out, stderr=out, preexec_fn=few) as process:
                peaks.append(peak_of(process))
            taken.append(time.monotonic() - began)
            reported = (watchman.home / "out").read_text().splitlines()
            # Where the machine is busy, a dead server's failure may come too late to be written.
            lost = [line for line in reported if "store redis://" in line or "the store did" in line]
            assert not any("live/" in line for line in reported), reported[:3]
            ending = [line for line in reported if line.endswith(LOST)]
            assert len(ending) == bool(lost), ending
            assert process.returncode == (3 if lost else 1 if dead[0] in entries else 0)
            shortage = [line for line in reported if line.endswith("(ulimit -n)")]
            assert len(shortage) == (dead[0] in entries), reported[:3]
            assert len(reported) - len(shortage) - len(ending) == len(entries) - 100, reported[:3]
            assert len(redis.client.keys("live/*/status")) == 100
            assert lost or not redis.client.keys("*/lock")  # of which a lost one's expires
    for index in range(10):
        found = status_of(redis.client, f"live/r{index}")
        assert found and records_of(found) == servers[index].snapshot()["records"]
    small, large = peaks
    with capsys.disabled():
        print(
            f" {taken[0]:.1f} and {taken[1]:.1f} s; parent {small.parent} and {large.parent} KB, "
            f"{large.parent / small.parent:.2f} times; with probes {small.together} and {large.together} KB, "
            f"{large.together / small.together:.2f} times",
            end=" ",
            flush=True,
        )
    # One after the other, each until its deadline, they would have taken this long.
    assert taken[1] < limits["deadline"] * 900
    assert large.parent < 2 * small.parent  # for ten times as many entries; 1.43 to 1.50 was measured
    assert large.together < 3 * small.together  # 32 probes at a time, where 100 entries of ten have ten


# ------------------------------------------------------------------------------- as a library


def test_a_run_leaves_nothing_in_its_process(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    """Threads, descriptors and children are the same after several runs, good and failing ones."""
    entries: list[dict[str, Any]] = [{"owner": "o", "repo": f"r{i}", "address": ecflow} for i in range(3)]
    entries.append({"owner": "o", "repo": "gone", "host": "127.0.0.1", "port": 1, "attempts": 2})

    def counts() -> tuple[int, int, int]:
        gc.collect()  # or what other tests have left is closed meanwhile
        descriptors = psutil.Process().num_fds() - len(hanging.connections)
        return threading.active_count(), descriptors, len(psutil.Process().children())

    def is_as_before() -> bool:
        """Return whether there is no more of anything: what is just ending may be there for a moment."""
        return all(now <= then for now, then in zip(counts(), before, strict=True))

    with FakeServer(lambda connection: None) as hanging:
        limits = {"deadline": 1, "connect_timeout": 0.3, "attempts": 2}
        entries.append({"owner": "o", "repo": "hung", "host": hanging.host, "port": hanging.port, **limits})
        for store in (redis.url, f"file://{watchman.home}/store"):
            watchman.configure(store, entries)
            settings = configuration.load(watchman.config, {})
            for number in range(4):
                opened = open_store(settings.store)
                found = Collector(settings, settings.servers, opened, jobs=8).run(nothing)
                opened.close()
                results = {outcome.server.name: outcome.result for outcome in found}
                assert results.pop("o/gone") == "failed"
                assert results.pop("o/hung") in ("failed", "lost")  # that, where the machine is busy
                assert set(results.values()) == {"written"}
                await_true(
                    lambda: all(t.name != "watchman" for t in threading.enumerate()), "a thread is left"
                )
                if not number:
                    before = counts()
            await_true(is_as_before, f"more is left than {before}: threads, descriptors, children")


def nothing(outcome: Outcome) -> None:
    """Ignore an outcome."""


def test_a_directory_that_cannot_be_read_is_not_kept_locked(tmp_path: Path) -> None:
    from watchman_cli import StoreError

    store = open_store(f"file://{tmp_path}/store")
    wrong = tmp_path / "store/o/r/status.json"
    wrong.mkdir(parents=True)
    with pytest.raises(StoreError, match="it is a directory"):
        store.lease("o/r", time.monotonic() + 5)
    wrong.rmdir()
    lease = store.lease("o/r", time.monotonic() + 5)
    assert lease
    lease.release()
