"""`watchman list`: a row for each configured server."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, NoReturn

import typer

from watchman_cli.cli.options import CONFIG, STORE, load_config, wants_colour
from watchman_cli.errors import ConfigError, StoreError, print_error
from watchman_cli.signals import install_handlers
from watchman_cli.text import json_line

if TYPE_CHECKING:
    from watchman_cli.config import Config
    from watchman_cli.readback import StoredServer
    from watchman_cli.store import Store

PAUSE = 5.0  # seconds between two tables of --watch
CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def list_servers(
    as_json: bool = typer.Option(False, "--json", help="Print the rows as one JSON list."),
    watch: bool = typer.Option(
        False, "--watch", help="Print the rows again every 5 seconds, until Ctrl-C; only the store is asked."
    ),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Print a row for each configured server, the worst first.

    It has the server's state, as `check` reports it, and why.
    """
    from watchman_cli.output import table
    from watchman_cli.store import open_store

    if watch and as_json:
        raise ConfigError(["--watch: cannot be used with --json"])
    settings = load_config(config, store)
    opened = open_store(settings.store, settings.store_source)
    if watch:
        install_handlers()
        _watch(settings, opened)
    servers = _read(settings, opened)
    if as_json:
        print(json_line([table.as_json(stored) for stored in servers]))
    else:
        print(_table(servers))
    raise typer.Exit(1 if any(stored.error for stored in servers) else 0)


def _read(settings: Config, opened: Store) -> list[StoredServer]:
    """Return the configured servers as they are stored. Raises StoreError."""
    from watchman_cli.readback import read_servers

    names = [server.name for server in settings.servers]
    return read_servers(opened, names, maintenance=settings.maintenance)


def _table(servers: list[StoredServer]) -> str:
    from watchman_cli.output import table

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return table.render(servers, wants_colour(), width)


def _watch(settings: Config, opened: Store) -> NoReturn:
    """Print the rows again and again, until a signal ends the process.

    A store that fails is reported, and asked again: the rows before it stay on the terminal.
    """
    while True:
        try:
            rows = _table(_read(settings, opened))
            time_ = time.strftime("%Y-%m-%d %H:%M:%S %Z")
            print(f"{CLEAR if sys.stdout.isatty() else ''}{rows}\n\nas of {time_}", flush=True)
        except StoreError as error:
            print_error(f"watchman: {error}")
        time.sleep(PAUSE)
