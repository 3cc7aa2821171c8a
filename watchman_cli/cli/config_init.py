"""`watchman config init`: write a first configuration, with the servers' own data."""

from __future__ import annotations

import getpass
import re
from typing import TYPE_CHECKING, Any

import typer

from watchman_cli.cli.options import OUTPUT, STORE, write_config
from watchman_cli.errors import ConfigError, print_error
from watchman_cli.text import printable, quoted

if TYPE_CHECKING:
    from watchman_cli.collect.connection import Connection

JOBS = 32  # servers that are asked at the same time


def config_init(
    addresses: list[str] = typer.Argument(metavar="HOST:PORT...", help="The ecFlow servers to watch."),
    output: str = OUTPUT,
    store: str | None = STORE,
) -> None:
    """Ask servers who they are, and write a configuration for them."""
    from watchman_cli.collect.connection import try_connections
    from watchman_cli.config import make_server, store_url
    from watchman_cli.ecflow_client import WrongProtocol
    from watchman_cli.output.config_file import render_config

    url = store_url(store, {}, None)
    entries = [_entry(address) for address in addresses]
    connections = list(try_connections([make_server(entry) for entry in entries], JOBS))
    for entry, connection in zip(entries, connections, strict=True):
        if isinstance(connection.error, WrongProtocol):
            entry["protocol"] = connection.error.spoken
    connections = [
        next(iter(try_connections([make_server(entry)], 1))) if "protocol" in entry else connection
        for entry, connection in zip(entries, connections, strict=True)
    ]
    comments = [_comment(connection) for connection in connections]
    write_config(output, render_config(url, entries, comments))
    for connection in connections:
        if connection.error is not None:
            print_error(f"{connection.server.address}: {connection.error}; it was added to the file anyway")
    many = "server" if len(entries) == 1 else "servers"
    print(printable(f"{output}: written, {len(entries)} {many}; next: watchman collect"))
    raise typer.Exit(1 if any(connection.error for connection in connections) else 0)


def _entry(address: str) -> dict[str, Any]:
    """Return a server's settings, with a name from the caller's name and its address. Raises ConfigError."""
    from watchman_cli.config.validate import host_problem

    match = re.fullmatch(r"\[?([^\[\]/@]+?)\]?:([0-9]{1,5})", address)
    if match is None or host_problem(match[1]) or not 0 < int(match[2]) < 65536:
        raise ConfigError([f"invalid address {quoted(address)}: use HOST:PORT"])
    repo = re.sub(r"[^\w.-]", "_", f"{match[1]}_{match[2]}")
    return {"owner": getpass.getuser(), "repo": repo, "host": match[1], "port": int(match[2])}


def _comment(connection: Connection) -> str:
    statistics = connection.statistics
    if statistics is None or statistics.instance is None:
        return f"{connection.error or 'unknown release'}"
    instance = statistics.instance
    return f"ecFlow {instance.version}, {statistics.server_state}, up since {instance.up_since}"
