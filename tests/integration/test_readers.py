"""Who only reads: with the documented permissions, with a configuration of its own, and with a wrong name."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.ecflow_server import EcflowServer
from tests.support.permissions import READER, READER_CHANGES, RUN, RUN_CHANGES
from tests.support.redis_server import RedisServer
from tests.support.watchman import UNPRIVILEGED, Result, Watchman
from watchman_cli import Resynchronised, follow_changes

ROOT = Path(__file__).parents[2]
WRITER = RUN + RUN_CHANGES
COMMANDS = (
    ("show", "o/r"),
    ("show", "r", "--json"),
    ("list",),
    ("list", "--json"),
    ("check", "o/r", "-c", "aborted=0"),
    ("check", "--all"),
    ("check", "o/r", "--deadlines"),
    ("page", "--output", "-"),
    ("wait", "o/r", "/s/t", "--until", "queued", "--max-age", "1h"),
)


@pytest.fixture
def read_once(watchman: Watchman, ecflow: EcflowServer, redis: RedisServer) -> Watchman:
    """A watchman whose Redis has a server, written by a user with the documented permissions."""
    redis.client.execute_command("ACL", "SETUSER", "watchman", "on", ">secret", *WRITER)
    ecflow.load_text("suite s\n task t\nendsuite\n")
    configure(watchman, redis, "watchman", ecflow.port)
    ecflow.begin_all_suites()
    assert watchman.collect().code == 0
    ecflow.force_state("/s/t", "State.complete")
    assert watchman.collect().code == 0
    ecflow.force_state("/s/t", "State.queued")
    assert watchman.collect().code == 0
    return watchman


def configure(watchman: Watchman, redis: RedisServer, user: str, port: int = 1) -> None:
    url = f"redis://{user}:secret@127.0.0.1:{redis.port}/0"
    server = {"owner": "o", "repo": "r", "host": "127.0.0.1", "port": port, "changes": True}
    watchman.configure(url, [{**server, "deadlines": [{"path": "/s/t", "by": "05:30"}]}])


def allow(redis: RedisServer, *rights: str) -> None:
    redis.client.execute_command("ACL", "SETUSER", "dashboard", "reset", "on", ">secret", *rights)


def failed(result: Result) -> bool:
    return "lacks a permission" in result.err + result.text


def test_a_reader_with_the_documented_permissions(read_once: Watchman, redis: RedisServer) -> None:
    allow(redis, *READER)
    configure(read_once, redis, "dashboard")
    for command in COMMANDS:
        result = read_once.run(*command)
        assert not failed(result) and result.err == "", (command, result.err)
    for right in READER:
        allow(redis, *(each for each in READER if each != right))
        if right == "~{*/status}/silences":  # without it the alarms go on
            assert not failed(read_once.run("check", "o/r", "-c", "aborted=0"))
            continue
        if right == "+get":  # by which a value is read that is empty or missing
            redis.client.delete("o/r/status")
        assert failed(read_once.run("show", "o/r")), right


def test_a_reader_of_changes_with_the_documented_permissions(read_once: Watchman, redis: RedisServer) -> None:
    allow(redis, *READER, *READER_CHANGES)
    configure(read_once, redis, "dashboard")
    result = read_once.run("changes", "o/r")
    assert (result.code, result.err) == (0, "") and "complete → queued" in result.text
    with read_once.start("changes", "o/r", "--follow", "--since", "1h") as process:
        assert process.stdout and b"not known" in process.stdout.readline()
        assert "queued → complete" in process.stdout.readline().decode()
        process.terminate()
    following = follow_changes(f"redis://dashboard:secret@127.0.0.1:{redis.port}/0", "o/r")
    assert isinstance(next(following), Resynchronised)
    following.close()
    for right in READER_CHANGES:
        allow(redis, *READER, *(each for each in READER_CHANGES if each != right))
        with read_once.start("changes", "o/r", "--follow", "--since", "1h") as process:
            assert process.stderr and process.stdout
            if right == "+xrange":  # by which a reader sees, when something comes, that nothing was dropped
                while b"complete \xe2\x86\x92 queued" not in process.stdout.readline():
                    pass
                redis.client.xadd("{o/r/status}/changes", {"batch": "{}"})
            assert b"lacks a permission" in process.stderr.readline()
            process.terminate()


def test_a_reader_has_a_configuration_of_its_own(
    read_once: Watchman, redis: RedisServer, tmp_path: Path
) -> None:
    """The one of the runs is of another user, who alone may read it."""
    allow(redis, *READER)
    if os.geteuid() == 0:
        os.chown(read_once.config, 65534, 65534)
    else:
        read_once.config.chmod(0)
    read_once = replace(read_once, prefix=UNPRIVILEGED)
    assert read_once.run("list").code == 2
    page = (ROOT / "docs" / "operating.md").read_text()
    example: Any = yaml.safe_load(page.split("### A configuration for readers")[1].split("```")[1][5:])
    example["store"] = example["store"].replace("redis01:6379", f"127.0.0.1:{redis.port}")
    example["servers"][0] |= {"owner": "o", "repo": "r"}
    reader = tmp_path / "reader.yaml"
    reader.write_text(yaml.safe_dump(example))
    reader.chmod(0o600)
    result = read_once.run("check", "o/r", "--config", str(reader))
    assert (result.code, result.err) == (2, "") and "o/r: server HALTED, collected" in result.text
    result = read_once.run("list", "--config", str(reader))
    assert "o/r" in result.text and "nwp_xp/nwpc_qu" in result.text


TYPO = "o/typo: no such server in {config}; did you mean o/typed?"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("show", "o/typo"), 1),
        (("wait", "o/typo", "/s"), 2),
        (("changes", "o/typo"), 1),
        (("changes", "o/typo", "--follow"), 1),
        (("page", "o/typo", "--output", "-"), 1),
    ],
)
def test_a_name_that_is_not_in_the_configuration(
    watchman: Watchman, tmp_path: Path, command: tuple[str, ...], code: int
) -> None:
    watchman.configure(f"file://{tmp_path}", [{"owner": "o", "repo": "typed", "host": "h", "port": 1}])
    result = watchman.run(*command)
    assert (result.code, result.text, result.err.strip()) == (code, "", TYPO.format(config=watchman.config))


def test_check_of_a_name_that_is_not_in_the_configuration(watchman: Watchman, tmp_path: Path) -> None:
    watchman.configure(f"file://{tmp_path}", [{"owner": "o", "repo": "typed", "host": "h", "port": 1}])
    result = watchman.run("check", "o/typo")
    assert (result.code, result.text.strip()) == (
        3,
        f"WATCHMAN UNKNOWN - {TYPO.format(config=watchman.config)}",
    )


@pytest.mark.parametrize("command", [("wait", "o/typo", "/s"), ("show", "o/typo"), ("changes", "o/typo")])
def test_a_name_that_only_a_store_could_know(
    watchman: Watchman, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Without a configuration, a server is known if a run has tried to read it."""
    arguments = (*command, "--store", f"file://{tmp_path}")
    without = subprocess.run(
        [watchman._command(())[0], *arguments],
        env=watchman.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (without.returncode, without.stdout) == (2 if command[0] == "wait" else 1, "")
    assert "o/typo" in without.stderr and f"file://{tmp_path}" in without.stderr


def test_wait_for_a_server_that_was_never_read_well(watchman: Watchman, tmp_path: Path) -> None:
    store = tmp_path / "store"
    watchman.configure(
        f"file://{store}", [{"owner": "o", "repo": "r", "host": "127.0.0.1", "port": 1, "attempts": 1}]
    )
    assert watchman.collect().code == 1
    result = subprocess.run(
        [watchman._command(())[0], "wait", "o/r", "/s", "--timeout", "0", "--store", f"file://{store}"],
        env=watchman.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 4 and "still waiting" in result.stderr
