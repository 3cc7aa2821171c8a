"""`watchman show`: a snapshot, read back from the store."""

from __future__ import annotations

import shutil
import sys

import typer

from watchman_cli.cli.options import CONFIG, STORE, store_from_options, wants_colour
from watchman_cli.errors import ConfigError, NoSnapshot
from watchman_cli.status import NodeStatus


def show(
    name: str = typer.Argument(metavar="OWNER/REPO", help="The server, as it is named in the configuration."),
    status: list[NodeStatus] = typer.Option(
        [],
        "--status",
        metavar="S",
        help="Show only nodes of this status, and those above them. May be repeated.",
    ),
    path: str = typer.Option("/", "--path", metavar="/SUITE", help="Show only this node and those below it."),
    depth: int | None = typer.Option(
        None, "--depth", metavar="N", min=0, help="Show N levels, and count what is below them."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the stored bytes unchanged."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Read a snapshot back: how old it is, the server's state, counts per status, and the tree."""
    from watchman_cli.output.tree import TreeFilter, render
    from watchman_cli.reader import read_server

    parts = name.split("/")
    if len(parts) != 2 or any(part in ("", ".", "..") for part in parts):
        raise ConfigError([f"{name}: a server is named as OWNER/REPO"])
    found = read_server(store_from_options(config, store), name)
    if as_json:
        sys.stdout.buffer.write(found.value)
        return
    wanted = TreeFilter("/" + path.strip("/"), frozenset(each.value for each in status), depth)
    if found.snapshot is None or found.snapshot.status(wanted.path) is None:
        raise NoSnapshot(f"{name}: it has no node {wanted.path}")
    height = shutil.get_terminal_size().lines if sys.stdout.isatty() else None
    print("\n".join(render(found, wanted, wants_colour(), height)))
