"""Lines have priorities if standard error is the journal's stream, and only then."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TextIO

import pytest

from watchman_cli.errors import print_error
from watchman_cli.journal import with_priority
from watchman_cli.output.log import Reporter


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "journal").open("w+") as stream:
        yield stream


@pytest.fixture
def connect(journal: TextIO, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that makes standard error the stream that JOURNAL_STREAM names, as systemd does.

    A test calls it, since pytest has its own standard error between a test's phases.
    """

    def connect() -> None:
        status = os.fstat(journal.fileno())
        monkeypatch.setattr(sys, "stderr", journal)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")

    return connect


def lines(journal: TextIO) -> list[str]:
    journal.flush()
    journal.seek(0)
    return journal.read().splitlines()


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.CRITICAL, 3), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7)],
)
def test_priority_of_each_level(connect: Callable[[], None], level: int, priority: int) -> None:
    connect()
    assert with_priority("x", level) == f"<{priority}>x"


def test_errors_and_warnings_without_a_log(connect: Callable[[], None], journal: TextIO) -> None:
    connect()
    print_error("watchman: no store")
    with Reporter(verbose=False, log_format="text") as reporter:
        reporter.report("o/r", "refused", logging.ERROR)
        reporter.report("o/r", "late", logging.WARNING)
    assert lines(journal) == ["<3>watchman: no store", "<3>o/r: refused", "<4>o/r: late"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_lines_of_a_log(
    connect: Callable[[], None], journal: TextIO, log_format: Literal["text", "json"]
) -> None:
    connect()
    with Reporter(verbose=True, log_format=log_format) as reporter:
        reporter.report("o/r", "refused", logging.ERROR)
        reporter.report("o/r", "late", logging.WARNING)
    first, second = lines(journal)
    assert (first[:3], second[:3]) == ("<3>", "<4>")
    if log_format == "json":
        assert json.loads(first[3:])["message"] == "refused"


@pytest.mark.parametrize("stream", ["", "1:2", "journal"])
def test_no_priority_on_another_stream(
    connect: Callable[[], None], journal: TextIO, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    """A program that a unit starts inherits JOURNAL_STREAM, also if its standard error is a file."""
    connect()
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    print_error("x")
    assert lines(journal) == ["x"]


def test_no_priority_without_a_file(connect: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    connect()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert with_priority("x", logging.ERROR) == "x"
