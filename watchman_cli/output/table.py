"""The rows of `watchman list`: each server's age, counts and health, as a table or for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchman_cli.output.format import format_age, format_counts
from watchman_cli.reader import ServerStatus
from watchman_cli.text import printable

HEAD = ("server", "age", "state", "nodes", "health")


def as_json(status: ServerStatus) -> dict[str, Any]:
    """Return a server's row for `list --json`; `age` is in seconds."""
    snapshot, age = status.snapshot, status.age
    return {
        "server": status.server,
        "collected_time": snapshot.collected_time.isoformat() if snapshot else None,
        "age": None if age is None else round(age, 3),
        "server_state": snapshot.server_state if snapshot else None,
        "counts": snapshot.counts() if snapshot else {},
        "health": printable(status.health_summary),
        "ok": status.health.ok,
        "error": printable(status.error) if status.error else None,
    }


def render(found: Sequence[ServerStatus], colour: bool, width: int | None) -> str:
    """Return the table: with columns as wide as they need, or folded to a terminal of `width` columns."""
    cells = [_cells(status, colour and width is not None) for status in found]
    if width is None:
        widths = [max(len(line[column]) for line in [HEAD, *cells]) for column in range(len(HEAD) - 1)]
        return "\n".join(
            "  ".join(
                [*(text.ljust(size) for text, size in zip(line, widths, strict=False)), line[-1]]
            ).rstrip()
            for line in [HEAD, *cells]
        )
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold" if colour else "", pad_edge=False)
    for title in HEAD:
        table.add_column(title, overflow="fold", no_wrap=title in ("age", "state"))
    for status, (*before, nodes, health) in zip(found, cells, strict=True):
        style = "red" if colour and not status.health.ok else ""
        table.add_row(*before, Text.from_ansi(nodes), Text(health, style=style))
    console = Console(width=width, force_terminal=colour, no_color=not colour, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _cells(status: ServerStatus, colour: bool) -> tuple[str, ...]:
    health = printable(status.health_summary)
    if status.snapshot is None or status.age is None:
        return status.server, "-", "-", printable(status.error or ""), health
    counts = format_counts(status.snapshot.counts(), colour)
    return status.server, format_age(status.age), status.snapshot.server_state or "-", counts, health
