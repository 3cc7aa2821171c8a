"""`make docs`: write what the documentation takes from the code, between the marks that name it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

import watchman_cli
from tests.faults import rows, runbook
from watchman_cli import schema
from watchman_cli.cli.main import app
from watchman_cli.output.metrics import METRICS

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^(<!-- generated: ([a-z ]+) -->\n)(.*?)^(<!-- end -->)", re.S | re.M)


def settings(properties: Mapping[str, Any], required: list[str]) -> Iterator[str]:
    """Yield the lines of a table of configuration keys."""
    yield "| key | default | meaning |"
    yield "| --- | --- | --- |"
    for name, value in properties.items():
        described = resolved("config", value)
        default = "required" if name in required else ""
        if "default" in described:
            default = "`" + json.dumps(described["default"]).strip('"') + "`"
        yield f"| `{name}` | {default} | {described['description']} |"


def fields(name: str, properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the rows of a table of the fields of a JSON document, those of its objects after each."""
    for field, value in properties.items():
        described = resolved(name, value)
        yield f"| `{prefix}{field}` | {described.get('description', '')} |"
        choices = described.get("anyOf", [described])
        for inner in (resolved(name, choice) for choice in choices):
            yield from fields(name, inner.get("properties", {}), f"{prefix}{field}.")
            item = resolved(name, inner.get("items", {}))
            yield from fields(name, item.get("properties", {}), f"{prefix}{field}[].")


def resolved(name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema's entry with what it refers to; its own description stays."""
    if "$ref" not in described:
        return dict(described)
    definition = schema.load(name)["$defs"][described["$ref"].rpartition("/")[2]]
    return {**definition, **described}


def document(name: str) -> str:
    """Return the table of the fields of a document in the store."""
    rows = fields(name, schema.load(name)["properties"])
    return "\n".join(["| field | meaning |", "| --- | --- |", *rows])


def error_kinds() -> str:
    """Return the table of the kinds of a failure."""
    error = schema.load("health")["properties"]["error"]["anyOf"][1]
    kinds = error["properties"]["kind"]["oneOf"]
    rows = [f"| `{kind['const']}` | {kind['description']} |" for kind in kinds]
    return "\n".join(["| kind | meaning |", "| --- | --- |", *rows])


def commands() -> Iterator[str]:
    """Yield the commands that do something: not `config`, which has commands of its own."""
    groups: list[tuple[str, Any]] = [("", get_command(app))]
    for prefix, group in groups:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                groups.append((f"{name} ", command))
            else:
                yield prefix + name


def help_of(command: str) -> str:
    """Return what `watchman COMMAND --help` prints."""
    result = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="watchman", terminal_width=80)
    assert result.exit_code == 0, result.output
    return f"```text\n$ watchman {command} --help\n{result.output.strip()}\n```"


def metrics() -> str:
    """Return the table of the metrics."""
    lines = ["| metric | labels | meaning |", "| --- | --- | --- |"]
    for name, (labels, text) in METRICS.items():
        lines.append(f"| `{name}` | {', '.join(f'`{label}`' for label in labels)} | {text} |")
    return "\n".join(lines)


def api() -> str:
    """Return the API's page for mkdocstrings: each public name, by its kind."""
    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Exceptions": [], "Constants": []}
    for name in watchman_cli.__all__:
        value = getattr(watchman_cli, name)
        if not isinstance(value, type):
            kind = "Functions" if callable(value) else "Constants"
        else:
            kind = "Exceptions" if issubclass(value, Exception) else "Classes"
        kinds[kind].append(f"::: watchman_cli.{name}")
    return "\n\n".join(f"## {kind}\n\n" + "\n\n".join(names) for kind, names in kinds.items() if names)


def blocks() -> dict[str, Callable[[], str]]:
    """Return what makes each generated block, by the name in its mark."""
    config = schema.load("config")
    top, server = config["properties"], config["properties"]["servers"]["items"]
    defaults = top["defaults"]["properties"]
    own = {name: each for name, each in server["properties"].items() if name not in defaults}
    return {
        "config top": lambda: "\n".join(settings(top, config["then"]["required"])),
        "config server": lambda: "\n".join(settings(own, server["required"])),
        "config maintenance": lambda: "\n".join(
            settings(top["maintenance"]["items"]["properties"], top["maintenance"]["items"]["required"])
        ),
        "config deadlines": lambda: "\n".join(
            settings(own["deadlines"]["items"]["properties"], own["deadlines"]["items"]["required"])
        ),
        "config notify": lambda: "\n".join(settings(top["notify"]["properties"], [])),
        "config defaults": lambda: "\n".join(settings(defaults, [])),
        "snapshot fields": lambda: document("snapshot"),
        "health fields": lambda: document("health"),
        "error kinds": error_kinds,
        "changes fields": lambda: document("changes"),
        "event fields": lambda: document("event"),
        "api": api,
        **{f"failures {group}": lambda group=group: rows.table(group) for group in rows.GROUPS},  # type: ignore[misc]
        **{f"runbook {group}": lambda group=group: runbook.render(group) for group in rows.GROUPS},  # type: ignore[misc]
        "metrics": metrics,
        **{f"help {command}": lambda command=command: help_of(command) for command in commands()},  # type: ignore[misc]
    }


def filled(text: str) -> str:
    """Return a page with each of its blocks as the code has it now."""
    made = blocks()
    return BLOCK.sub(lambda block: f"{block[1]}\n{made[block[2]]()}\n\n{block[4]}", text)


def main() -> None:
    """Write all pages, and the pictures of a terminal and of a page."""
    from tests.docs import page_picture, picture

    for page in PAGES:
        text = page.read_text()
        if (new := filled(text)) != text:
            page.write_text(new)
            print(f"written: {page.relative_to(ROOT)}")
    picture.write()
    page_picture.write()


if __name__ == "__main__":
    main()
