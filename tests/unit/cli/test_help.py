"""Every --help ends with an example that the command line takes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from watchman_cli.cli.main import app


def commands(command: Any = None, name: str = "watchman") -> Iterator[tuple[str, Any]]:
    command = command or get_command(app)
    yield name, command
    for each, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {each}")


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_help_ends_with_an_example(name: str, command: Any) -> None:
    with command.make_context(name, [], resilient_parsing=True) as context:
        last = command.get_help(context).splitlines()[-1].strip()
    assert last.startswith(f"Example: {name} ")
    arguments = shlex.split(last.removeprefix("Example: watchman "))
    inner = get_command(app)
    while arguments and arguments[0] in getattr(inner, "commands", {}):
        inner = inner.commands[arguments.pop(0)]  # type: ignore[attr-defined]
    inner.make_context(name, arguments)


@pytest.mark.parametrize(
    "group", [("watchman", ()), ("watchman config", ("config",))], ids=lambda group: group[0]
)
def test_the_commands_lines_are_not_cut_in_80_columns(group: tuple[str, tuple[str, ...]]) -> None:
    result = CliRunner().invoke(app, [*group[1], "--help"], terminal_width=80)
    assert result.exit_code == 0
    _, _, listed = result.output.partition("Commands:\n")
    assert listed and "..." not in listed


# The command itself, on the Python that runs the tests.
AS_WATCHMAN = "import sys; sys.argv = ['watchman']; from watchman_cli.__main__ import run; run()"
CONFIG = """\
store: redis://127.0.0.1:1/0
servers:
- {owner: a, repo: nwpc_op, host: h, port: 1}
- {owner: a, repo: nwpc_qu, host: h, port: 1}
- {owner: b, repo: nwpc_qu, host: h, port: 1}
"""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("watchman co", ["collect", "config"]),
        ("watchman show nwpc", ["nwpc_op"]),
        ("watchman show a/", ["a/nwpc_op", "a/nwpc_qu"]),
        ("watchman collect --server b", ["b/nwpc_qu"]),
        ("watchman show nwpc_op --status sub", ["submitted"]),
        ("watchman show nwpc_op --path /", []),  # the store does not answer, and nothing is said of it
    ],
)
def test_a_shell_completes(tmp_path: Path, words: str, completed: list[str]) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "WATCHMAN_STORE"},
        "WATCHMAN_CONFIG": str(tmp_path / "config.yaml"),
        "_WATCHMAN_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-c", AS_WATCHMAN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (completed, "")
