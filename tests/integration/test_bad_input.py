"""Bad input and secrets: what is wrong is reported in a line, nothing crashes or hangs, no password shows."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import socket
import subprocess
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Connection, FakeServer
from tests.support.forked import run_forked
from tests.support.loopback import free_port
from tests.support.redis_server import RedisServer, records_of, status_of
from tests.support.watchman import UNPRIVILEGED, WATCHMAN, Result, Watchman, read_terminal
from watchman_cli import config, schema
from watchman_cli.errors import ConfigError
from watchman_cli.output import tree
from watchman_cli.output.tree import TreeFilter
from watchman_cli.snapshot import Snapshot, StatusRecord

LIMIT = 60.0  # seconds in which anything that is asked about something absurd is answered

# ----------------------------------------------------------------------- any configuration

VALID: dict[str, Any] = {
    "store": "redis://127.0.0.1:1/0",
    "ecflow_python": "/usr/bin/python3",
    "sync_cache": "store",
    "defaults": {
        "connect_timeout": 5,
        "attempts": 3,
        "deadline": 20,
        "expire": 600,
        "protocol": "tcp",
        "reader": "auto",
    },
    "servers": [
        {"owner": "o", "repo": "r", "host": "h", "port": 3141, "suites": ["a", "b"]},
        {"owner": "o", "repo": "s", "host": "h", "port": 3142, "user": "u", "password": "p"},
    ],
}
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["x\n", "0x_", "1e999"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, the whole included."""
    yield ()
    steps: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, dict) else []
    steps += list(enumerate(value)) if isinstance(value, list) else []
    for step, inner in steps:
        yield from ((step, *rest) for rest in places(inner))


def put(document: Any, place: Sequence[Any], value: Any) -> Any:
    """A copy of a document with another value at a place."""
    if not place:
        return value
    copy = document.copy()
    copy[place[0]] = put(document[place[0]], place[1:], value)
    return copy


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "watchman.yaml"


