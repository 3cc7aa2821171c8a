"""What the README says is so: its tables are the schema's, and its examples run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults import test_faults
from tests.integration.test_collect import load_seven
from tests.support.servers import EcflowServer, RedisServer, Watchman
from watchman_cli import schema

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()


def rows(properties: Mapping[str, Any], required: list[str]) -> Iterator[str]:
    """The README's table of some configuration keys."""
    yield "| key | default | what it is |"
    yield "| --- | --- | --- |"
    for name, described in properties.items():
        if "$ref" in described:
            described = schema.load("config")["$defs"][described["$ref"].rpartition("/")[2]]
        default = "required" if name in required else ""
        if "default" in described:
            default = f"`{str(described['default']).lower()}`"
        yield f"| `{name}` | {default} | {described['description']} |"


def tables() -> dict[str, str]:
    """Each table that is made of what it tells, by the mark before it."""
    config = schema.load("config")
    top, server = config["properties"], config["properties"]["servers"]["items"]
    defaults = top["defaults"]["properties"]
    own = {name: each for name, each in server["properties"].items() if name not in defaults}
    return {
        "config: top": "\n".join(rows(top, config["required"])),
        "config: server": "\n".join(rows(own, server["required"])),
        "config: defaults": "\n".join(rows(defaults, [])),
        "faults": test_faults.table(),
    }


@pytest.mark.parametrize("mark", tables())
def test_a_table_is_what_it_is_made_of(mark: str) -> None:
    """The configuration's keys are the schema's, and what goes wrong is the fault matrix, line by line."""
    found = re.match(r"\n((?:\|.*\n)*)", README.partition(f"<!-- {mark} -->\n")[2])
    assert found and found[1].splitlines() == tables()[mark].splitlines()


def test_the_python_example_runs(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "nwp_xp", "repo": "nwpc_op", "address": ecflow}])
    assert watchman.collect().code == 0
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len([line for line in example.splitlines() if line]) == 3
    example = example.replace("redis://127.0.0.1:6379/0", redis.url)
    result = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True)
    assert "'suspended': 1" in result.stdout


def test_the_configuration_example_is_valid(tmp_path: Path) -> None:
    from watchman_cli import config

    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.S)
    (tmp_path / "watchman.yaml").write_text(example)
    assert config.load(tmp_path / "watchman.yaml", {}).servers[0].name == "nwp_xp/nwpc_op"


def test_the_crontab_line_does_the_job(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    """As cron runs it: its shell, its environment, no terminal; only the two paths are this test's."""
    example = (ROOT / "crontab.example").read_text()
    (line,) = [each for each in example.splitlines() if not each.startswith("#")]
    assert line in README
    assert line.startswith("* * * * * ")
    command = line.removeprefix("* * * * * ")
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    installed = shutil.which("watchman", path=str(Path(sys.executable).parent))
    assert installed
    command = command.replace("/opt/watchman/.venv/bin/watchman", installed)
    command = command.replace("/etc/watchman/config.yaml", str(watchman.config))
    environment = {"HOME": "/nonexistent", "LOGNAME": "nobody", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    result = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, cwd="/", capture_output=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert redis.client.exists("o/r/status", "{o/r/status}/health") == 2


def test_every_option_is_explained_in_a_sentence() -> None:
    from typer.main import get_command

    from watchman_cli.cli.main import app

    found = set()
    commands = [get_command(app)]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        for option in (each for each in command.params if each.param_type_name == "option"):
            found.update(option.opts)
            if option.name != "help":
                explained = getattr(option, "help", "") or ""
                assert explained[:1].isupper() and explained.endswith("."), option.opts
    assert set(re.findall(r"`(--[a-z-]+)", README)) - {"--help", "--strict"} <= found


def write_tables() -> None:
    """Put the tables into the README."""
    text = README
    for name, table in tables().items():
        marker = f"<!-- {name} -->\n"
        before, _, after = text.partition(marker)
        text = before + marker + "\n" + table + "\n" + re.sub(r"\A\n(\|.*\n)*", "", after)
    (ROOT / "README.md").write_text(text)


if __name__ == "__main__":
    write_tables()
