"""Output that never waits for its reader says whether it was taken."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from watchman_cli.output.stream import DetachedStream


@pytest.fixture
def pipe() -> Iterator[tuple[int, DetachedStream]]:
    """The end of a pipe that is read, and a stream that writes to the other one."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        yield reading, DetachedStream(file, 0.01)


def test_what_the_reader_took_is_written(pipe: tuple[int, DetachedStream]) -> None:
    reading, stream = pipe
    stream.write("a line\n")
    assert stream.is_written(60)
    assert os.read(reading, 100) == b"a line\n"
    os.close(reading)


def test_what_a_full_pipe_did_not_take_is_not_written_yet(pipe: tuple[int, DetachedStream]) -> None:
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