def load(path: Path, text: bytes | str) -> list[str]:
    """Load a configuration; the mistakes, none where it is valid. Each must name the file, and a line."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        config.load(path, {})
    except ConfigError as error:
        assert error.problems
        for mistake in error.problems:
            assert re.match(re.escape(str(path)) + r":([1-9]\d*:)? \S", mistake), mistake
        return list(error.problems)
    return []


of_a_function = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@of_a_function
@given(st.sampled_from(list(places(VALID))), ANYTHING, st.booleans())
@example((), {" ": 1}, True)
@example((), {"": 1}, False)
@example(("defaults",), {"\u202e": 1}, False)
def test_any_value_at_any_place(path: Path, place: tuple[Any, ...], value: Any, as_yaml: bool) -> None:
    document = put(VALID, place, value)
    if as_yaml:
        load(path, yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
    else:
        load(path, json.dumps(document))


TOKENS = st.sampled_from(
    [
        *"[]{},:-?&*!|>%@`\"'#\n\t \0\r\x85\u2028\ufeff",
        *("- ", ": ", "? ", "\n  ", "&a ", "*a", "<<: *a", "---\n", "...\n", "%YAML 9.9\n", "servers: "),
        *("owner: o", "{owner: o, repo: r, host: h, port: 1}", "- {owner: o, repo: r, host: h, port: 1}\n"),
        *("!!set ", "!!binary ", "!!timestamp ", "!!int ", "!!float ", "!!bool ", "!!omap ", "!!pairs "),
        *("!!str ", "!!null ", "!!map ", "!!seq ", "!", "!x ", "!!python/name:os.system ", "0x_", "1:2"),
        *("~", ".inf", "-.nan", "2001-13-99", "=", "<<", "\\x00", '"\\0"', "é", "\U0001f600", "9" * 400),
    ]
)
TEXT = st.one_of(
    st.lists(TOKENS, max_size=30).map("".join), st.text(), st.lists(st.one_of(TOKENS, st.text())).map("".join)
)


@of_a_function
@given(
    TEXT, st.sampled_from(["", "servers:\n- {owner: o, repo: r, host: h, port: 1}\n", "servers: [{user: "])
)
@example("!!timestamp x}]", "servers: [{user: ")
@example("!!bool x}]", "servers: [{user: ")
@example("!!int ''}]", "servers: [{user: ")
def test_any_text(path: Path, text: str, before: str) -> None:
    load(path, before + text)


@of_a_function
@given(st.binary())
def test_any_bytes(path: Path, data: bytes) -> None:
    load(path, data)
    load(path, b"servers:\n- {owner: o, repo: r, host: h, port: 1}\n" + data)


LINES = [
    ("store", "store", "redis://127.0.0.1:1/0"),
    ("ecflow_python", "ecflow_python", "/usr/bin/python3"),
    ("sync_cache", "sync_cache", "off"),
    (None, "defaults:", None),
    *((f"defaults.{key}", f"  {key}", 1) for key in ("connect_timeout", "attempts", "expire", "user")),
    ("defaults.password", "  password", "p"),
    (None, "servers:", None),
    *(
        (f"servers[0].{key}", f"{'- ' if key == 'owner' else '  '}{key}", value)
        for key, value in (("owner", "o"), ("repo", "r"), ("host", "h"), ("port", 1), ("deadline", 2.5))
    ),
    ("servers[1].owner", "- owner", "o"),
    ("servers[1].repo", "  repo", "s"),
    ("servers[1].host", "  host", "h"),
    ("servers[1].port", "  port", 2),
    ("servers[1].password", "  password", "p"),
]


@of_a_function
@given(st.sampled_from([n for n, (place, _, _) in enumerate(LINES) if place]), ANYTHING, st.data())
def test_an_error_is_reported_at_its_line(path: Path, wrong: int, value: Any, data: st.DataObject) -> None:
    """Among comments and blank lines, in block style: one wrong value is the one mistake."""
    text, line = "", 0
    for number, (place, key, right) in enumerate(LINES):
        text += data.draw(st.sampled_from(["", "\n", "# é: comment\n", "\n# \t[\n\n"]))
        if number == wrong:
            line = text.count("\n") + 1
        shown = "" if place is None else f": {json.dumps(value if number == wrong else right)}"
        text += f"{key}{shown}\n"
    name = (LINES[wrong][0] or "").rpartition(".")[2]
    described = schema.load("config")["properties"].get(name) or schema.load("config")["$defs"].get(name)
    described = described or schema.load("config")["properties"]["servers"]["items"]["properties"][name]
    if "$ref" in described:
        described = schema.load("config")["$defs"]["name"]
    found = load(path, text.replace("  user: 1\n", "  user: u\n"))
    if found:
        for mistake in found:
            assert mistake.startswith(f"{path}:{line}: "), (mistake, text)
    else:
        from jsonschema import Draft202012Validator

        a_word = isinstance(value, float) and not math.isfinite(value)  # JSON has no such number
        assert a_word or Draft202012Validator(described).is_valid(value)


ABSURD: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n  \n",
    "UTF-8": b"servers:\n- {owner: \xff}\n",
    "UTF-16": "servers: []".encode("utf-16"),
    "NUL": b"servers:\n\0",
    "brackets": b"[" * 100_000,
    "deep": b"- " * 100_000,
    "large": b"# " + b"x" * (10 << 20),
    "long": b"servers: " + b"x" * (3 << 20),
    "bomb": b"a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    + b"".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n".encode() for i in range(1, 15)),
    "chain": b"a0: &a0 [1]\n" + b"".join(f"a{i}: &a{i} [*a{i - 1}]\n".encode() for i in range(1, 1000)),
    "chain of keys": b"".join(f"? &a{i} [*a{max(i - 1, 0)}]\n: x\n".encode() for i in range(1000)).replace(
        b"[*a0]", b"[1]", 1
    ),
    "itself": b"servers: &a [*a]\n",
    "merge": b"a: &a {owner: o}\nservers:\n- {<<: *a, repo: r, host: h, port: 1}\n",
    "mistakes": b"servers: [" + b"1," * 30_000 + b"1]",
    "keys": b"{" + b", ".join(b"k%d: 1" % i for i in range(30_000)) + b"}",
    "system": b"servers: !!python/object/apply:os.system ['touch pwned']\n",
    "new": b"servers: !!python/object/new:os.system ['touch pwned']\n",
    "module": b"servers: !!python/module:antigravity\n",
    "name": b"store: !!python/name:os.system\nservers: []\n",
}


@pytest.mark.parametrize("name", ABSURD)
def test_an_absurd_file(path: Path, name: str) -> None:
    assert load(path, ABSURD[name])
    assert not Path("pwned").exists()


@pytest.fixture
def nobody_asked() -> Iterator[dict[str, Any]]:
    """An entry of a server, which must not be contacted."""
    with FakeServer(lambda connection: None) as server:
        yield {"owner": "o", "repo": "r", "host": server.host, "port": server.port}
        assert not server.connections


@pytest.mark.parametrize(
    "kind", ["directory", "fifo", "zero", "dangling", "absent", "loop", "private", "bomb", "mistake", "store"]
)
def test_the_command_refuses(watchman: Watchman, nobody_asked: dict[str, Any], kind: str) -> None:
    """Exit code 2, a line that begins with the file, no server and no store contacted."""
    place = watchman.config
    prefix: tuple[str, ...] = ()
    watchman.configure(f"redis://127.0.0.1:{nobody_asked['port']}/0", [nobody_asked])
    good = place.read_text()
    place.unlink()
    if kind == "directory":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "zero":
        place.symlink_to("/dev/zero")
    elif kind == "dangling":
        place.symlink_to("nowhere")
    elif kind == "loop":
        place.symlink_to(place.name)
    elif kind == "private":
        place.write_text(good)
        place.chmod(0o000)
        prefix = UNPRIVILEGED
    elif kind == "bomb":
        place.write_text(good + ABSURD["bomb"].decode())
    elif kind == "mistake":
        place.write_text(good + "deadlin: 3\n")
    elif kind == "store":
        place.write_text(good.replace("/0", "/0?db=x&socket_timeout=never"))
    command = replace(watchman, prefix=prefix)
    for arguments in (["collect"], ["list"], ["config", "check"], ["show", "o/r"]):
        result = command.run(*arguments, "--config", place.name, timeout=LIMIT)
        assert (result.code, result.out) == (2, b""), (arguments, result)
        (reported,) = result.err.splitlines()
        assert reported.startswith("watchman.yaml: " if kind in NO_LINE else "watchman.yaml:"), reported
        assert kind in NO_LINE or re.match(r"watchman\.yaml:\d+: ", reported), reported


NO_LINE = ("directory", "fifo", "zero", "dangling", "absent", "loop", "private")

# ------------------------------------------------------------------ damaged values in the store

HEAD = b'{"collected_time":"2026-11-24T00:12:57+00:00","status_records":['
ROOT = b'{"path":"/","status":"queued"}'
NODE = b',{"path":"/s","status":"queued"}'
DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "truncated": HEAD + ROOT + b',{"path":"/s","sta',
    "not JSON": b"\x80\x04\x95queued",
    "null": b"null",
    "a list": b"[]",
    "no records": b'{"collected_time":"2026-11-24T00:12:57+00:00"}',
    "no root": HEAD + NODE[1:] + b"]}",
    "a status": HEAD + ROOT + b',{"path":"/s","status":"fine"}]}',
    "a path": HEAD + ROOT + b',{"path":"s//","status":"queued"}]}',
    "UTF-8": HEAD + ROOT + b',{"path":"/\xff","status":"queued"}]}',
    "the head": b'{"collected_time":"' + b"\xff" * 32 + b'","revision":"' + b"0" * 32 + b'",'
    b'"server_state":"RUNNING","status_records":[' + ROOT + b"]}",
    "deep": HEAD + ROOT + b"," + b"[" * 990 + b"]" * 990 + b"]}",
    "deeper": b"[" * 1_000_000,
    "a month": (HEAD + ROOT + b"]}").replace(b"-11-", b"-13-"),
    "an offset": (HEAD + ROOT + b"]}").replace(b"+00:00", b"+99:99"),
    "the year 0": (HEAD + ROOT + b"]}").replace(b"2026", b"0000"),
    "100 MB of blanks": b" " * 100_000_000,
    "100 MB of text": HEAD + ROOT + b',{"path":"' + b"x" * 100_000_000 + b'","status":"queued"}]}',
    "100 MB of records": HEAD + ROOT + NODE * 3_000_000 + b',{"path":"x","status":"queued"}]}',
}


def says_so(result: Result, words: str) -> None:
    assert result.code == 1, result
    assert "Traceback" not in result.err and words in result.err + result.text
    assert len((result.err + result.text).splitlines()) <= 2
    assert max(map(len, (result.err + result.text).splitlines())) < 1000
    assert_fit_for_a_terminal(result.out + result.err.encode())


@pytest.mark.slow
def test_a_damaged_snapshot(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    """It is said so, with exit code 1, and the next run mends it; also a value of another type."""
    ecflow.load_text("suite s\ntask t\nendsuite\n")
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    options = [(), ("--json",), ("--status", "queued"), ("--path", "/s"), ("--depth", "1")]
    for number, damage in enumerate(["of another type", *DAMAGED]):
        assert watchman.collect().code == 0, damage
        if damage in DAMAGED:
            redis.client.set("o/r/status", DAMAGED[damage])
        else:
            redis.client.delete("o/r/status")
            redis.client.hset("o/r/status", "path", "/")
        says_so(watchman.run("show", "o/r", *options[number % 5], timeout=LIMIT), "is not valid: ")
        if number % 3 == 0:
            says_so(watchman.run("list", timeout=LIMIT), "its snapshot is not valid: ")
    assert watchman.collect().code == 0
    found = status_of(redis.client, "o/r")
    assert found and records_of(found) == ecflow.snapshot()["records"]


def test_one_damaged_value_ends_no_listing(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    entries = [{"owner": "o", "repo": f"r{i}", "address": ecflow} for i in range(3)]
    for store in (redis.url, f"file://{watchman.home}/store"):
        watchman.configure(store, entries)
        assert watchman.collect().code == 0
        if store == redis.url:
            redis.client.delete("o/r1/status")
            redis.client.lpush("o/r1/status", "x")
        else:
            (watchman.home / "store/o/r1/status.json").unlink()
            (watchman.home / "store/o/r1/status.json").mkdir()
        result = watchman.run("list", "--json")
        assert result.code == 1
        rows = json.loads(result.out)
        assert [row["error"] is None for row in rows] == [True, False, True]


def test_damaged_health_and_sync(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    """The one is said to be, the other costs a full sync; a run writes both anew."""
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    for number, damage in enumerate((b"", b"\xff", b"{", b"[]", b'{"ok":true}', b"[" * 5000, None)):
        assert watchman.collect().code == 0
        sync: Any = redis.client.get("{o/r/status}/sync")
        for what in ("health", "sync"):
            redis.client.delete(f"{{o/r/status}}/{what}")
            if damage is None:
                redis.client.hset(f"{{o/r/status}}/{what}", "a", "b")
            else:
                redis.client.set(f"{{o/r/status}}/{what}", damage)
        if number % 2:
            redis.client.set(
                "{o/r/status}/sync", sync[: 100 + number] + bytes([sync[100 + number] ^ 1]) + sync[101:]
            )
        result = watchman.run("list")
        assert result.code == 0 and "its health record is not valid" in result.text
        ecflow.load_text(f"suite s{number}\nendsuite\n")
        result = watchman.collect("-v")
        assert result.code == 0 and "full sync" in result.err
        found = status_of(redis.client, "o/r")
        assert found and records_of(found) == ecflow.snapshot()["records"]


@of_a_function
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["/a", "/a/b", "/a/b/c/d", "/b", "/c/d", "/", "/x/y/z/a/b", "/a/b/c"]),
            st.sampled_from(["queued", "aborted", "unknown"]),
        )
    ),
    st.sampled_from(["/", "/a", "/a/b", "/x/y"]),
    st.sets(st.sampled_from(["queued", "aborted", "active"])),
    st.one_of(st.none(), st.integers(0, 5)),
)
def test_records_that_are_no_tree(
    records: list[tuple[str, str]], path: str, statuses: set[str], depth: int | None
) -> None:
    """Nodes without their parents, twice, in any order: each that is to be seen is drawn, once."""
    found = [StatusRecord("/", "queued"), *(StatusRecord(*record) for record in records)]
    snapshot = Snapshot(datetime.now(timezone.utc), None, found)
    lines = list(tree.tree(snapshot, TreeFilter(path, frozenset(statuses), depth), False))
    tree.fitting_depth(snapshot, TreeFilter(path, frozenset(statuses), depth), 3)
    below = path.rstrip("/") + "/"
    if not statuses and depth is None:
        assert len(lines) == sum(r.path == path or r.path.startswith(below) for r in found)


def test_drawing_what_is_no_tree_is_linear() -> None:
    """Eight times as many nodes without a parent take about eight times the CPU time, not 64."""

    def cpu_seconds(nodes: int, depth: int | None) -> float:
        records = [StatusRecord("/", "queued")]
        records += [StatusRecord(f"/{'x/' * (i % 7)}n{i}", "queued") for i in range(nodes)]
        snapshot = Snapshot(datetime.now(timezone.utc), None, records)
        began = time.thread_time()
        assert list(tree.tree(snapshot, TreeFilter("/", frozenset(), depth), False))
        return time.thread_time() - began

    for depth in (None, 0, 1, 2):
        some = min(cpu_seconds(5_000, depth) for _ in range(3))
        assert min(cpu_seconds(40_000, depth) for _ in range(3)) < 24 * some


# --------------------------------------------------------------------- what a terminal obeys

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e\u200b\u2066\x7f\x08\ufeff"
OURS = re.compile(rb"\x1b\[(\d{1,2}(;\d{1,3})*)?m|\x1b\[\?25[lh]|\x1b\[\d*[AGJK]|\r(?=\n|\x1b\[)")


def assert_fit_for_a_terminal(output: bytes, ours: re.Pattern[bytes] | None = None) -> None:
    """Nothing in it is obeyed by a terminal, or hides, but `ours`."""
    text = (ours.sub(b"", output) if ours else output).decode()
    for character in text:
        category = unicodedata.category(character)
        assert character == "\n" or category not in ("Cc", "Cf", "Zl", "Zp"), (ascii(character), ascii(text))


def piped_and_on_a_terminal(watchman: Watchman, *arguments: str, **environment: str) -> str:
    """Run the command both ways, and check all that it prints; what it printed when piped."""
    env = watchman.environment(TERM="xterm-256color", COLUMNS="200", **environment)
    command = [WATCHMAN, *arguments]
    code, out, err = run_forked(command, str(watchman.home), env, LIMIT)
    assert b"Traceback" not in err
    assert_fit_for_a_terminal(out + err)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=watchman.home, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        output = read_terminal(ours)
    assert process.returncode == code
    assert_fit_for_a_terminal(output, OURS)
    return (out + err).decode()


def test_a_hostile_snapshot(redis: RedisServer, watchman: Watchman) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "host": "127.0.0.1", "port": 1}])
    config_ = ("--config", str(watchman.config))
    node = "/s" + "".join(c for c in HOSTILE if ord(c) > 0x7F)
    for path in (node, "/s" + HOSTILE):  # valid, and not
        records = [{"path": each, "status": "queued"} for each in ("/", path)]
        document = {"collected_time": "2026-11-24T00:12:57+00:00", "status_records": records}
        redis.client.set("o/r/status", orjson.dumps(document))
        reported = [piped_and_on_a_terminal(watchman, "show", "o/r", *config_)]
        reported.append(piped_and_on_a_terminal(watchman, "show", "o/r", "--path", path, *config_))
        reported.append(piped_and_on_a_terminal(watchman, "list", *config_))
        reported.append(piped_and_on_a_terminal(watchman, "list", "--json", *config_))
        assert ("is not valid" in reported[0]) == (path != node)


def test_a_hostile_health_record(redis: RedisServer, watchman: Watchman) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "host": "127.0.0.1", "port": 1}])
    error = {"kind": "server", "message": HOSTILE + "said", "detail": HOSTILE}
    record = {"checked_time": "2026-11-24T00:12:57Z", "ok": False, "failures": 1, "attempts": 1, "seconds": 1}
    record |= {
        "collected_time": None,
        "error": error,
        "sync": {"mode": None, "reason": HOSTILE, "disabled": None},
    }
    redis.client.set("{o/r/status}/health", orjson.dumps(record))
    config_ = ("--config", str(watchman.config))
    assert "said" in piped_and_on_a_terminal(watchman, "list", *config_)
    assert "said" in piped_and_on_a_terminal(watchman, "list", "--json", *config_)
    piped_and_on_a_terminal(watchman, "collect", *config_)


@pytest.fixture
def hostile_server() -> Iterator[dict[str, Any]]:
    """The entry of a server whose every answer is an error in ecFlow's own format, with a hostile text."""

    def behave(connection: Connection) -> None:
        connection.client.recv(65536)
        error = {
            "cereal_class_version": 0,
            "value0": {"cereal_class_version": 0},
            "error_msg_": HOSTILE + "no",
        }
        pointer = {"id": 2147483649, "data": error}
        command = {"polymorphic_id": 2147483649, "polymorphic_name": "ErrorCmd", "ptr_wrapper": pointer}
        reply = orjson.dumps({"22ServerToClientResponse": {"stc_cmd_": command}})
        connection.forward(f"{len(reply):8x}".encode() + reply)
        connection.client.shutdown(socket.SHUT_WR)

    with FakeServer(behave) as server:
        yield {"owner": "o", "repo": "r", "host": server.host, "port": server.port, "attempts": 1}


