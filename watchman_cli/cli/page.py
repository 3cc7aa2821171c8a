"""`watchman page`: the stored servers as one HTML file."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import complete_server
from watchman_cli.cli.options import CONFIG, STORE, maintenance_from_options, servers_from_options
from watchman_cli.errors import ConfigError, StoreError, WatchmanError
from watchman_cli.files import replace_file
from watchman_cli.text import plain_or_quoted

if TYPE_CHECKING:
    from watchman_cli.output.page.notes import Notes
    from watchman_cli.readback import StoredServer
    from watchman_cli.silences import Silence
    from watchman_cli.store import Store

NOTES_TIME = 5.0  # seconds for what is said of nodes, of all servers


def page(
    servers: list[str] = typer.Argument(
        None,
        metavar="[OWNER/REPO]...",
        help="Only these servers, or only their repos, if these are unique in the configuration.",
        autocompletion=complete_server,
    ),
    output: str = typer.Option(
        ...,
        "--output",
        metavar="FILE",
        help="Write this file, or replace it as a whole, also if it is a link; - is standard output.",
    ),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Write an HTML page: servers, root causes, and a tree that folds.

    The file needs no other file, no network and no script to be read. watchman makes it from the store alone.
    """
    from datetime import datetime, timezone

    from watchman_cli.output.page import render

    target = None if output == "-" else _checked(output)
    opened, names = servers_from_options(servers or [], config, store)
    stored, notes = _read(opened, names, maintenance_from_options(config, store))
    text = render(stored, datetime.now(timezone.utc), notes).encode()
    if target is None:
        sys.stdout.buffer.write(text)
    else:
        try:
            replace_file(target, text)
        except OSError as error:
            raise WatchmanError(
                f"{plain_or_quoted(output)}: {error.strerror}; no page was written"
            ) from error
    raise typer.Exit(1 if any(each.error for each in stored) else 0)


def _read(
    store: Store, names: Sequence[str], maintenance: Sequence[Silence]
) -> tuple[list[StoredServer], dict[str, Notes]]:
    """Return the stored servers, and what there is to say of their nodes: nothing without details.

    No error in reading the details of a server hides the server. Raises StoreError.
    """
    from watchman_cli.output.page.notes import LEAST_NOTED, NODES_NOTED
    from watchman_cli.readback import read_servers

    servers, notes = [], {}
    left, reads, end = NODES_NOTED, True, time.monotonic() + NOTES_TIME
    for place, name in enumerate(names):
        (stored,) = read_servers(store, [name], maintenance=maintenance)
        most = max(LEAST_NOTED, left // (len(names) - place))
        now = time.monotonic()
        until = now + max(0.0, end - now) / (len(names) - place)
        if stored.snapshot is not None and reads:
            try:
                stored, found = _with_notes(store, stored, most, until)
                left = max(0, left - len(found))
                if found:
                    notes[name] = found
            except StoreError:  # it would be the same for the other servers
                reads = False
        servers.append(stored)
    return servers, notes


def _with_notes(store: Store, stored: StoredServer, most: int, until: float) -> tuple[StoredServer, Notes]:
    """Return the server, read again if a run has replaced it meanwhile, and the notes of its nodes."""
    from watchman_cli.beside import read_beside
    from watchman_cli.deadlines import listed, path_of
    from watchman_cli.errors import NoDetails, NoSnapshot
    from watchman_cli.node_details import ATTEMPTS, OtherSnapshot
    from watchman_cli.output.page.notes import make_notes
    from watchman_cli.readback import read_servers

    def expired() -> bool:
        return time.monotonic() > until

    states = (each.at(stored.read_time) for each in listed(stored.health.deadlines))
    late = {path_of(each.deadline) for each in states if each.state == "missed"}
    for _ in range(ATTEMPTS):
        snapshot = stored.snapshot
        if snapshot is None:
            break
        try:
            return stored, read_beside(
                store,
                stored,
                lambda tree, of=snapshot: make_notes(tree, of, most, expired, late),  # type: ignore[misc]
            )
        except OtherSnapshot:
            (again,) = read_servers(store, [stored.server])
            stored = replace(again, silences=stored.silences)
        except (NoDetails, NoSnapshot):
            break
    return stored, {}


def _checked(output: str) -> Path:
    """Return the path of the page, which may be a file or a link to one. Raises ConfigError."""
    path, shown = Path(output), plain_or_quoted(output)
    try:
        if not path.parent.is_dir():
            raise ConfigError(
                [f"--output {shown}: there is no directory {plain_or_quoted(str(path.parent))}"]
            )
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(path.stat().st_mode):
                raise ConfigError([f"--output {shown}: not a regular file"])
    except OSError as error:
        raise ConfigError([f"--output {shown}: {error.strerror}"]) from error
    return path
