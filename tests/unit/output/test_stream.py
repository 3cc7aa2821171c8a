"""Output that never waits for its reader says whether it was taken."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from watchman_cli.config import Server
from watchman_cli.output.log import Reporter
from watchman_cli.output.stream import DetachedStream

SERVER = Server("o", "r", "h", 1, 1.0, 1, 1.0, 1800.0, "tcp", "auto", 1)


@pytest.fixture
def pipe() -> Iterator[tuple[int, DetachedStream]]:
    """The end of a pipe that is read, and a stream that writes to the other one."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        yield reading, DetachedStream(file, 0.01)


def test_written_if_the_reader_took_everything(pipe: tuple[int, DetachedStream]) -> None:
    reading, stream = pipe
    stream.write("a line\n")
    assert stream.is_written(60)
    assert os.read(reading, 100) == b"a line\n"
    os.close(reading)


def test_not_written_while_the_pipe_is_full(pipe: tuple[int, DetachedStream]) -> None:
    reading, stream = pipe
    line = "x" * 100_000  # more than a pipe holds
    stream.write(line)
    assert not stream.is_written(0.01)
    assert not stream.stalled  # a later look may wait as long as it wants
    taken = b""
    while len(taken) < len(line):
        taken += os.read(reading, 1 << 20)
    assert stream.is_written(60)
    os.close(reading)


def test_no_reader_is_waited_for_that_has_gone(pipe: tuple[int, DetachedStream]) -> None:
    reading, stream = pipe
    os.close(reading)
    stream.write("a line\n")
    assert stream.is_written(60)


class Recording(DetachedStream):
    """A stream that notes for how long it was waited for."""

    waited: tuple[float, ...] = ()

    def is_written(self, patience: float) -> bool:
        self.waited += (patience,)
        return super().is_written(patience)


def test_a_run_waits_once_for_a_reader_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr("watchman_cli.output.log.PROMPT", 0.01)
    with os.fdopen(writing, "w") as file:
        stream = Recording(file, 0.01)
        monkeypatch.setattr(sys, "stderr", stream)
        reporter = Reporter(verbose=False, log_format="text")
        stream.write("x" * 100_000)
        for _ in range(3):
            assert not reporter.on_warnings(SERVER, ["a line", "and another one"])
        assert stream.waited == (0.01, 0.0, 0.0)
        os.close(reading)