@pytest.mark.parametrize("options", [(), ("-v",), ("-v", "--log-format", "json"), ("--dry-run",)])
def test_a_hostile_server(
    redis: RedisServer, watchman: Watchman, hostile_server: dict[str, Any], options: tuple[str, ...]
) -> None:
    other = {"owner": "o", "repo": "other", "host": "127.0.0.1", "port": 1, "attempts": 1}
    watchman.configure(redis.url, [hostile_server, other])
    config_ = ("--config", str(watchman.config))
    reported = piped_and_on_a_terminal(watchman, "collect", *options, *config_)
    assert "owned" not in reported and "o/other" in reported  # no part of a reply is shown
    piped_and_on_a_terminal(watchman, "list", *config_)


@pytest.mark.slow
def test_hostile_names_and_paths(redis: RedisServer, watchman: Watchman) -> None:
    """On the command line, in the environment, of the configuration and of what stands in it."""
    folder = watchman.home / f"dir{HOSTILE}\n"
    folder.mkdir()
    hostile = Watchman(folder)
    entry = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": 1, "attempts": 1}
    hostile.configure(redis.url, [entry], sync_cache=f"{watchman.home}/{HOSTILE[5:12]}\u202e")
    hostile.config.write_text(
        yaml.safe_dump({"store": redis.url, "servers": [entry]}) + "defaults: {password: x}\n"
    )
    hostile.config.chmod(0o644)
    config_ = ("--config", str(hostile.config))
    for arguments in (
        ("config", "check", *config_),
        ("collect", *config_),
        ("collect", "--server", HOSTILE, *config_),
        ("show", f"o/{HOSTILE}", *config_),
        ("show", HOSTILE, *config_),
        ("list", *config_, "--store", f"file://{watchman.home}/no{HOSTILE}"),
        ("collect", "--jobs", HOSTILE, *config_),
        ("show", "o/r", "--status", HOSTILE),
        ("list", "--config", f"{watchman.home}/{HOSTILE}/absent"),
        (HOSTILE,),
    ):
        reported = piped_and_on_a_terminal(watchman, *arguments)
        assert reported
    piped_and_on_a_terminal(watchman, "list", *config_, WATCHMAN_STORE=f"file:///no/{HOSTILE}")
    piped_and_on_a_terminal(watchman, "list", WATCHMAN_CONFIG=f"/no/{HOSTILE}")
    piped_and_on_a_terminal(watchman, "list", XDG_CONFIG_HOME=f"/no/{HOSTILE}")
    for text in (
        json.dumps({HOSTILE: 1, "servers": [entry]}),
        json.dumps({"servers": [{**entry, "owner": HOSTILE, "host": HOSTILE, "deadline": HOSTILE}]}),
        json.dumps({"servers": [entry], "store": f"redis://{HOSTILE}", "ecflow_python": HOSTILE}),
        json.dumps({"servers": [entry, entry | {"owner": "a\u202e"}]}, ensure_ascii=False),
        f"servers: !{HOSTILE} []",
        f"servers: *{HOSTILE[6:]}",
        f"servers: []\n{HOSTILE}",
        json.dumps({"servers": [entry], "ecflow_python": "/no/\u202e\u200b\x9b"}),
        json.dumps({"servers": [entry], "store": "file:///proc/\u202e\u200b\x9b"}),
    ):
        hostile.config.write_text(text)
        assert "watchman" in piped_and_on_a_terminal(watchman, "config", "check", *config_)


