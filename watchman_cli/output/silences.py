"""Silences as lines of a table, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from watchman_cli.readback import StoredServer
from watchman_cli.silences import Silence, describe
from watchman_cli.text import printable

HEAD = ("server", "path", "until", "who", "because")


def as_document(silence: Silence) -> dict[str, Any]:
    """Return a silence for `silence --list --json`; `from` is null if it has begun."""
    return {
        "server": silence.server,
        "path": silence.path,
        "from": None if silence.start is None else silence.start.isoformat(),
        "until": silence.until.isoformat(),
        "who": silence.who,
        "because": silence.because,
    }


def render(silences: Sequence[Silence]) -> str:
    """Return a table of silences."""
    rows: list[tuple[str, ...]] = [HEAD]
    for each in silences:
        until = _time(each.until) if each.start is None else f"{_time(each.start)} to {_time(each.until)}"
        rows.append(tuple(map(printable, (each.server, each.path, until, each.who, each.because))))
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows
    )


def silences_in_words(stored: StoredServer) -> list[str]:
    """Return the silences of a server that hold, with their paths: until when, by whom and why."""
    active = (each for each in stored.silences if each.is_at(stored.read_time))
    return [describe(each, with_path=True) for each in active if each.concerns(stored.server)]


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M %Z}"
