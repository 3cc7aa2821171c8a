"""`watchman list`: a row for each configured server."""

from __future__ import annotations

import shutil
import sys

import typer

from watchman_cli.cli.options import CONFIG, STORE, load_config, wants_colour
from watchman_cli.text import json_line


def list_servers(
    as_json: bool = typer.Option(False, "--json", help="Print the rows as one JSON list."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Print a row per configured server, the worst first: its state, as `check` reports it, and why."""
    from watchman_cli.output import table
    from watchman_cli.readback import read_servers
    from watchman_cli.store import open_store

    settings = load_config(config, store)
    names = [server.name for server in settings.servers]
    servers = read_servers(
        open_store(settings.store, settings.store_source), names, maintenance=settings.maintenance
    )
    if as_json:
        print(json_line([table.as_json(stored) for stored in servers]))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print(table.render(servers, wants_colour(), width))
    raise typer.Exit(1 if any(stored.error for stored in servers) else 0)