# ------------------------------------------------------------------------------------ secrets

SECRET = "hunter2-s3cr3t"


FEW = (("collect", "-v"), ("list",), ("config", "check"))
MORE = (("collect",), ("collect", "--log-format", "json"), ("collect", "--dry-run"))
ALL = (*FEW, *MORE, ("list", "--json"), ("show", "o/r"))


def all_reported(watchman: Watchman, commands: Sequence[tuple[str, ...]], **environment: str) -> str:
    """All that some commands print."""
    env = watchman.environment(**environment)
    reported = ""
    for arguments in commands:
        result = watchman.run(*arguments, environment=env)
        assert "Traceback" not in result.err
        reported += result.text + result.err
    return reported


@pytest.mark.slow
def test_no_password_is_shown(
    ecflow_server: Callable[..., EcflowServer],
    redis_server: Callable[..., RedisServer],
    watchman: Watchman,
) -> None:
    """Of good runs and failing ones, wherever it is configured; nor is it in what a run writes."""
    redis, port, users = redis_server(), free_port(), watchman.home / "users"
    users.write_text(f"5.9.2\nu {socket.gethostname()} {port} {SECRET}\n")
    ecflow = ecflow_server(port=port, environment={"ECF_CUSTOM_PASSWD": str(users)})
    redis.client.execute_command(f"ACL SETUSER w on >{SECRET} ~* +@all")
    entry = {"owner": "o", "repo": "r", "address": ecflow, "user": "u", "password": SECRET}
    refused = {**entry, "repo": "refused", "password": f"{SECRET}x"}
    gone = {"owner": "o", "repo": "gone", "host": "127.0.0.1", "port": 1, "password": SECRET}
    entries: list[dict[str, Any]] = [entry, refused, gone]
    good = f"redis://w:{SECRET}@127.0.0.1:{redis.port}/0"
    in_query = f"redis://127.0.0.1:{redis.port}/0?username=w&password={SECRET}"
    for store, works in (
        (good, True),
        (in_query, True),
        (good.replace("w:", "x:"), False),
        (f"redis://w:{SECRET}@127.0.0.1:1/0", False),
        (f"redis+sentinel://w:{SECRET}@127.0.0.1:1/name/0", False),
        (f"unix://w:{SECRET}@/nowhere?db=1", False),
        (f"redis://:{SECRET}?{SECRET}@127.0.0.1:1/0", False),
        (f"redis://:{SECRET}/{SECRET}@127.0.0.1:1/0", False),
        (f"redis://:{SECRET}", False),
        (f"redis://w:{SECRET}", False),
        (f"redis://127.0.0.1:{SECRET}/0", False),
        (f"file://w:{SECRET}@/nowhere", False),
    ):
        commands = ALL if store in (good, in_query) else FEW
        watchman.configure(store, entries, defaults={"deadline": 1})
        reported = all_reported(watchman, commands)
        assert SECRET not in reported, store
        assert ("0 nodes" in reported) == works, reported
        watchman.configure(None, entries, defaults={"deadline": 1})
        assert SECRET not in all_reported(watchman, commands[-2:], WATCHMAN_STORE=store), store
    kept = b"".join(redis.client.get(key) or b"" for key in redis.client.keys("*"))  # type: ignore[misc]
    assert kept and SECRET.encode() not in kept
    for log in ecflow.home.glob("*.log"):
        assert SECRET.encode() not in log.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "store: redis:/:SECRET@h\n",
        "store: SECRET\n",
        "store: [SECRET]\n",
        "store: {url: SECRET}\n",
        "store: redis://:SECRET\n",
        "store:redis://:SECRET@h/0\n",
        "store: redis://:SECRET@h/0: x\n",
        "store: 'redis://:SECRET@h/0\n",
        'store: "redis://:SECRET\\q@h/0"\n',
        "store: redis://:SECRET@h:port/0\n",
        "store: redis://h/0?password=SECRET&db=x\n",
        "store: redis://:SECRET@h/0\nstore: redis://:SECRET@h/0\n",
        "{store:redis://:SECRET@h/0, servers: []}\n",
        "defaults: {password:SECRET}\n",
        "defaults: {password=SECRET}\n",
        "defaults: {password: 'SE CRET SECRET'}\n",
        "defaults: {password: [SECRET]}\n",
        "defaults: {password: {SECRET: 1}}\n",
        "defaults: {password: !SECRET }\n",
        "defaults: {password: *SECRET }\n",
        "defaults: {password: &SECRET }\n",
        "defaults: {password: %SECRET}\n",
        "defaults: {password: SECRET, user: [x]}\n",
        "defaults: {password: SECRET, password: SECRET}\n",
        "defaults: {pasword: SECRET}\n",
        "defaults:\n  password SECRET\n",
        "defaults:\n  password:SECRET\n  user: u\n",
        "defaults:\n  password: SECRET: x\n",
        "defaults:\n  password: |\n  SECRET\n",
        "defaults:\n  password: !!binary SECRET\n",
        "password: SECRET\n",
    ],
)
def test_no_password_is_in_an_error(path: Path, text: str) -> None:
    from watchman_cli.store import open_store

    server = "" if text.startswith("{") else "servers:\n- {owner: o, repo: r, host: h, port: 1}\n"
    document = (text + server).replace("SECRET", SECRET)
    path.write_text(document)
    try:
        found = config.load(path, {})
        open_store(found.store, found.store_source).check(time.monotonic())
    except ConfigError as error:
        reported = "\n".join(error.problems)
        assert reported.startswith(f"{path}:") and SECRET not in reported
    else:
        pytest.fail("it was taken")


