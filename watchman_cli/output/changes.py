"""Changes as lines of text, and as lines of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from watchman_cli.changes.batch import RESET
from watchman_cli.follow import Change, DeadlineMissed, Event
from watchman_cli.output.format import colourize
from watchman_cli.text import json_line, printable

ARROW, ASCII_ARROW = "→", "->"


@dataclass(frozen=True)
class Style:
    """How a line of text is written; with `servers`, each line names the server."""

    colour: bool = False
    arrow: str = ARROW
    servers: bool = False


def as_text(event: Event, style: Style) -> str:
    """Return a change as a line: the time, the server, the node, its old and new status, and its flags."""
    beginning = _beginning(event.time, event.server, style)
    if isinstance(event, DeadlineMissed):
        return f"{beginning}  deadline missed: {printable(event.deadline)}"
    if not isinstance(event, Change):
        return printable(f"{beginning}  server  {event.previous} {style.arrow} {event.state}")
    colour = style.colour
    old = colourize(event.previous, event.previous, colour) if event.previous else "(new)"
    new = colourize(event.status, event.status, colour) if event.status else "(gone)"
    moved = event.previous != event.status
    change = f"{old} {style.arrow} {new}" if moved else new
    flags = () if moved and style.servers else event.flags  # so that most lines fit into 80 columns
    return f"{beginning}  {printable(event.path)}  {change}" + "".join(
        f", {printable(flag)}" for flag in flags
    )


def gap_as_text(server: str, time: datetime, reason: str, style: Style) -> str:
    """Return the line for a gap: the changes until then are not known."""
    return f"{_beginning(time, server, style)}  the changes until then are not known: {printable(reason)}"


def as_json(event: Event) -> str:
    """Return a change as an event of CloudEvents 1.0."""
    if isinstance(event, DeadlineMissed):
        missed = {"deadline": event.deadline}
        return _event("watchman.deadline_missed", event.server, event.id, event.time, missed)
    if not isinstance(event, Change):
        state = {"from": event.previous, "to": event.state}
        return _event("watchman.server_state", event.server, event.id, event.time, state)
    values = {"from": event.previous, "to": event.status, "since": event.since}
    known = {name: value for name, value in values.items() if value is not None}
    data: dict[str, object] = {**known, **({"flags": event.flags} if event.flags else {}), **dict(event.more)}
    return _event("watchman.change", event.server, event.id, event.time, data, subject=event.path)


def gap_as_json(server: str, time: datetime, reason: str) -> str:
    """Return the event for a gap: the changes until then are not known."""
    return _event(RESET, server, f"reset/{time.isoformat()}", time, {"reason": reason})


def _event(
    type_: str, source: str, id_: str, time: datetime, data: object, subject: str | None = None
) -> str:
    event = {"specversion": "1.0", "type": type_, "source": source, "id": id_, "time": time}
    return json_line({**event, **({"subject": subject} if subject else {}), "data": data})


def _beginning(time: datetime, server: str, style: Style) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S %Z}" + (f"  {printable(server)}" if style.servers else "")
