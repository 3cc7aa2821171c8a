"""End a command by an unexpected error: one line, and an exit code that claims nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb

from watchman_cli.errors import print_error
from watchman_cli.text import printable

PACKAGE = Path(__file__).parents[1]
# For other commands 1 says that something failed. For `check` it is WARNING, and for `wait` a status of --or.
_CODES = {"check": 3, "wait": 3}


def error_code(arguments: Sequence[str]) -> int:
    """Return the exit code that claims nothing about a server or a node."""
    return _CODES.get(_command(arguments), 1)


def report(arguments: Sequence[str], message: str) -> int:
    """Print why a command could not go on, and return its exit code.

    The line of `check` is on standard output: monitoring systems read that.
    """
    if _command(arguments) == "check":
        print(f"WATCHMAN UNKNOWN - {printable(message).replace('|', '/')}")
    else:
        print_error(f"watchman: {message}")
    return error_code(arguments)


def describe(error: BaseException) -> str:
    """Return an error's type and location, without its text, which may have a password or a reply."""
    if isinstance(error, MemoryError):
        return "out of memory (ulimit -v)"
    if isinstance(error, ImportError):
        return f"a module cannot be imported: {error.name}; install watchman again"
    locations = [
        f" at {Path(frame.f_code.co_filename).relative_to(PACKAGE)}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if Path(frame.f_code.co_filename).is_relative_to(PACKAGE)
    ]
    location = locations[-1] if locations else ""
    return f"unexpected {type(error).__name__}{location}: please report this bug in watchman"


def _command(arguments: Sequence[str]) -> str:
    return next((each for each in arguments if not each.startswith("-")), "")