def test_no_password_is_seen_in_proc(redis_server: Callable[..., RedisServer], watchman: Watchman) -> None:
    """Neither in a process's arguments, nor in the environment of the one that the bindings read in."""
    redis = redis_server()
    redis.client.execute_command(f"ACL SETUSER w on >{SECRET} ~* +@all")
    store = f"redis://w:{SECRET}@127.0.0.1:{redis.port}/0"
    with FakeServer(lambda connection: None) as hanging:
        entry = {"owner": "o", "repo": "r", "host": hanging.host, "port": hanging.port, "deadline": 60}
        watchman.configure(None, [{**entry, "user": "u", "password": SECRET, "reader": "bindings"}])
        with watchman.start("collect", environment=watchman.environment(WATCHMAN_STORE=store)) as process:
            assert hanging.accepted.acquire(timeout=30)
            children = psutil.Process(process.pid).children(recursive=True)
            assert len(children) == 1
            for each in (process.pid, *(child.pid for child in children)):
                assert SECRET.encode() not in Path(f"/proc/{each}/cmdline").read_bytes()
            for child in children:
                assert SECRET.encode() not in Path(f"/proc/{child.pid}/environ").read_bytes()
                assert b"PATH=" in Path(f"/proc/{child.pid}/environ").read_bytes()
            process.terminate()
            out, err = process.communicate(timeout=10)
    assert (out, err) == (b"", b"")


