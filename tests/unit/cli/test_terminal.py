"""What the terminal and the environment say: colours, the lines of a tree, and -h."""

from __future__ import annotations

import io
import sys

import pytest
from typer.testing import CliRunner

from tests.unit.cli.test_help import commands
from watchman_cli.cli.main import app
from watchman_cli.cli.options import takes, wants_colour
from watchman_cli.output.tree import UNICODE


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": ""}, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    assert _colour(monkeypatch, io.StringIO(), environment) is wanted


def test_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert _colour(monkeypatch, Terminal(), {})
    assert not _colour(monkeypatch, Terminal(), {"TERM": "dumb"})
    assert not _colour(monkeypatch, Terminal(), {"NO_COLOR": "1"})


def _colour(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, environment: dict[str, str]) -> bool:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", stream)
    return wants_colour()


@pytest.mark.parametrize(("encoding", "taken"), [("utf-8", True), ("ascii", False), ("latin-1", False)])
def test_lines_that_the_encoding_takes(monkeypatch: pytest.MonkeyPatch, encoding: str, taken: bool) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert takes("".join(UNICODE)) is taken


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_h_is_help(name: str) -> None:
    words = name.split()[1:]
    short, long = (CliRunner().invoke(app, [*words, option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)
    assert "Usage: " in short.output
