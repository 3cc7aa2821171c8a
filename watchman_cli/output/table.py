"""The rows of `watchman list`: each server's state, age and counts, as a table or as JSON."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from watchman_cli.check import Assessment, State, judge, severity
from watchman_cli.output.check import describe, describe_quiet
from watchman_cli.output.format import colourize, format_age, format_counts
from watchman_cli.output.silences import silences_in_words
from watchman_cli.readback import StoredServer
from watchman_cli.status import NodeStatus
from watchman_cli.text import printable

COLOURS = {
    State.OK: 46,
    State.WARNING: 214,
    State.UNKNOWN: 177,
    State.CRITICAL: 196,
}  # of 256
GAP = "  "
ROOM = 36  # columns for the reasons beside a server's name; with fewer they are below the name
LEAST_ROOM = 20  # columns for the reasons below the name, on any terminal
_GLUE = "\u00a0"  # keeps a number and its word together; printable text does not have it
_STATE = re.compile(rf"^(\S* +)({'|'.join(each.name for each in State)})\b", re.M)
_COUNT = re.compile(rf"\d+ (?P<status>{'|'.join(each.value for each in NodeStatus)})")


class Row(NamedTuple):
    """A server's cells in words."""

    server: str
    state: str
    age: str
    why: str
    nodes: str


HEAD = Row("server", "state", "age", "why", "nodes")


def as_json(stored: StoredServer) -> dict[str, Any]:
    """Return a server's row for `list --json`, as schemas/list.schema.json describes it."""
    snapshot, age, assessment = stored.snapshot, stored.age, judge(stored)
    return {
        "server": stored.server,
        "collected_time": snapshot.collected_time.isoformat() if snapshot else None,
        "age": None if age is None else round(age, 3),
        "server_state": snapshot.server_state if snapshot else None,
        "counts": snapshot.counts() if snapshot else {},
        "health": printable(", ".join([stored.health_summary, *silences_in_words(stored)])),
        "ok": stored.health.ok,
        "error": printable(stored.error) if stored.error else None,
        "state": assessment.state.name,
        "reasons": [printable(describe(problem)) for problem in assessment.problems],
        "measures": {each.name: each.value for each in assessment.measures},
    }


def render(servers: Sequence[StoredServer], colour: bool, width: int | None) -> str:
    """Return the table, the worst server first: a line for each, or folded to `width` columns of a terminal.

    Counts and names are not broken.
    """
    judged = sorted(
        (judge(stored) for stored in servers), key=lambda each: severity(each.state), reverse=True
    )
    rows = [_row(each) for each in judged]
    sizes = [max(map(_size, column)) for column in zip(HEAD, *rows, strict=True)]
    lines = _in_columns(rows, sizes)
    if width is not None and sum(sizes) + len(GAP) * (len(sizes) - 1) > width:
        room = width - sum(size + len(GAP) for size in sizes[:3])
        lines = _beside(rows, sizes, room) if room >= ROOM else _below(rows, sizes, width)
    text = "\n".join(line.rstrip() for line in lines)
    return _coloured(text) if colour else text


def _row(assessment: Assessment) -> Row:
    stored = assessment.stored
    words = [*map(describe, assessment.problems), *describe_quiet(assessment)]
    why = ", ".join(map(printable, words or silences_in_words(stored)))
    age = "-" if stored.age is None else format_age(stored.age)
    nodes = "-" if stored.snapshot is None else format_counts(stored.snapshot.counts(), False)
    return Row(printable(stored.server), assessment.state.name, age, why or "-", nodes)


def _in_columns(rows: Sequence[Row], sizes: Sequence[int]) -> Iterator[str]:
    for row in (HEAD, *rows):
        yield GAP.join(map(_padded, row, sizes))


def _beside(rows: Sequence[Row], sizes: Sequence[int], room: int) -> Iterator[str]:
    """Yield lines with the reasons, and then the nodes, beside the name."""
    for row in (HEAD._replace(why="why, and all nodes", nodes="-"), *rows):
        cells = row[:3]
        for line in _folded(row, room):
            yield GAP.join([*map(_padded, cells, sizes), line])
            cells = ("", "", "")


def _below(rows: Sequence[Row], sizes: Sequence[int], width: int) -> Iterator[str]:
    """Yield lines with everything else below the name."""
    room = max(LEAST_ROOM, width - sum(size + len(GAP) for size in sizes[1:3]) - len(GAP))
    for row in (HEAD._replace(why="why, and all nodes", nodes="-"), *rows):
        yield row.server
        cells = row[1:3]
        for line in _folded(row, room):
            yield GAP.join(["", *map(_padded, cells, sizes[1:3]), line])
            cells = ("", "")


def _folded(row: Row, room: int) -> list[str]:
    """Return the reasons, and from a new line on the nodes, in lines of `room` columns."""
    lines = []
    for text in (row.why, row.nodes if row.nodes == "-" else f"nodes: {row.nodes}"):
        glued = re.sub(r"(?<=\d) (?=\w)", _GLUE, text)
        if text != "-":
            lines += textwrap.wrap(glued, room, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines] or ["-"]


def _size(text: str) -> int:
    """Return the number of columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _padded(text: str, size: int) -> str:
    return text + " " * (size - _size(text))


def _coloured(text: str) -> str:
    """Return the table with its states and its counts in colour. A server's name has no blanks."""

    def state(match: re.Match[str]) -> str:
        return f"{match[1]}\x1b[1;38;5;{COLOURS[State[match[2]]]}m{match[2]}\x1b[0m"

    text = _STATE.sub(state, text)
    return _COUNT.sub(lambda match: colourize(match[0], match["status"], True), text)
