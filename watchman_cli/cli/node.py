"""`watchman node`: one node with its attributes."""

from __future__ import annotations

import typer

from watchman_cli.cli.completion import SERVER
from watchman_cli.cli.options import CONFIG, STORE, node_path, server_from_options, wants_colour
from watchman_cli.cli.why import NODE
from watchman_cli.text import printable


def node(
    name: str = SERVER,
    path: str = NODE,
    variable: str | None = typer.Option(
        None,
        "--variable",
        metavar="NAME",
        help="Print only this variable's value; exit code 1 if it is missing.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the node as one JSON object."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Show a node: its state, all its attributes, and its job's paths.

    Attributes are variables, limits, meters, events, labels and repeats. Needs `details: true` for the
    server. Reads only the store.
    """
    import orjson

    from watchman_cli.nodes import node_in
    from watchman_cli.output.node import render

    opened, server = server_from_options(name, config, store)
    found = node_in(opened, server, node_path(path))
    if variable is not None:
        value = found.variable(variable)
        if value is None:
            raise typer.Exit(1)
        print(printable(value.value))
    elif as_json:
        print(orjson.dumps(found.as_dict()).decode())
    else:
        print("\n".join(render(found, wants_colour())))
