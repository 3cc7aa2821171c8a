"""Reading back: `show`, `list`, `config check`, and the library's reader."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.integration.test_collect import load_seven
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer, health_of
from tests.support.stored import put_snapshot, since
from tests.support.watchman import WATCHMAN, Watchman, read_terminal
from watchman_cli import BadSnapshot, NoSnapshot, StatusRecord, StoreError, read_snapshot, schema

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def collected(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> Iterator[RedisServer]:
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    assert watchman.collect().code == 0
    yield redis


def on_terminal(watchman: Watchman, *arguments: str, **environment: str) -> str:
    """What the command prints on a terminal."""
    ours, theirs = pty.openpty()
    command = [WATCHMAN, *arguments, "--config", str(watchman.config)]
    env = watchman.environment(TERM="xterm-256color", COLUMNS="100", **environment)
    with subprocess.Popen(command, cwd=watchman.home, env=env, stdout=theirs, stdin=theirs) as process:
        os.close(theirs)
        text = read_terminal(ours)
    assert process.returncode == 0
    return text.decode().replace("\r\n", "\n")


def lasting_left_out(text: str) -> list[str]:
    """Return the lines without how long each status lasts."""
    return re.sub(r" for (\d+ s|less than a minute)", "", text).splitlines()


def test_show(collected: RedisServer, watchman: Watchman) -> None:
    result = watchman.run("show", "o/r")
    assert (result.code, result.err) == (0, "")
    lines = lasting_left_out(result.text)
    assert lines[0].startswith("o/r: collected 20") and lines[0].endswith(" s ago")
    assert lines[1] == "server HALTED, aborted as a whole"
    counts = "3 aborted, 1 active, 1 submitted, 2 queued, 1 suspended, 1 complete, 3 unknown"
    assert lines[2] == f"12 nodes: {counts}"
    assert "\x1b" not in result.text
    assert lines[4:8] == [
        "/  aborted",
        "├─ forecast  aborted",
        "│  ├─ f  aborted",
        "│  │  ├─ complete  complete",
    ]
    assert lines[-2:] == ["└─ not_begun  unknown", "   └─ waiting  unknown"]


def test_a_stale_snapshot_is_known_to_be_stale(
    collected: RedisServer, watchman: Watchman, ecflow: EcflowServer
) -> None:
    ecflow.kill()
    for runs in ("1 run", "2 runs"):
        assert watchman.collect().code == 1
        lines = watchman.run("show", "o/r").text.splitlines()
        assert lines[3:5] == [f"stale: {runs} failed: connection refused", ""]
        assert f"{runs} failed: connection refused" in watchman.run("list").text


def test_a_health_record_of_another_type_hides_no_snapshot(
    collected: RedisServer, watchman: Watchman
) -> None:
    collected.client.delete("{o/r/status}/health")
    collected.client.lpush("{o/r/status}/health", "a list")
    shown = watchman.run("show", "o/r")
    assert (shown.code, shown.err) == (0, "") and "12 nodes: " in shown.text
    assert "its health record is not valid" in watchman.run("list").text


def test_show_a_part(collected: RedisServer, watchman: Watchman) -> None:
    lines = lasting_left_out(watchman.run("show", "o/r", "--status", "suspended").text)[4:]
    assert lines == [
        "/  aborted",
        "└─ forecast  aborted",
        "   └─ f  aborted",
        "      └─ suspended  suspended",
    ]
    lines = lasting_left_out(watchman.run("show", "o/r", "--path", "/forecast/f", "--status", "active").text)[
        4:
    ]
    assert lines == ["/forecast/f  aborted", "└─ active  active"]
    lines = lasting_left_out(watchman.run("show", "o/r", "--path", "/not_begun/", "--depth", "0").text)[4:]
    assert lines == ["/not_begun  unknown  [1 unknown]"]


def test_show_json_is_what_is_stored(collected: RedisServer, watchman: Watchman) -> None:
    assert watchman.run("show", "o/r", "--json").out == collected.client.get("o/r/status")


def test_colour_only_where_it_is_wanted(collected: RedisServer, watchman: Watchman) -> None:
    coloured = on_terminal(watchman, "show", "o/r")
    assert "\x1b[38;5;196maborted\x1b[0m" in coloured
    assert "\x1b" not in on_terminal(watchman, "show", "o/r", NO_COLOR="1")
    assert "\x1b" not in on_terminal(watchman, "list", NO_COLOR="1")
    assert "aborted" in on_terminal(watchman, "list")


def test_a_large_tree_folds_on_a_terminal(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    families = "".join(
        f"family f{i}\n" + "".join(f"task t{j}\n" for j in range(50)) + "endfamily\n" for i in range(9)
    )
    ecflow.load_text(f"suite s\n{families}endsuite\n")
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    assert watchman.collect().code == 0
    text = on_terminal(watchman, "show", "o/r", NO_COLOR="1")
    assert "├─ f0  unknown  [50 unknown]" in text
    assert "folded at depth 2" in text
    assert len(watchman.run("show", "o/r").text.splitlines()) == 4 + 1 + 1 + 9 * 51


def test_list(collected: RedisServer, watchman: Watchman, ecflow: EcflowServer) -> None:
    result = watchman.run("list")
    assert (result.code, result.err) == (0, "")
    head, row = result.text.splitlines()
    assert head.split() == ["server", "state", "age", "why", "nodes"]
    assert row.startswith("o/r     CRITICAL  ") and "  server HALTED, 1 aborted  3 aborted, " in row
    watchman.configure(
        collected.url,
        [
            {"owner": "o", "repo": "r", "address": ecflow},
            {"owner": "o", "repo": "new", "host": "h", "port": 1},
        ],
    )
    result = watchman.run("list", "--json")
    assert result.code == 1
    rows = json.loads(result.text)
    assert [row["server"] for row in rows] == ["o/r", "o/new"]
    assert schema.is_valid("list", rows)
    assert rows[0]["counts"]["suspended"] == 1 and rows[0]["error"] is None
    assert (rows[0]["ok"], rows[0]["state"], rows[0]["measures"]["aborted"]) == (True, "CRITICAL", 1)
    assert (rows[1]["error"], rows[1]["health"]) == ("no snapshot", "never read")


def test_list_again_and_again(collected: RedisServer, watchman: Watchman, ecflow: EcflowServer) -> None:
    """The rows follow the store, also after it was away; ecFlow is not asked."""
    requests = ecflow.requests()
    with watchman.start("list", "--watch") as process:
        assert process.stdout and process.stderr
        assert next(line for line in process.stdout if b"o/r" in line)
        assert ecflow.requests() == requests
        collected.stop()
        assert b"cannot be reached" in process.stderr.readline()
        collected.start()
        put = watchman.collect()
        assert put.code == 0
        assert next(line for line in process.stdout if b"o/r" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    result = watchman.run("list", "--watch", "--json")
    assert (result.code, result.err) == (2, "--watch: cannot be used with --json\n")


def test_a_snapshot_that_redis_dropped_is_named(collected: RedisServer, watchman: Watchman) -> None:
    time = (health_of(collected.client, "o/r") or {})["collected_time"]
    collected.client.delete("o/r/status")
    gone = "is gone; Redis evicted it (see its maxmemory-policy), or it expired (the setting `expire`)"
    words = f"{time[:19].replace('T', ' ')} UTC {gone}"
    for arguments, code, state in (
        (("list",), 1, "o/r     UNKNOWN  "),
        (("check", "o/r"), 3, "WATCHMAN UNKNOWN - o/r: no snapshot: "),
        (("show", "o/r"), 1, ""),
    ):
        result = watchman.run(*arguments)
        assert result.code == code
        assert words in result.text + result.err and state in result.text


def test_a_health_record_that_is_damaged_or_gone_is_not_ok(watchman: Watchman, tmp_path: Path) -> None:
    store = tmp_path / "store"
    for name in ("damaged", "gone"):
        put_snapshot(store, f"o/{name}", [StatusRecord("/s", "complete")])
    (store / "o/damaged/health.json").write_text('{"ok": true}')
    (store / "o/gone/health.json").unlink()
    servers = [{"owner": "o", "repo": name, "host": "h", "port": 1} for name in ("damaged", "gone")]
    watchman.configure(f"file://{store}", servers)
    rows = watchman.run("list").text.splitlines()[1:]
    for row, words in zip(
        rows, ("its health record is not valid", "its health record is missing"), strict=True
    ):
        assert "  UNKNOWN  " in row and words in row
    assert watchman.run("check", "--all").code == 3


def test_exit_codes(collected: RedisServer, watchman: Watchman) -> None:
    assert watchman.run("show", "o/absent").code == 1
    assert watchman.run("show", "o/r", "--path", "/no/such").code == 1
    assert watchman.run("show", "nonsense").code == 2
    collected.client.set("o/r/status", b'{"status_records": [')
    for arguments in (("show", "o/r"), ("list",)):
        result = watchman.run(*arguments)
        assert result.code == 1
        assert "not valid" in result.err + result.text
    collected.kill()
    for arguments in (("show", "o/r"), ("list",)):
        result = watchman.run(*arguments)
        assert result.code == 3
        assert "cannot be reached" in result.err


def test_config_check(watchman: Watchman, ecflow: EcflowServer) -> None:
    watchman.configure("redis://:secret@127.0.0.1:1/0", [{"owner": "o", "repo": "r", "address": ecflow}])
    watchman.config.chmod(0o644)
    result = watchman.run("config", "check")
    assert result.code == 0
    assert "valid, 1 server, store redis://127.0.0.1:1/0" in result.text
    assert "\necflow 5." in result.text and "python" in result.text
    assert "other users can read it" in result.err
    assert "secret" not in result.text + result.err


def test_the_reader(collected: RedisServer, ecflow: EcflowServer) -> None:
    found = read_snapshot(collected.url, "o/r")
    assert [[record.path, record.status] for record in found.records] == ecflow.snapshot()["records"]
    assert found.status("/forecast/f/suspended") == "suspended"
    assert found.status("/no/such") is None
    assert found.collected_time < datetime.now(timezone.utc)
    assert found.server_state == "HALTED"
    with pytest.raises(NoSnapshot):
        read_snapshot(collected.url, "o/absent")
    collected.client.set("o/r/status", "[]")
    with pytest.raises(BadSnapshot):
        read_snapshot(collected.url, "o/r")
    with pytest.raises(StoreError):
        read_snapshot("redis://127.0.0.1:1/0", "o/r")


def test_the_reader_takes_what_the_older_tool_wrote(redis: RedisServer) -> None:
    redis.client.set(
        "o/r/status",
        '{"status_records":[{"path":"/","status":"queued"}],"collected_time":"2019-11-24T00:12:57.123456789Z"}',
    )
    assert read_snapshot(redis.url, "o/r").status("/") == "queued"


def test_the_wheel_holds_the_schemas_and_the_page(tmp_path: Path) -> None:
    """They are one truth: the wheel's are those of the checkout, and the package works from it alone."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    for each in (ROOT / "schemas").glob("*.json"):
        shipped = tmp_path / "installed/watchman_cli/schemas" / each.name
        assert shipped.read_text() == each.read_text()
    page = Path("watchman_cli/output/page")
    for file in (each.name for each in (ROOT / page).iterdir() if each.is_file()):
        assert (tmp_path / "installed" / page / file).read_bytes() == (ROOT / page / file).read_bytes()


