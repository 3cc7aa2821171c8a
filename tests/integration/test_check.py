"""`watchman check` as a monitoring system runs it, and the plugins of others as referees."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stored import ago, put_snapshot, since
from tests.support.watchman import WATCHMAN, Watchman
from watchman_cli import StatusRecord
from watchman_cli.check.ranges import parse_range
from watchman_cli.health import Failure, Health

PLUGINS = Path("/usr/lib/nagios/plugins")  # of Debian's monitoring-plugins-basic
ABORTED = [StatusRecord("/s", "aborted", since(7800)), StatusRecord("/s/t", "aborted", since(7800))]


@pytest.fixture
def stored(watchman: Watchman, tmp_path: Path) -> Path:
    """Return a directory store with a server in each state."""
    store = tmp_path / "store"
    put_snapshot(store, "o/well", [StatusRecord("/s", "complete")])
    put_snapshot(store, "o/late", [StatusRecord("/s", "queued", None, ("late",))])
    put_snapshot(store, "o/bad", ABORTED)
    failing = Health(checked_time=ago(1), failures=9, error=Failure("refused", "refused"))
    put_snapshot(store, "o/dead", ABORTED, age=600, record=failing)
    put_snapshot(store, "o/old", ABORTED, age=600)
    put_snapshot(store, "o/halted", [StatusRecord("/s", "complete")], server_state="HALTED")
    (store / "o/broken").mkdir()
    (store / "o/broken/status.json").write_text("{")
    names = ("well", "late", "bad", "dead", "old", "halted", "broken", "absent")
    servers = [{"owner": "o", "repo": name, "host": "h", "port": 1} for name in names]
    watchman.configure(f"file://{store}", servers)
    return store


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["o/well"], 0, "OK - o/well: 0 aborted, 0 late, collected "),
        (["well", "--max-age", "1h"], 0, "OK - o/well: "),
        (["late"], 1, "WARNING - o/late: 1 late, "),
        (["late", "-w", "late=1"], 0, "OK - "),
        (["bad"], 2, "CRITICAL - o/bad: 1 aborted, "),
        (["bad", "--path", "s/t/"], 2, "CRITICAL - o/bad: 1 aborted, "),
        (["halted"], 2, "CRITICAL - o/halted: server HALTED, "),
        (["dead"], 2, "CRITICAL - o/dead: 9 runs failed: refused, collected 10 min"),
        (["old"], 3, "UNKNOWN - o/old: no run has read it since, collected 10 min"),
        (["broken"], 3, "UNKNOWN - o/broken: its snapshot is not valid: "),
        (["absent"], 3, "UNKNOWN - o/absent: no snapshot"),
        (["well", "--path", "/x"], 3, "UNKNOWN - o/well: no such node: /x"),
        (
            ["--all"],
            2,
            "CRITICAL - 8 servers: 1 OK, 1 WARNING, 3 CRITICAL, 3 UNKNOWN: o/bad (1 aborted), o/dead (9 runs "
            "failed: refused), o/halted (server HALTED), o/old (no run has read it since), ",
        ),
        (["o/well", "--store", "file:///no/such"], 3, "UNKNOWN - store file:///no/such: no such directory"),
        ([], 3, "UNKNOWN - name one server"),
        (["well", "--all"], 3, "UNKNOWN - name one server"),
        (["nobody"], 3, "UNKNOWN - nobody: no such server"),
        (
            ["well", "-w", "latest=1"],
            3,
            "UNKNOWN - --warning: invalid threshold 'latest=1': use MEASURE=RANGE",
        ),
        (["well", "--max-age", "soon"], 3, "UNKNOWN - Invalid value for '--max-age'"),
        (["well", "--nonsense"], 3, "UNKNOWN - No such option"),
    ],
)
def test_exit_codes(stored: Path, watchman: Watchman, arguments: list[str], code: int, words: str) -> None:
    result = watchman.run("check", *arguments)
    assert (result.code, result.err) == (code, "")
    assert result.text.startswith(f"WATCHMAN {words}")


def test_a_wrong_configuration_is_unknown(watchman: Watchman) -> None:
    watchman.config.write_text("servers: []\nstore: 1\n")
    result = watchman.run("check", "well")
    assert (result.code, result.err) == (3, "")
    assert result.text.startswith("WATCHMAN UNKNOWN - ") and result.text.count("\n") == 1


def test_the_parser_of_monitoring_plugins_understands_it(stored: Path, watchman: Watchman) -> None:
    """`negate -s` finds the state's word in the output and turns both, word and exit code."""
    for name, word, turned in (("well", "OK", "CRITICAL"), ("bad", "CRITICAL", "OK")):
        plugin = [WATCHMAN, "check", name, "--config", str(watchman.config)]
        result = subprocess.run(
            [str(PLUGINS / "negate"), "-s", *plugin], capture_output=True, text=True, check=False
        )
        assert result.returncode == ("OK", "WARNING", "CRITICAL").index(turned)
        first = result.stdout.splitlines()[0]
        assert first.startswith(f"WATCHMAN {turned} - o/{name}: ") and word not in first.split(" | ")[0]


@pytest.fixture(scope="module")
def three_processes() -> Iterator[str]:
    """Start three processes, and return the argument by which they are found."""
    mark = f"watchman-{uuid.uuid4()}"
    with ExitStack() as stack:
        for _ in range(3):
            process = subprocess.Popen(["cat", "-", mark], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            stack.enter_context(process)
            stack.callback(process.kill)
        yield mark


@pytest.mark.parametrize(
    "text", ["2", "3", "2:", "3:", "4:", "~:2", "~:3", "1:2", "1:3", "@1:3", "@3", "@2", "@4:", "@0:0", "0"]
)
def test_ranges_mean_what_they_mean_to_monitoring_plugins(text: str, three_processes: str) -> None:
    """check_procs counts processes: three of them, or none."""
    for mark, value in ((three_processes, 3), (f"no-{three_processes}", 0)):
        plugin = [str(PLUGINS / "check_procs"), "-C", "cat", "-a", mark, "-c", text]
        theirs = subprocess.run(plugin, capture_output=True, text=True, check=False)
        assert theirs.returncode == (2 if parse_range(text).alerts(value) else 0), theirs.stdout
