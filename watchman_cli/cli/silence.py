"""`watchman silence`: no alarms of a server, or of a node and those below it, until a time."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import OPTIONAL_SERVER, complete_path
from watchman_cli.cli.options import (
    CONFIG,
    STORE,
    duration,
    maintenance_from_options,
    node_path,
    server_from_options,
    servers_from_options,
)
from watchman_cli.errors import BadSnapshot, ConfigError, NoSilence, print_error
from watchman_cli.text import json_line, plain_or_quoted, printable, quoted

if TYPE_CHECKING:
    from watchman_cli.silences import Silence
    from watchman_cli.store import Store

LONGEST = timedelta(days=3660)
LONGEST_REASON = 1000  # characters


def silence(
    name: str | None = OPTIONAL_SERVER,
    path: str = typer.Argument(
        "/",
        metavar="/PATH",
        help="The node that is silenced with all below it. Without it, the whole server is silenced, also if "
        "it fails or is halted.",
        autocompletion=complete_path,
    ),
    lasting: float | None = typer.Option(
        None, "--for", metavar="TIME", parser=duration, help="Silence it for this time (90s, 10m, 2h, 1d)."
    ),
    until: str | None = typer.Option(
        None, "--until", metavar="TIME", help="Silence it until this time, as 2026-11-24T08:00:00+00:00."
    ),
    because: str | None = typer.Option(None, "--because", metavar="TEXT", help="The reason, for the others."),
    end: bool = typer.Option(False, "--end", help="End the silence of this node or server now."),
    list_all: bool = typer.Option(False, "--list", help="Print the silences of all servers."),
    as_json: bool = typer.Option(False, "--json", help="Print them as one JSON list."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Turn off the alarms of a server or of a node, until a time.

    The store keeps it for all hosts. Runs go on, and check, list, page and the metrics show what is
    silenced apart. It ends by itself.
    """
    if list_all:
        if name or end or lasting is not None or until or because:
            raise ConfigError(["--list: cannot be used with a server or with another option than --json"])
        _print_silences(_all_silences(config, store), as_json)
        return
    if not name:
        raise ConfigError(["name one server as OWNER/REPO, or --list"])
    if sum((end, lasting is not None, until is not None)) != 1:
        raise ConfigError(["give one of --for, --until and --end"])
    if as_json:
        raise ConfigError(["--json: only with --list"])
    path = node_path(path)
    if end:
        opened, server = server_from_options(name, config, store)
        _end(opened, server, path)
        return
    if not because or not because.strip():
        raise ConfigError(["--because: say why, for the others"])
    if len(because) > LONGEST_REASON:
        raise ConfigError([f"--because: at most {LONGEST_REASON} characters"])
    now = datetime.now(timezone.utc)
    ends = _end_of(now, lasting, until)
    opened, server = server_from_options(name, config, store)
    _begin(opened, server, path, ends, because, now)


def _begin(store: Store, server: str, path: str, until: datetime, because: str, now: datetime) -> None:
    """Silence a node. Raises StoreError."""
    from watchman_cli.silences import Silence, describe, with_silence

    new = Silence(server, until, path, None, _user(), because)
    store.change_silences(server, lambda value: with_silence(value, new, now))
    if path != "/" and not _is_node(store, server, path):
        print_error(f"watchman: {server}: no such node now: {plain_or_quoted(path)}; check the path")
    print(printable(f"{server}  {path}  {describe(new)}"))


def _end(store: Store, server: str, path: str) -> None:
    """End a silence. Raises NoSilence and StoreError."""
    from watchman_cli.silences import decode, without_silence

    now = datetime.now(timezone.utc)
    others: list[str] = []

    def change(value: bytes) -> bytes:
        others[:] = [each.path for each in decode(server, value) if each.is_at(now)]
        return without_silence(value, server, path, now)

    store.change_silences(server, change)
    if path not in others:
        known = (
            f"silenced are: {', '.join(map(plain_or_quoted, others))}" if others else "nothing is silenced"
        )
        raise NoSilence(f"{server}: no silence of {plain_or_quoted(path)} in {store.url}; {known}")


def _end_of(now: datetime, lasting: float | None, until: str | None) -> datetime:
    """Return when a silence ends, which is after now. Raises ConfigError."""
    from watchman_cli.snapshot import parse_time

    if lasting is not None:
        if not 0 < lasting <= LONGEST.total_seconds():
            raise ConfigError([f"--for: more than 0 s, and at most {LONGEST.days} days"])
        return (now + timedelta(seconds=lasting)).replace(microsecond=0)
    try:
        end = parse_time(until or "")
    except ValueError as error:
        raise ConfigError(
            [f"--until: invalid time {quoted(until or '')}: write it as 2026-11-24T08:00:00+00:00"]
        ) from error
    if not now < end <= now + LONGEST:
        raise ConfigError([f"--until: {quoted(until or '')} is not a time in the next {LONGEST.days} days"])
    return end


def _user() -> str:
    """Return USER@HOST."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "unknown"
    return printable(f"{user}@{socket.gethostname()}")[:400]


def _is_node(store: Store, server: str, path: str) -> bool:
    """Return whether a server has a node now, or it is unknown."""
    from watchman_cli.snapshot import decode

    try:
        value = store.value(server, "status")
        return value is None or any(record.path == path for record in decode(value).records)
    except BadSnapshot:
        return True


def _all_silences(config: str | None, store: str | None) -> list[Silence]:
    """Return the silences of all servers that have not ended, the first to end first."""
    from watchman_cli.silences import decode

    now = datetime.now(timezone.utc)
    opened, names = servers_from_options([], config, store)
    silences = [*maintenance_from_options(config, store)]
    for name in names:
        silences += decode(name, opened.silences(name))
    return sorted((each for each in silences if now < each.until), key=lambda each: each.until)


def _print_silences(silences: Sequence[Silence], as_json: bool) -> None:
    from watchman_cli.output.silences import as_document, render

    if as_json:
        print(json_line([as_document(each) for each in silences]))
    elif silences:
        print(render(silences))