def test_show_what_lasts_or_has_a_flag(watchman: Watchman, tmp_path: Path) -> None:
    put_snapshot(
        tmp_path / "store",
        "o/r",
        [
            StatusRecord("/s", "active", since(7800)),
            StatusRecord("/s/long", "active", since(7800), ("late",)),
            StatusRecord("/s/short", "active", since(60)),
        ],
    )
    watchman.configure(f"file://{tmp_path}/store", [{"owner": "o", "repo": "r", "host": "h", "port": 1}])
    tree = ["/  active", "└─ s  active for 2 h 10 min", "   └─ long  active for 2 h 10 min, late"]
    assert watchman.run("show", "r", "--longer-than", "2h").text.splitlines()[4:] == tree
    assert watchman.run("show", "r", "--flag", "late").text.splitlines()[4:] == tree
    for wrong in (("r", "--flag", "Late"), ("r", "--longer-than", "soon"), ("absent",), ("o/",), ("a/b/c",)):
        assert watchman.run("show", *wrong).code == 2


def test_a_shell_completes_paths(collected: RedisServer, watchman: Watchman) -> None:
    def completed(path: str) -> list[str]:
        words = f"watchman show r --config {watchman.config} --path {path}"
        count = str(len(words.split()) - 1)
        environment = watchman.environment(
            _WATCHMAN_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count
        )
        with watchman.start(environment=environment) as process:
            return process.communicate()[0].decode().split()

    assert completed("/") == ["/forecast", "/not_begun"]
    assert completed("/forecast/f/a") == ["/forecast/f/aborted", "/forecast/f/active"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_no_shell_completes_what_it_would_obey(watchman: Watchman, tmp_path: Path, shell: str) -> None:
    """A store may hold any path without blanks; the word completed stands in the command line as it is."""
    hostile = [
        "$(id)",
        "`id`",
        ";id",
        "a'b",
        'a"b',
        "a|b",
        "a&b",
        "*",
        "~x",
        "a>b",
        "\\x",
        "\u202e",
        "\x9b",
        "#",
    ]
    records = [StatusRecord(f"/{name}", "queued") for name in ("good", "good.2-a", *hostile)]
    put_snapshot(tmp_path / "store", "o/r", records)
    servers = [{"owner": owner, "repo": "r", "host": "h", "port": 1} for owner in ("o", "$(id)", "a;b")]
    watchman.configure(f"file://{tmp_path}/store", servers)
    for words, expected in (("--path /", ["/good", "/good.2-a"]), ("", ["o/r"])):
        line = f"watchman show {'o/r' if words else ''} --config {watchman.config} {words}"
        if not words:
            line = f"watchman show --config {watchman.config} "
        environment = watchman.environment(
            _WATCHMAN_COMPLETE=f"complete_{shell}",
            _TYPER_COMPLETE_ARGS=line,
            _TYPER_COMPLETE_FISH_ACTION="get-args",
            COMP_WORDS=line,
            COMP_CWORD=str(len(line.split()) - bool(words)),
        )
        with watchman.start(environment=environment) as process:
            out = process.communicate()[0].decode()
        completed = re.findall(r'"([^"]*)"', out) if shell == "zsh" else out.split()
        assert completed == expected, out
