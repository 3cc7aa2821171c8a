"""The rows of `watchman list`: what the store holds of each configured server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from watchman_cli import health, snapshot
from watchman_cli.config import Server
from watchman_cli.errors import BadSnapshot
from watchman_cli.output import tree as show
from watchman_cli.store import Store
from watchman_cli.text import printable


@dataclass(frozen=True)
class Row:
    """One server's row; `wrong` says what is wrong with its snapshot, `age` is in seconds."""

    server: str
    collected_time: str | None
    age: float | None
    server_state: str | None
    counts: dict[str, int]
    health: str
    ok: bool
    wrong: str | None


def rows(servers: Sequence[Server], store: Store) -> list[Row]:
    """A row for each server. Raises StoreError."""
    return [_row(server, store) for server in servers]


def _row(server: Server, store: Store) -> Row:
    record = health.stored(store, server.name)
    state = health.decode(record)
    if not state.checked_time:
        told = "never read" if record is None else "its health record is not valid"
    else:
        told = state.told
    wrong, found = None, None
    try:
        status = store.value(server.name, "status")
        found = snapshot.decode(status) if status is not None else None
        wrong = "no snapshot" if found is None else None
    except BadSnapshot as error:
        wrong = printable(f"its snapshot is not valid: {error}")
    told = printable(told)
    if found is None:
        return Row(server.name, None, None, None, {}, told, state.ok, wrong)
    age = (datetime.now(timezone.utc) - found.collected_time).total_seconds()
    time = found.collected_time.isoformat()
    return Row(server.name, time, round(age, 3), found.server_state, found.counts(), told, state.ok, None)


def as_json(row: Row) -> dict[str, Any]:
    """A row for `list --json`."""
    return asdict(row)


def print_table(found: Sequence[Row], colour: bool, terminal: bool) -> None:
    """Print the rows: in columns as wide as they need, or as the terminal allows."""
    head = ("server", "age", "state", "nodes", "health")
    cells = [head] + [
        (
            row.server,
            "-" if row.age is None else show.age(row.age),
            row.server_state or "-",
            row.wrong or show.counts(row.counts, False),
            row.health,
        )
        for row in found
    ]
    if not terminal:
        widths = [max(len(line[column]) for line in cells) for column in range(4)]
        for line in cells:
            padded = [text.ljust(width) for text, width in zip(line, widths, strict=False)]
            print("  ".join([*padded, line[4]]).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold" if colour else "", pad_edge=False)
    for title in head:
        table.add_column(title, overflow="fold", no_wrap=title in ("age", "state"))
    for row, line in zip(found, cells[1:], strict=False):
        nodes = Text(row.wrong) if row.wrong else Text.from_ansi(show.counts(row.counts, colour))
        told = Text(row.health, style=("" if row.ok else "red") if colour else "")
        table.add_row(line[0], line[1], line[2], nodes, told)
    Console(no_color=not colour, highlight=False).print(table)
