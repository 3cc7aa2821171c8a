"""`watchman lint`: expressions that cannot be what their author meant."""

from __future__ import annotations

import typer

from watchman_cli.cli.completion import SERVER
from watchman_cli.cli.options import CONFIG, STORE, server_from_options
from watchman_cli.text import printable


def lint(
    name: str = SERVER,
    as_json: bool = typer.Option(False, "--json", help="Print the findings as one JSON object."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Print mistakes in triggers, completes and limits, one per line.

    Exit code 1 if there are any. Mistakes are references that name nothing, triggers that can never hold,
    expressions that ecFlow cannot read, and expressions that end the server. Needs `details: true` for
    the server. Reads only the store.
    """
    import orjson

    from watchman_cli.nodes import lint_in

    opened, server = server_from_options(name, config, store)
    findings = lint_in(opened, server)
    if as_json:
        print(orjson.dumps({"findings": [each.as_dict() for each in findings]}).decode())
    else:
        for each in findings:
            print(printable(f"{each.path}: {each.kind}: {each.text}"))
    raise typer.Exit(1 if findings else 0)
