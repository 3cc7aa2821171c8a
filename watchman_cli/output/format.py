"""Ages, counts and statuses as text."""

from __future__ import annotations

from collections.abc import Mapping

from watchman_cli.status import NodeStatus

# ecFlow's own colours, as the nearest ones of a terminal's 256
COLOURS = {
    NodeStatus.complete: 226,
    NodeStatus.queued: 117,
    NodeStatus.active: 46,
    NodeStatus.submitted: 44,
    NodeStatus.aborted: 196,
    NodeStatus.suspended: 208,
    NodeStatus.unknown: 245,
}


def colourize(text: str, status: str, colour: bool) -> str:
    """Return `text` in the colour of a status, if `colour` is True."""
    return f"\x1b[38;5;{COLOURS[NodeStatus(status)]}m{text}\x1b[0m" if colour else text


def format_age(seconds: float) -> str:
    """Return an age in its largest unit: 42 s, 3 min, 5 h, 2 d."""
    if seconds < 0:
        return "in the future"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def format_counts(counts: Mapping[str, int], colour: bool) -> str:
    """Return the counts per status, in the order of NodeStatus: `2 aborted, 17 complete`."""
    words = [
        colourize(f"{counts[each.value]} {each.value}", each, colour)
        for each in NodeStatus
        if counts.get(each.value)
    ]
    return ", ".join(words) or "no nodes"
