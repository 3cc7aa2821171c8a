"""`watchman find`: nodes by their attributes, over all servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import complete_server
from watchman_cli.cli.options import CONFIG, STORE, servers_from_options
from watchman_cli.errors import ConfigError
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.waits.find import Kind


def find(
    names: list[str] = typer.Argument(
        None,
        metavar="[OWNER/REPO]...",
        help="Search only these servers. Default: every server of the configuration.",
        autocompletion=complete_server,
    ),
    variable: str | None = typer.Option(
        None,
        "--variable",
        metavar="NAME=VALUE",
        help="Nodes that set this variable to this value; with only NAME, to any value.",
    ),
    label: str | None = typer.Option(
        None, "--label", metavar="TEXT", help="Nodes with a label that has this text."
    ),
    trigger_on: str | None = typer.Option(
        None, "--trigger-on", metavar="/PATH", help="Nodes whose trigger or complete refers to this node."
    ),
    limit: str | None = typer.Option(
        None, "--limit", metavar="NAME", help="Nodes that have or claim this limit."
    ),
    repeat: str | None = typer.Option(None, "--repeat", metavar="NAME", help="Nodes with this repeat."),
    as_json: bool = typer.Option(False, "--json", help="Print the nodes as one JSON object."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Print the nodes that have an attribute, one per line.

    It is a variable, a label, a limit, a repeat, or a trigger on a node. `*` stands for any text. Needs
    `details: true`; a server without details is skipped.
    """
    import orjson

    from watchman_cli.nodes import find_in
    from watchman_cli.waits.find import as_document

    options: dict[Kind, str | None] = {
        "variable": variable, "label": label, "trigger_on": trigger_on, "limit": limit, "repeat": repeat,
    }  # fmt: skip
    given = [(kind, text) for kind, text in options.items() if text is not None]
    if len(given) != 1:
        raise ConfigError(["use one of --variable, --label, --trigger-on, --limit and --repeat"])
    kind, text = given[0]
    opened, servers = servers_from_options(names or [], config, store)
    found = [each for server in servers for each in find_in(opened, server, kind, text)]
    if as_json:
        print(orjson.dumps(as_document(found)).decode())
    else:
        for each in found:
            print(printable(f"{each.server} {each.path} {each.text}"))
