"""The report of a run while it goes on: a line for each failure, or a log of each step."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from watchman_cli.errors import ServerError, print_error
from watchman_cli.journal import with_priority
from watchman_cli.output.outcome import describe_failure, describe_success
from watchman_cli.output.stream import DetachedStream
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome
    from watchman_cli.config import Server

PROMPT = 1.0  # seconds to wait until standard error takes a line that must be reported
log = logging.getLogger("watchman")


class Reporter(AbstractContextManager["Reporter"]):
    """A run's listener, which writes to standard error.

    Without `verbose` and the log format `json` it reports only failures, a line for each. With `verbose` or
    `always`, it reports a failure that earlier runs have reported, too.
    """

    def __init__(self, *, verbose: bool, log_format: str, always: bool = False) -> None:
        self.logs = verbose or log_format == "json"
        self._always = always or verbose
        self._patience = PROMPT
        if self.logs:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(_Json() if log_format == "json" else _Text())
            log.addHandler(handler)
            log.setLevel(logging.DEBUG if verbose else logging.WARNING)
            log.propagate = False

    def on_progress(self, server: Server, progress: str) -> None:
        """Report the present step of the work for a server."""
        if self.logs:
            log.debug(printable(progress), extra={"server": server.name})

    def on_warnings(self, server: Server, lines: Sequence[str]) -> bool:
        """Report some lines about a server at once; return whether standard error took them."""
        for line in lines:
            self.report(server.name, line, logging.WARNING)
        return self._is_taken()

    def on_failure(self, outcome: Outcome) -> bool:
        """Report a failure and its warnings at once; return whether standard error took them."""
        for warning in outcome.warnings:
            self.report(outcome.server.name, warning, logging.WARNING)
        self.report(outcome.server.name, describe_failure(outcome), logging.ERROR, outcome)
        return self._is_taken()

    def _is_taken(self) -> bool:
        if isinstance(sys.stderr, DetachedStream) and not sys.stderr.is_written(self._patience):
            self._patience = 0.0  # a run waits once, not for each server
            return False
        return True

    def on_outcome(self, outcome: Outcome) -> None:
        """Report the outcome for a server."""
        for warning in outcome.warnings:
            self.report(outcome.server.name, warning, logging.WARNING)
        if outcome.error is not None:
            if outcome.told == "untold" or (outcome.told == "withheld" and self._always):
                self.report(outcome.server.name, describe_failure(outcome), logging.ERROR, outcome)
        elif self.logs:
            log.info(describe_success(outcome), extra={"server": outcome.server.name, "outcome": outcome})

    def report(self, name: str, message: str, level: int, outcome: Outcome | None = None) -> None:
        """Report a line that the operator must see, with any options."""
        if self.logs:
            log.log(level, printable(message), extra={"server": name, "outcome": outcome})
        else:
            print_error(f"{name}: {message}" if name else message, level)

    def __exit__(self, *_: object) -> None:
        for handler in log.handlers[:]:
            log.removeHandler(handler)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        server = getattr(record, "server", "")
        line = f"{_time(record)} {record.levelname.lower()} {server and server + ': '}{record.getMessage()}"
        return with_priority(printable(line), record.levelno)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "server": getattr(record, "server", "") or None,
            "message": record.getMessage(),
        }
        outcome = getattr(record, "outcome", None)
        if outcome is not None:
            line |= {
                "result": outcome.result,
                "seconds": round(outcome.seconds, 3),
                "attempts": outcome.attempts,
                "requests": outcome.requests,
            }
            if outcome.reading is not None:
                line |= {name: getattr(outcome.reading, name) for name in ("mode", "reason", "nodes")}
            if isinstance(outcome.error, ServerError):
                line |= {"kind": outcome.error.kind}
        return with_priority(json.dumps(line), record.levelno)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
