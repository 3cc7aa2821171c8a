"""A run's reports on standard error: lines for failures, a log, or JSON."""

from __future__ import annotations

import json
import logging
from typing import Any, Literal

import pytest

from tests.unit.collect.scenarios import reading
from watchman_cli.collect.result import Outcome
from watchman_cli.config import make_server
from watchman_cli.errors import ServerError, StoreError
from watchman_cli.output.log import Reporter

SERVER = make_server({"owner": "o", "repo": "r", "host": "h", "port": 3141})
SKIPPED = Outcome(SERVER, "skipped", seconds=0.25)
REFUSED = ServerError("refused", "h:3141: refused")
FAILED = Outcome(SERVER, "failed", seconds=1.5, attempts=2, error=REFUSED, kept="")
WORDS = "h:3141: refused (tried 2 times); no snapshot is kept"


def reported(
    capsys: pytest.CaptureFixture[str], log_format: Literal["text", "json"], verbose: bool
) -> list[str]:
    with Reporter(verbose=verbose, log_format=log_format) as reporter:
        reporter.on_progress(SERVER, "reading\x1b")
        reporter.on_outcome(SKIPPED)
        reporter.on_outcome(FAILED)
        assert reporter.on_warnings(SERVER, ["late"])
        reporter.report("", "warning: x", logging.WARNING)
    return capsys.readouterr().err.splitlines()


def test_only_failures_and_warnings_without_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(capsys, "text", False) == [f"o/r: {WORDS}", "o/r: late", "warning: x"]


def test_log_of_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.partition(" ")[2] for line in reported(capsys, "text", True)]
    assert lines == [
        "debug o/r: reading?",
        "info o/r: skipped: another run is reading it",
        f"error o/r: {WORDS}",
        "warning o/r: late",
        "warning warning: x",
    ]


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in reported(capsys, "json", False)]
    assert [(each["level"], each["server"], each["message"]) for each in lines] == [
        ("error", "o/r", WORDS),
        ("warning", "o/r", "late"),
        ("warning", None, "warning: x"),
    ]
    assert lines[0]["time"].endswith("+00:00")
    outcome = {
        name: value for name, value in lines[0].items() if name not in ("time", "level", "server", "message")
    }
    assert outcome == {"result": "failed", "seconds": 1.5, "attempts": 2, "requests": 0, "kind": "refused"}


def test_handlers_are_removed_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    reported(capsys, "json", True)
    assert logging.getLogger("watchman").handlers == []


def test_json_lines_have_the_readings(capsys: pytest.CaptureFixture[str]) -> None:
    error = StoreError("gone")
    lost = Outcome(SERVER, "lost", 0.12345, 2, error, reading=reading(reason="why"), requests=3)
    with Reporter(verbose=False, log_format="json") as reporter:
        reporter.on_outcome(lost)
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert {**line, "time": ""} == {
        "time": "", "level": "error", "server": "o/r", "message": "gone; its snapshot was read, and is lost",
        "result": "lost", "seconds": 0.123, "attempts": 2, "requests": 3, "mode": "full", "reason": "why",
        "nodes": 2,
    }  # fmt: skip
