"""Every example of the documentation runs: commands, programs, configurations and scheduler lines."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Example, examples
from tests.integration.test_collect import load_seven
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman
from watchman_cli import config, schema

EXAMPLES = ROOT / "examples"
# of an administrator or of the whole project, not to be run by a test
ADMINISTRATION = (
    r"(make|useradd|install|systemctl|journalctl|apt-get|pipx?|uv tool|python3 -m venv|~/watchman/bin/pip"
    r"|watchman --install-completion|watchman config init|editor|ecflow-watchman)\b"
)
# the project's own tests and checks, which are run as such
OF_THE_PROJECT = ("CONTRIBUTING.md", "benchmarks/README.md")
CRON = {"LOGNAME": "nobody", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}


@pytest.fixture
def read(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> Watchman:
    """Return a watchman that has read a server with the name of the examples."""
    load_seven(ecflow)
    address = {"owner": "nwp_xp", "repo": "nwpc_op", "address": ecflow}
    entry = {**address, "changes": True, "deadlines": [{"path": "/", "by": "23:59"}]}
    watchman.configure(redis.url, [entry])
    assert watchman.collect().code == 0
    return watchman


def commands_for(redis: RedisServer, folder: Path) -> str:
    """Return a PATH with watchman, and with a redis-cli that asks the test's own Redis."""
    (folder / "bin").mkdir()
    client = shutil.which("redis-cli")
    assert client
    (folder / "bin" / "redis-cli").write_text(f'#!/bin/sh\nexec {client} -p {redis.port} "$@"\n')
    (folder / "bin" / "redis-cli").chmod(0o755)
    return f"{folder}/bin:{Path(sys.executable).parent}:/usr/bin:/bin"


@pytest.mark.parametrize("example", examples("sh"), ids=lambda example: example.id)
def test_a_command_runs(example: Example, read: Watchman, redis: RedisServer, tmp_path: Path) -> None:
    if example.page in OF_THE_PROJECT:
        assert all(re.match(r"make |\.venv/bin/python -m ", each) for each in example.code.splitlines())
        return
    environment = read.environment(
        PATH=commands_for(redis, tmp_path), WATCHMAN_CONFIG=str(read.config), TERM="dumb"
    )
    for command in example.code.splitlines():
        result = subprocess.run(
            ["/bin/sh", "-c", command], env=environment, cwd="/", capture_output=True, text=True, check=False
        )
        if command.startswith("watchman check"):  # its exit code is about the server
            assert result.returncode in (0, 1, 2), (command, result.stdout)
            continue
        assert result.returncode == 0, (command, result.stderr)
        assert bool(result.stderr) == (" -v " in command), (command, result.stderr)
        silent = command.startswith("watchman collect") or re.search(r"--output ~|--end$", command)
        assert bool(result.stdout.strip()) or silent, command


def test_what_is_not_run_is_administration() -> None:
    for example in examples("shell"):
        for command in example.code.splitlines():
            assert re.match(ADMINISTRATION, command), command


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.M)
    }
    assert [target for target in named if not re.search(rf"^{target}:", makefile, re.M)] == []


@pytest.mark.parametrize("example", examples("python"), ids=lambda example: example.id)
def test_a_program_runs(example: Example, read: Watchman, redis: RedisServer) -> None:
    code = example.code.replace("redis://127.0.0.1:6379/0", redis.url)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ("True aborted" if "wait_for_status" in code else "'suspended': 1") in result.stdout


def test_poll_tells_each_change(
    read: Watchman, ecflow: EcflowServer, redis: RedisServer, tmp_path: Path
) -> None:
    command = [sys.executable, "-u", str(EXAMPLES / "poll.py"), redis.url, "nwp_xp/nwpc_op", "0.05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        first = process.stdout.readline()
        task = next(path for path, kind in ecflow.snapshot()["records"] if kind == "queued" and path != "/")
        ecflow.force_state(task, "State.aborted")
        assert read.collect().code == 0
        second = process.stdout.readline()
        process.kill()
    assert "aborted:" in first
    assert task not in first
    assert task in second


@pytest.mark.parametrize("example", examples("yaml"), ids=lambda example: example.id)
def test_a_configuration_is_valid(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "watchman.yaml"
    file.write_text(example.code)
    file.chmod(0o600)
    name = example.code.partition("\n")[0].removeprefix("# ")
    if not name.startswith("conf.d/"):
        assert config.load(file, {}).servers[0].name == "nwp_xp/nwpc_op"
        return
    included = tmp_path / name
    included.parent.mkdir(mode=0o755)
    file.rename(included)
    file.write_text("include: conf.d/*.yaml\n")
    assert [server.name for server in config.load(file, {}).servers] == ["research/one", "research/two"]


def test_the_example_configuration_is_valid() -> None:
    found = config.load(EXAMPLES / "watchman.yaml", {})
    assert len(found.servers) == 3
    assert found.warnings == ()


@pytest.mark.parametrize("example", examples("json"), ids=lambda example: example.id)
def test_a_document_is_valid(example: Example) -> None:
    document = json.loads(example.code)
    name = "snapshot" if "status_records" in document else "health"
    if "data" in document:
        name = "changes" if "after" in document["data"] else "event"
    assert schema.is_valid(name, document)


def scheduler_lines() -> dict[str, str]:
    """Return each line for cron or a scheduler that starts each minute, by where it stands."""
    texts = {example.id: example.code for example in examples("crontab")}
    for file in (ROOT / "crontab.example", EXAMPLES / "scrontab"):
        texts[file.name] = file.read_text()
    found = {}
    for name, text in texts.items():
        (line,) = [each for each in text.splitlines() if each and not each.startswith("#")]
        assert line.startswith("* * * * * ")
        found[name] = line.removeprefix("* * * * * ")
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.read(EXAMPLES / "systemd" / "watchman.service")
    return {**found, "watchman.service": service["Service"]["ExecStart"]}


@pytest.mark.parametrize("name", scheduler_lines())
def test_a_scheduler_line_does_the_job(
    name: str, ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    """As cron runs it: its shell, its environment, no terminal; only the paths are this test's."""
    command = scheduler_lines()[name]
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    installed = shutil.which("watchman", path=str(Path(sys.executable).parent))
    assert installed
    command = command.replace("/opt/watchman/.venv/bin/watchman", shlex.quote(installed))
    command = command.replace("/etc/watchman/config.yaml", str(watchman.config))
    command = command.replace("/var/log/watchman.log", str(tmp_path / "log"))
    command = command.replace("/var/www/html", str(tmp_path))
    environment = {**CRON, "HOME": str(tmp_path)}
    result = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, cwd="/", capture_output=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert redis.client.exists("o/r/status") == 1
    assert (tmp_path / "ecflow.html").exists() is ("--output" in scheduler_lines()[name])


def test_the_crontab_example_is_the_readmes() -> None:
    lines = [line for line in (ROOT / "crontab.example").read_text().splitlines() if not line.startswith("#")]
    assert [each.code.splitlines() for each in examples("crontab") if each.page == "README.md"] == [lines]


def test_the_shared_settings_of_an_example_are_shared(tmp_path: Path) -> None:
    (merged,) = [each for each in examples("yaml") if "<<:" in each.code]
    file = tmp_path / "watchman.yaml"
    file.write_text(merged.code)
    servers = config.load(file, {}).servers
    assert [server.repo for server in servers] == ["nwpc_op", "nwpc_pd"]
    assert {(server.port, server.deadline) for server in servers} == {(3141, 30)}
