"""Tells of a run while it goes on: nothing, a log, or a progress display on a terminal."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import Any

from watchman_cli.collect import Outcome
from watchman_cli.config import Server
from watchman_cli.errors import ServerError, StoreError, print_error
from watchman_cli.text import printable

log = logging.getLogger("watchman")


class Reporter(AbstractContextManager["Reporter"]):
    """What a run tells: with neither -v nor a log format, only of failures, a line for each."""

    def __init__(self, *, verbose: bool, log_format: str) -> None:
        self.logs = verbose or log_format == "json"
        if self.logs:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(_Json() if log_format == "json" else _Text())
            log.addHandler(handler)
            log.setLevel(logging.DEBUG if verbose else logging.WARNING)
            log.propagate = False

    def state(self, server: Server, state: str) -> None:
        """A server is in a new state."""
        if self.logs:
            log.debug(printable(state), extra={"server": server.name})

    def done(self, outcome: Outcome) -> None:
        """A server is done with."""
        if outcome.warning:
            self.failure(outcome.server.name, outcome.warning, logging.ERROR)
        if outcome.error is not None:
            self.failure(outcome.server.name, _failure(outcome), logging.ERROR, outcome)
        elif self.logs:
            log.info(_success(outcome), extra={"server": outcome.server.name, "outcome": outcome})

    def failure(self, name: str, message: str, level: int, outcome: Any = None) -> None:
        """Something that the operator must know, whatever was asked for."""
        if self.logs:
            log.log(level, printable(message), extra={"server": name, "outcome": outcome})
        else:
            print_error(f"{name}: {message}" if name else message)

    def __exit__(self, *_: object) -> None:
        for handler in log.handlers[:]:
            log.removeHandler(handler)


class Progress(Reporter):
    """A reporter that shows on a terminal who is done, and who is waiting on what."""

    def __init__(self, total: int) -> None:
        super().__init__(verbose=False, log_format="text")
        from rich.console import Console
        from rich.live import Live

        self._lock = threading.Lock()
        self._total = total
        self._states: dict[str, tuple[str, float, float]] = {}  # what, since when, its deadline
        self._done = self._failed = 0
        self._console = Console(stderr=True)
        self._live = Live(
            console=self._console, get_renderable=self._render, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Progress:
        self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._live.stop()
        super().__exit__(*details)

    def state(self, server: Server, state: str) -> None:
        with self._lock:
            _, since, _ = self._states.get(server.name, ("", time.monotonic(), 0))
            self._states[server.name] = printable(state), since, server.deadline

    def done(self, outcome: Outcome) -> None:
        with self._lock:
            self._states.pop(outcome.server.name, None)
            self._done += 1
            self._failed += outcome.error is not None
        super().done(outcome)

    def failure(self, name: str, message: str, level: int, outcome: Any = None) -> None:
        line = printable(f"{name}: {message}" if name else message)
        self._console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)

    def _render(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        with self._lock:
            waiting = list(self._states.items())
            failed = f", {self._failed} failed" if self._failed else ""
            table.add_row(Text(f"{self._done} of {self._total} servers done{failed}", style="bold"))
            rows = max(3, self._console.size.height - 4)
            now = time.monotonic()
            for name, (state, since, deadline) in waiting[:rows]:
                table.add_row(Text(name), Text(state, style="cyan"), f"{now - since:.0f} of {deadline:g} s")
            if len(waiting) > rows:
                table.add_row(Text(f"and {len(waiting) - rows} more"))
        return table


def _failure(outcome: Outcome) -> str:
    error = outcome.error
    tries = f" (tried {outcome.attempts} times)" if outcome.attempts > 1 else ""
    if isinstance(error, StoreError):
        read = "its snapshot was read, and is lost" if outcome.report else "it was not read"
        return f"{error}; {read}"
    where = outcome.server.address
    message = str(error) if where in str(error) else f"{error} ({where})"
    detail = ""
    if isinstance(error, ServerError) and error.kind in ("server", "crashed") and error.detail:
        detail = f" [{error.detail[:160]}]" if error.detail not in message else ""
    kept = "no snapshot is kept"
    if outcome.kept:
        kept = f"the snapshot of {outcome.kept[:19].replace('T', ' ')} UTC is kept"
    return f"{message}{tries}{detail}; {kept}"


def _success(outcome: Outcome) -> str:
    if outcome.result in ("skipped", "interrupted"):
        return "skipped: another run is reading it" if outcome.result == "skipped" else "interrupted"
    report = outcome.report or {}
    way = {"unchanged": "nothing changed", "incremental": "incremental sync"}.get(report["way"], "full sync")
    why = f" ({report['why']})" if report["why"] else ""
    compared = f", compared: {report['compared']}" if report.get("compared") else ""
    cost = f"{report['requests']} requests, {outcome.seconds:.2f} s"
    return f"{report['nodes']} nodes, {way}{why}{compared}, {cost}"


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        server = getattr(record, "server", "")
        time = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        return f"{time} {record.levelname.lower()} {server + ': ' if server else ''}{record.getMessage()}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "server": getattr(record, "server", "") or None,
            "message": record.getMessage(),
        }
        outcome = getattr(record, "outcome", None)
        if outcome is not None:
            report = outcome.report or {}
            line |= {
                "result": outcome.result,
                "seconds": round(outcome.seconds, 3),
                "attempts": outcome.attempts,
            }
            line |= {name: report[name] for name in ("way", "why", "nodes", "requests") if name in report}
            if isinstance(outcome.error, ServerError):
                line |= {"kind": outcome.error.kind, "detail": outcome.error.detail}
        return json.dumps(line)
