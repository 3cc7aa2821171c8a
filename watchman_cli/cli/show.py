"""`watchman show`: show a snapshot from the store."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import SERVER, complete_path
from watchman_cli.cli.options import (
    CONFIG,
    STORE,
    duration,
    node_path,
    server_from_options,
    takes,
    wants_colour,
)
from watchman_cli.errors import ConfigError, NoSnapshot
from watchman_cli.status import NodeStatus
from watchman_cli.text import plain_or_quoted, quoted

if TYPE_CHECKING:
    from watchman_cli.beside import Shown, ShownKind
    from watchman_cli.readback import StoredServer
    from watchman_cli.store import Store


def show(
    name: str = SERVER,
    status: list[NodeStatus] = typer.Option(
        [],
        "--status",
        metavar="S",
        help="Show only nodes with this status, and those above them. May be repeated.",
    ),
    flag: list[str] = typer.Option(
        [],
        "--flag",
        metavar="F",
        help="Show only nodes with this flag of ecFlow's, such as late or zombie, and those above them. "
        "May be repeated.",
    ),
    longer_than: float | None = typer.Option(
        None,
        "--longer-than",
        metavar="TIME",
        parser=duration,
        help="Show only nodes that have been active, submitted or aborted for at least this long (90s, 3m, "
        "2h, 1d), and those above them.",
    ),
    path: str = typer.Option(
        "/",
        "--path",
        metavar="/SUITE",
        help="Show only this node and those below it.",
        autocompletion=complete_path,
    ),
    depth: int | None = typer.Option(
        None, "--depth", metavar="N", min=0, help="Show N levels, and count what is below them."
    ),
    labels: bool = typer.Option(
        False, "--labels", help="Show the labels of each node beside it. Needs `details: true`."
    ),
    meters: bool = typer.Option(
        False, "--meters", help="Show the meters of each node beside it. Needs `details: true`."
    ),
    as_json: bool = typer.Option(
        False,
        "--json",
        help="Print the stored bytes unchanged; with --labels or --meters the whole snapshot, and these.",
    ),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Show the snapshot of a server, with the tree of its nodes.

    The head has its age, the server's state, and the number of nodes per status.
    """
    from watchman_cli.output.tree import ASCII, UNICODE, TreeFilter, describe_shown, render
    from watchman_cli.readback import read_server

    if flag:
        _check_flags(flag)
    wanted = TreeFilter(
        node_path(path), frozenset(each.value for each in status), depth, frozenset(flag), longer_than
    )
    opened, name = server_from_options(name, config, store)
    kinds: list[ShownKind] = []
    if labels:
        kinds.append("labels")
    if meters:
        kinds.append("meters")
    shown = _read_shown(opened, name, kinds) if kinds else None
    stored, beside = shown or (read_server(opened, name), {})
    if as_json:
        sys.stdout.buffer.write(_with_attributes(stored.value, beside) if shown else stored.value)
        return
    if stored.snapshot is None or stored.snapshot.status(wanted.path) is None:
        raise NoSnapshot(f"{name}: no such node: {plain_or_quoted(wanted.path)}")
    height = shutil.get_terminal_size().lines if sys.stdout.isatty() else None
    words = {path: describe_shown(each) for path, each in beside.items()}
    lines = UNICODE if takes("".join(UNICODE)) else ASCII
    print("\n".join(render(stored, wanted, wants_colour(), height, words, lines)))


def _read_shown(
    store: Store, name: str, kinds: Sequence[ShownKind]
) -> tuple[StoredServer, Mapping[str, Shown]]:
    """Return a server, and the labels and meters of its nodes at the same moment.

    Raises the errors of `read_server`, and NoDetails.
    """
    from watchman_cli.beside import of_one_snapshot, read_shown
    from watchman_cli.readback import read_server

    return of_one_snapshot(lambda: read_server(store, name), lambda each: read_shown(store, each, kinds))


def _with_attributes(value: bytes, beside: Mapping[str, Shown]) -> bytes:
    """Return a stored snapshot's JSON with the labels and meters as one more key."""
    import orjson

    document = orjson.loads(value)
    return orjson.dumps({**document, "attributes": {path: each.as_dict() for path, each in beside.items()}})


def _check_flags(names: Sequence[str]) -> None:
    """Check that a snapshot can have these flags. Raises ConfigError."""
    from watchman_cli.ecflow_client.details.flags import SHOWN

    unknown = sorted(set(names) - SHOWN)
    if unknown:
        known = ", ".join(sorted(SHOWN))
        raise ConfigError([f"--flag: unknown flag {quoted(unknown[0])}: use {known}"])
