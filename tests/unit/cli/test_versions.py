"""What `watchman --version -v` prints for a report of a fault."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner

from watchman_cli import __version__
from watchman_cli.cli.main import app


def test_versions() -> None:
    alone = CliRunner().invoke(app, ["--version"])
    assert alone.output == f"watchman {__version__}\n"
    first, *others = CliRunner().invoke(app, ["--version", "-v"]).output.splitlines()
    assert first == f"watchman {__version__}"
    assert others[0] == f"Python {sys.version.split()[0]}"
    assert others[1] == f"redis-py {redis.__version__}"
    assert others[2].startswith("ecflow bindings ") and len(others) == 3


def test_v_alone_says_where_it_belongs() -> None:
    result = CliRunner().invoke(app, ["-v"])
    assert "give it after the command" in str(result.exception)


def test_without_bindings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\nexit 1\n")
    interpreter.chmod(0o755)
    file = tmp_path / "watchman.yaml"
    file.write_text(f"ecflow_python: {interpreter}\nservers: [{{owner: o, repo: r, host: h, port: 1}}]\n")
    file.chmod(0o600)
    monkeypatch.setenv("WATCHMAN_CONFIG", str(file))
    result = CliRunner().invoke(app, ["--version", "-v"])
    assert result.output.splitlines()[3] == "ecflow bindings none"
