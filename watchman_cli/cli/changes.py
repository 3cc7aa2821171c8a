"""`watchman changes`: the changes from run to run, from the store."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import OPTIONAL_SERVER, complete_path
from watchman_cli.cli.options import (
    CONFIG,
    STORE,
    duration,
    load_config,
    node_path,
    server_from_options,
    takes,
    wants_colour,
)
from watchman_cli.errors import ConfigError, NoChanges, NoSnapshot, WatchmanError, print_error
from watchman_cli.signals import install_handlers
from watchman_cli.status import NodeStatus

if TYPE_CHECKING:
    from watchman_cli.follow import Cursor, Event
    from watchman_cli.follow_all import Item, Looked
    from watchman_cli.store import Store

NAMED = 5  # servers in a message


def changes(
    name: str | None = OPTIONAL_SERVER,
    every: bool = typer.Option(
        False, "--all", help="Print the changes of every server of the configuration, in the order of time."
    ),
    to: list[NodeStatus] = typer.Option(
        [],
        "--to",
        metavar="S",
        help="Print only nodes whose status changed to this one. May be repeated.",
    ),
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
    """Print the changes of nodes, of one server or of all.

    They are kept if `changes: true` is set for the server.
    """
    from watchman_cli.follow_all import cursors_at_end, past_changes

    install_handlers()
    if every == bool(name):
        raise ConfigError(["name one server as OWNER/REPO, or --all"])
    printer = _Printer(node_path(path), frozenset(each.value for each in to), as_json, every)
    opened, kept = _servers(name, config, store)
    found = cursors_at_end(opened, kept)
    errors = {each: error for each, error in found.items() if isinstance(error, WatchmanError)}
    if len(errors) == len(found):
        raise next(iter(errors.values()))
    cursors = {each: None if isinstance(known, WatchmanError) else known for each, known in found.items()}
    without = [each for each, cursor in cursors.items() if cursor and not cursor.position]
    followed = [each for each in cursors if follow and (kept[each] or each not in without)]
    if len(without) == len(cursors) and not followed:
        raise _no_changes(opened, without, kept)
    if without:
        waiting = "; waiting" if any(each in followed for each in without) else ""
        print_error(f"watchman: {_no_changes(opened, without, kept)}{waiting}")
    if since is not None or not follow:
        start = None if since is None else time.time() - since
        for item in past_changes(opened, list(cursors), start, cursors, errors.__setitem__):
            printer.items([item])
    problems = _Problems(list(cursors))
    problems.report({each: str(error) for each, error in errors.items()})
    if followed:
        _follow(printer, problems, opened, {each: cursors[each] for each in followed})
    problems.report({each: _stale_reason(opened, each) for each in cursors if each not in errors})
    if errors:
        raise typer.Exit(max(error.exit_code for error in errors.values()))


def _servers(name: str | None, config: str | None, store: str | None) -> tuple[Store, dict[str, bool]]:
    """Return the store, and the servers with False if the configuration says that no changes are kept.

    Without a name, these are all servers of the configuration. Raises ConfigError.
    """
    from watchman_cli.store import open_store

    if name:
        opened, name = server_from_options(name, config, store)
        return opened, {name: True}
    settings = load_config(config, store)
    kept = {server.name: server.changes for server in settings.servers}
    return open_store(settings.store, settings.store_source), kept


def _no_changes(store: Store, names: Sequence[str], kept: Mapping[str, bool]) -> WatchmanError:
    """Return the error that the store has no changes of these servers, with the reason."""
    named = _named(names)
    if len(kept) == 1 and not store.head(names[0]):
        return NoSnapshot(f"{named}: neither a snapshot nor changes in {store.url}; check the name")
    advice = "either nothing changed yet since `changes: true` was set, or it is not set"
    return NoChanges(f"{named}: no changes in {store.url}: {advice}")


def _follow(printer: _Printer, problems: _Problems, store: Store, cursors: dict[str, Cursor | None]) -> None:
    """Print new changes, and problems on standard error, until a signal ends the process."""
    from watchman_cli.follow_all import follow_all, time_of

    def stale(each: Looked) -> str:
        return "" if each.items else _stale_reason(store, each.server)

    for found in follow_all(store, cursors):
        printer.items(sorted((item for each in found for item in each.items), key=time_of))
        problems.report({each.server: str(each.error) if each.error else stale(each) for each in found})


class _Problems:
    """Prints each new problem of the servers on standard error."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._known = dict.fromkeys(servers, "")

    def report(self, problems: Mapping[str, str]) -> None:
        """Print what is new; an empty string is the end of a server's problem."""
        new: dict[str, list[str]] = {}
        for server, problem in problems.items():
            if problem and problem != self._known[server]:
                new.setdefault(problem, []).append(server)
        self._known.update(problems)
        for problem, servers in new.items():
            named = problem.startswith(f"{servers[0]}: ") or len(servers) == len(self._known)
            print_error(f"watchman: {'' if named else _named(servers) + ': '}{problem}")


def _named(servers: Sequence[str]) -> str:
    """Return the first servers in words."""
    more = f" and {len(servers) - NAMED} more" if len(servers) > NAMED else ""
    return ", ".join(servers[:NAMED]) + more


def _stale_reason(store: Store, name: str) -> str:
    from watchman_cli import health

    try:
        record = health.decode(store.value(name, "health"))
    except WatchmanError:  # some users can read only the changes
        return ""
    return f"{name}: stale: {record.summary}" if record.failures else ""


class _Printer:
    """Prints the changes at a path or below it; with statuses, only those of nodes that changed to one."""

    def __init__(self, path: str, statuses: Collection[str], as_json: bool, every: bool) -> None:
        from watchman_cli.output import changes as output

        self._path, self._statuses, self._as_json = path, statuses, as_json
        arrow = output.ARROW if takes(output.ARROW) else output.ASCII_ARROW
        self._style = output.Style(wants_colour(), arrow, every)

    def items(self, items: Iterable[Item]) -> None:
        """Print batches and gaps."""
        from watchman_cli.follow import events_of
        from watchman_cli.follow_all import Gap
        from watchman_cli.output import changes as output

        for item in items:
            if isinstance(item, Gap):
                as_text = output.gap_as_text(item.server, item.time, item.reason, self._style)
                print(output.gap_as_json(item.server, item.time, item.reason) if self._as_json else as_text)
                continue
            for event in filter(self._wants, events_of(item)):
                print(output.as_json(event) if self._as_json else output.as_text(event, self._style))
        sys.stdout.flush()

    def _wants(self, event: Event) -> bool:
        from watchman_cli.follow import Change

        where = event.path if isinstance(event, Change) else "/"
        if where != self._path and not where.startswith(self._path.rstrip("/") + "/"):
            return False
        if not self._statuses:
            return True
        return isinstance(event, Change) and event.status in self._statuses and event.status != event.previous
