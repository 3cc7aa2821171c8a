"""Each error has its message and its exit code."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from watchman_cli import errors


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (errors.WatchmanError("it failed"), 1, ("watchman: it failed",)),
        (errors.ConfigError(["f:1: bad", "f:2: worse"]), 2, ("f:1: bad", "f:2: worse")),
        (errors.UnknownServer(["o/x: no such server"]), 1, ("o/x: no such server",)),
        (errors.StoreError("no store"), 3, ("watchman: no store",)),
        (errors.NoSnapshot("none yet"), 1, ("watchman: none yet",)),
        (errors.NoChanges("none yet"), 1, ("watchman: none yet",)),
        (errors.BadSnapshot("damaged"), 1, ("watchman: damaged",)),
    ],
)
def test_exit_code_and_lines(error: errors.WatchmanError, code: int, lines: tuple[str, ...]) -> None:
    assert (error.exit_code, error.messages) == (code, lines)


def test_transient_errors_say_so() -> None:
    assert not errors.StoreError("x").transient
    assert errors.StoreError("x", transient=True).transient


def test_text_of_several_problems_has_a_line_for_each() -> None:
    assert str(errors.ConfigError(["a", "b"])) == "a\nb"


def test_error_line_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    errors.print_error("bad\x1b[31m")
    assert capsys.readouterr().err == "bad?[31m\n"


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_full_standard_error_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    errors.print_error("x")
