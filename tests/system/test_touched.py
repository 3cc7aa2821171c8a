"""Each file that a run opens, address that it connects to and program that it starts is documented."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import watchman_cli
from tests.support.ecflow_server import EcflowServer
from tests.support.programs import find_program
from tests.support.redis_server import RedisServer, verify_next
from tests.support.watchman import Watchman

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operating.md"
CALLS = "trace=open,openat,connect,execve"
CALL = re.compile(r"^\d+ +(open|openat|connect|execve)\((.*)", re.ASCII)
BINDINGS = os.environ.get("WATCHMAN_ECFLOW_PYTHON", "/usr/bin/python3")


def documented() -> list[str]:
    """Return the patterns in the first column of the table."""
    section = PAGE.read_text().split("\n## What a run touches\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [pattern for row in rows for pattern in re.findall(r"`([^`]+)`", row.split("|")[1])]


def whole_lines(trace: str) -> Iterator[str]:
    """Yield each call in one line: strace cuts it in two if another thread's comes between."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        pid = line.partition(" ")[0]
        if line.endswith(" <unfinished ...>"):
            begun[pid] = line.removesuffix(" <unfinished ...>")
        elif resumed := re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)", line):
            yield begun.pop(pid, "") + resumed[1]
        else:
            yield line
    yield from begun.values()


def touched(trace: str) -> Iterator[str]:
    """Yield what calls of a trace touched: an absolute path, or `connect ADDRESS`."""
    for line in whole_lines(trace):
        call = CALL.match(line)
        if call is None:
            continue
        name, rest = call.groups()
        if name == "connect":
            port = re.search(r"sin6?_port=htons\((\d+)\)", rest)
            path = re.search(r'sun_path="([^"]*)"', rest)
            yield f"connect {port[1] if port else path[1] if path else rest}"
        elif not re.search(r"= -1 E[A-Z]+ \(", line):
            found = re.search(r'"([^"]*)"', rest)
            assert found, line
            folder = re.match(r"[A-Z_\d]+<([^>]*)>", rest)
            yield os.path.normpath(Path(folder[1] if folder else "/", found[1]))


def covered(each: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(each, pattern) for pattern in patterns)


def meaning(pattern: str, known: dict[str, list[str]]) -> list[str]:
    """Return a documented pattern with the paths of this machine: a word in capitals stands for some."""
    word = re.match(r"(?:connect )?([A-Z_]+)", pattern)
    if word is None:
        return [pattern]
    return [pattern.replace(word[1], value) for value in known[word[1]]]


def test_calls_of_a_trace() -> None:
    trace = """
1  execve("/usr/bin/x", ["x"], 0x1 /* 3 vars */) = 0
1  openat(AT_FDCWD</tmp/a>, "b", O_RDONLY) = 3</tmp/a/b>
1  openat(3</tmp/c>, "../d", O_RDONLY) = 4</tmp/d>
1  openat(AT_FDCWD</tmp>, "/no", O_RDONLY) = -1 ENOENT (No such file or directory)
2  connect(5<socket:[1]>, {sa_family=AF_INET, sin_port=htons(31)}, 16) = -1 EINPROGRESS (x)
2  connect(5<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = -1 ENOENT (x)
3  openat(AT_FDCWD</tmp>, "/no2", O_RDONLY <unfinished ...>
2  connect(5<socket:[1]>, {sa_family=AF_NETLINK}, 12 <unfinished ...>
3  <... openat resumed>) = -1 ENOENT (No such file or directory)
"""
    *found, netlink = touched(trace)
    assert found == ["/usr/bin/x", "/tmp/a/b", "/tmp/d", "connect 31", "connect /run/x"]
    assert netlink.startswith("connect 5<socket")


def test_runs_touch_only_what_is_documented(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    ecflow.load_text("suite s\n task t\nendsuite\n")
    entry = {"owner": "o", "repo": "r", "host": "localhost", "port": ecflow.port}
    watchman.configure(redis.url, [entry])
    traced = replace(
        watchman, prefix=(find_program("strace"), "-f", "-y", "-s", "4096", "-e", CALLS, "-o", str(trace))
    )
    everything: set[str] = set()

    def run(*arguments: str) -> set[str]:
        result = traced.run(*arguments, environment=watchman.environment(WATCHMAN_ECFLOW_PYTHON=BINDINGS))
        assert (result.code in (0, 2), result.err) == (True, ""), result.err  # check: the server is halted
        found = set(touched(trace.read_text()))
        everything.update(found)
        return found

    assert f"connect {ecflow.port}" in run("collect")
    verify_next(redis.client, "o/r")
    assert BINDINGS in run("collect"), "the bindings did not verify"
    run("check", "r")
    run("show", "r")
    known = {
        "CONFIG": [str(watchman.config)],
        "HOME": [str(watchman.home)],
        "STORE": [str(redis.port)],
        "SERVER": [str(ecflow.port)],
        "BINDINGS": [BINDINGS],
        "PACKAGE": [str(Path(watchman_cli.__file__).parent), str(ROOT / "schemas")],
        "PYTHON": sorted({sys.prefix, sys.base_prefix, sys.exec_prefix}),
    }
    patterns = [each for pattern in documented() for each in meaning(pattern, known)]
    folders = {str(ROOT), str(ROOT / "schemas")}  # of a checkout, which Python looks through
    unknown = sorted(each for each in everything - folders if not covered(each, patterns))
    assert not unknown, "\n".join(["docs/operating.md, What a run touches, has no line for:", *unknown])