@pytest.mark.parametrize(
    ("settings_", "warned"),
    [
        ({"store": f"redis://w:{SECRET}@127.0.0.1:1/0"}, True),
        ({"store": f"redis://127.0.0.1:1/0?password={SECRET}"}, True),
        ({"store": f"redis://:{SECRET}%3Fx@127.0.0.1:1/0"}, True),
        ({"store": "redis://:${PATH}@127.0.0.1:1/0"}, False),
        ({"defaults": {"password": "${WORD}"}}, False),
        ({"store": "redis://127.0.0.1:1/0"}, False),
        ({"store": "redis://user@127.0.0.1:1/0"}, False),
        ({"defaults": {"user": "u", "password": SECRET}}, True),
        ({"defaults": {"attempts": 2}}, False),
    ],
)
def test_a_warning_where_others_may_read_a_password(
    path: Path, settings_: Mapping[str, Any], warned: bool
) -> None:
    server = {"owner": "o", "repo": "r", "host": "h", "port": 1}
    path.write_text(yaml.safe_dump({**settings_, "servers": [server]}))
    for mode, others in ((0o600, False), (0o640, True), (0o604, True), (0o644, True)):
        path.chmod(mode)
        found = config.load(path, {"PATH": "/bin", "WORD": "p"})
        assert bool(found.warnings) == (warned and others), oct(mode)


