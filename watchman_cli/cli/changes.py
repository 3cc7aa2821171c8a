"""`watchman changes`: the changes from run to run, from the store."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import SERVER, complete_path
from watchman_cli.cli.options import (
    CONFIG,
    STORE,
    duration,
    node_path,
    server_from_options,
    wants_colour,
)
from watchman_cli.errors import NoChanges, NoSnapshot, WatchmanError, print_error
from watchman_cli.signals import install_handlers

if TYPE_CHECKING:
    from watchman_cli.changes.batch import Batch
    from watchman_cli.follow import Cursor
    from watchman_cli.store import Store

BETWEEN = "another writer replaced the snapshot in between, or older changes were trimmed"


def changes(
    name: str = SERVER,
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with each new change."),
    since: float | None = typer.Option(
        None,
        "--since",
        metavar="TIME",
        parser=duration,
        help="Print only the changes of this time (90s, 10m, 2h, 1d). Default: all that are kept, or only "
        "new ones with --follow.",
    ),
    path: str = typer.Option(
        "/",
        "--path",
        metavar="/SUITE",
        help="Print only changes of this node and of those below it.",
        autocompletion=complete_path,
    ),
    as_json: bool = typer.Option(False, "--json", help="Print an event of CloudEvents as JSON in each line."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Print the changes of a server's nodes, if they are kept (`changes: true`)."""
    install_handlers()
    opened, name = server_from_options(name, config, store)
    printer = _Printer(name, node_path(path), as_json)
    if not opened.changes_end(name):
        if not opened.head(name):
            raise NoSnapshot(f"{name}: neither a snapshot nor changes in {opened.url}; check the name")
        advice = "either nothing changed yet since `changes: true` was set for it, or it is not set"
        problem = f"{name}: no changes in {opened.url}: {advice}"
        if not follow:
            raise NoChanges(problem)
        print_error(f"watchman: {problem}; waiting for it")
    cursor = None
    if since is not None or not follow:
        cursor = _print_history(printer, opened, name, None if since is None else time.time() - since)
    if follow:
        _follow(printer, opened, name, cursor)
    _report_once()(_stale_reason(opened, name))


def _print_history(printer: _Printer, store: Store, name: str, since: float | None) -> Cursor | None:
    """Print the stored changes; return the cursor after the last one."""
    from watchman_cli.follow import history

    cursor = None
    for after, batch in history(store, name, since):
        if batch.before is None or (cursor and cursor.revision != batch.before):
            printer.gap(batch.read_time, batch.reason or BETWEEN)
        printer.batch(batch)
        cursor = after
    return cursor


def _follow(printer: _Printer, store: Store, name: str, cursor: Cursor | None) -> None:
    """Print new changes, and problems on standard error, until a signal ends the process."""
    from watchman_cli.follow import Resynchronised, follow

    report = _report_once()
    first = cursor is None
    for each in follow(store, name, cursor, report):
        if each is None:
            report(_stale_reason(store, name))
        elif not isinstance(each, Resynchronised):
            report("")
            printer.batch(each)
        elif not first:
            printer.gap(each.snapshot.collected_time, each.reason)
        first = False


def _report_once() -> Callable[[str], None]:
    """Return a function that prints a problem on standard error if it is a new one."""
    reported = ""

    def report(problem: str) -> None:
        nonlocal reported
        if problem and problem != reported:
            print_error(f"watchman: {problem}")
        reported = problem

    return report


def _stale_reason(store: Store, name: str) -> str:
    from watchman_cli import health

    try:
        record = health.decode(store.value(name, "health"))
    except WatchmanError:  # some users can read only the changes
        return ""
    return f"{name}: stale: {record.summary}" if record.failures else ""


class _Printer:
    """Prints the changes of a server at a path or below it."""

    def __init__(self, server: str, path: str, as_json: bool) -> None:
        self._server, self._path, self._as_json = server, path, as_json
        self._colour = wants_colour()

    def batch(self, batch: Batch) -> None:
        from watchman_cli.follow import Change, events_of
        from watchman_cli.output import changes as output

        below = self._path.rstrip("/") + "/"
        for event in events_of(batch):
            where = event.path if isinstance(event, Change) else "/"
            if where == self._path or where.startswith(below):
                print(output.as_json(event) if self._as_json else output.as_text(event, self._colour))
        sys.stdout.flush()

    def gap(self, time: datetime, reason: str) -> None:
        from watchman_cli.output import changes as output

        if self._as_json:
            print(output.gap_as_json(self._server, time, reason))
        else:
            print(output.gap_as_text(time, reason))
        sys.stdout.flush()
