"""`watchman why`: what a node waits for."""

from __future__ import annotations

import typer

from watchman_cli.cli.completion import SERVER, complete_path
from watchman_cli.cli.options import CONFIG, STORE, node_path, server_from_options, wants_colour

NODE = typer.Argument(metavar="/SUITE/...", help="The node's path.", autocompletion=complete_path)


def why(
    name: str = SERVER,
    path: str = NODE,
    as_json: bool = typer.Option(False, "--json", help="Print the answer as one JSON object."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Show why a node does not run, and the end of the chain.

    It shows the trigger term by term, times and limits. Needs `details: true` for the server. Reads only
    the store.
    """
    import orjson

    from watchman_cli.nodes import why_in
    from watchman_cli.output.why import render

    opened, server = server_from_options(name, config, store)
    answer = why_in(opened, server, node_path(path))
    if as_json:
        print(orjson.dumps(answer.as_dict()).decode())
    else:
        print("\n".join(render(answer, wants_colour())))