# ------------------------------------------------------------------ bytes that are not UTF-8

LATIN_1 = os.fsdecode("météo".encode("latin-1"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", f"{LATIN_1}/r"),
        ("show", "o/r", "--path", f"/{LATIN_1}"),
        ("changes", f"{LATIN_1}/r"),
        ("changes", "o/r", "--path", f"/{LATIN_1}"),
        ("check", f"{LATIN_1}/r"),
        ("check", LATIN_1),
        ("check", "o/r", "--path", f"/{LATIN_1}"),
        ("check", "o/r", "--store", f"redis://{LATIN_1}/0"),
        ("check", "o/r", "--store", f"file:///{LATIN_1}"),
        ("check", "o/r", "--warning", LATIN_1),
        ("check", "o/r", "--max-age", LATIN_1),
        ("check", "o/r", f"--{LATIN_1}"),
        ("check", "o/r", "--config", f"/{LATIN_1}"),
        ("wait", f"{LATIN_1}/r", "/x"),
        ("wait", "o/r", f"/{LATIN_1}"),
        ("page", "--output", "-", f"{LATIN_1}/r"),
        ("page", "--output", f"/{LATIN_1}/page.html"),
        ("collect", "--server", LATIN_1),
        ("collect", "--store", f"redis://{LATIN_1}/0"),
        ("list", "--store", f"file:///{LATIN_1}"),
        ("config", "init", f"{LATIN_1}:1"),
        ("config", "import", f"/{LATIN_1}"),
        (LATIN_1,),
    ],
    ids=ascii,
)
def test_latin_1_on_the_command_line(
    redis: RedisServer, watchman: Watchman, arguments: tuple[str, ...]
) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "host": "127.0.0.1", "port": 1}])
    result = watchman.run(*arguments)
    assert "Traceback" not in result.err and "unexpected" not in result.err + result.text
    said = result.text if arguments[0] == "check" else result.err
    assert said.strip() and all(line.isprintable() for line in said.splitlines())
    if arguments[0] == "check":
        assert (result.code, result.err, result.text.count("\n")) == (3, "", 1)
    else:
        assert result.code in (2, 3)


def test_latin_1_in_the_name_of_a_file(watchman: Watchman) -> None:
    folder = watchman.home / LATIN_1
    folder.mkdir()
    (folder / "c.yaml").write_text(
        "store: file:///no/such\nservers: [{owner: o, repo: r, host: h, port: 1}]\n", "utf-8"
    )
    result = watchman.run("config", "check", "--config", str(folder / "c.yaml"))
    assert (result.code, result.err) == (0, "") and "valid, 1 server" in result.text
