"""From ecFlow's nodes to a snapshot's records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from watchman_cli.ecflow_client import Work
from watchman_cli.snapshot import SINCE_SHOWN, StatusRecord, encode_record, encode_tail

if TYPE_CHECKING:
    from watchman_cli.ecflow_client import Definition, NodeState

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TOGETHER = 1 << 12  # nodes that are encoded at once; more leave the caches


def encode_records(definition: Definition, work: Work) -> tuple[bytes, ...]:
    """Return the records of a definition, with commas between them, in pieces. Raises TooSlow.

    What is done for each node is done by C, over many at once: it costs half of a plain loop.
    """
    root = StatusRecord("/", definition.state).with_details(dict(definition.details))
    details = _Details()
    head, pieces = encode_record(root), []
    for start in range(0, len(definition.paths), TOGETHER):
        work.check("encoded")
        paths = definition.paths[start : start + TOGETHER]
        states = definition.states[start : start + TOGETHER]
        ends = list(map(details.__getitem__, states))
        if not all(ends):
            for number in [number for number, end in enumerate(ends) if not end]:
                record = record_of(paths[number], states[number], definition.begin_times)
                ends[number] = '"' + encode_tail(record).decode()
        parts = [',{"path":"'] * (3 * len(paths))
        parts[1::3], parts[2::3] = paths, ends
        pieces.append(head + "".join(parts).encode())
        head = b""
    return tuple(pieces) or (head,)


class _Details(dict["NodeState", str]):
    """The part of a record after the path; empty if it depends on the suite, too."""

    def __missing__(self, state: NodeState) -> str:
        found = ""
        if state.dstate not in SINCE_SHOWN:
            found = '"' + encode_tail(record_of("", state, {})).decode()
        self[state] = found
        return found


def record_of(path: str, state: NodeState, begin_times: Mapping[str, str]) -> StatusRecord:
    """Return a node's record; `begin_times` has the calendar's start of each suite, as ecFlow writes it."""
    status = state.dstate
    record = StatusRecord(path, status, since_in(path, status, state.duration, begin_times))
    return record.with_details(dict(state.details)) if state.details else record


def since_in(path: str, status: str, duration: int, begin_times: Mapping[str, str]) -> str | None:
    """Return since when a node has a status; or None if it is not shown or the suite has not begun."""
    if status not in SINCE_SHOWN:
        return None
    return since_of(duration, begin_times.get(path.split("/", 2)[1]))  # the definition itself has no calendar


def since_of(duration: int, begin_time: str | None) -> str | None:
    """Return when a state began, in UTC; or None if the suite has not begun or no calendar has that time.

    ecFlow's Node::state_change_time is the calendar's start plus the duration (Node.cpp), in UTC
    (Calendar::second_clock_time).
    """
    text = begin_time or ""
    month, signs = text[5:8], text[4:5] + text[8:9] + text[11:12] + text[14:15] + text[17:18]
    if month not in MONTHS or signs not in ("-- ::", "--T::") or text[12:14] == "24":
        return None  # Python 3.14 takes 24:00 for the next day's beginning, older ones refuse it
    iso = f"{text[:4]}-{MONTHS.index(month) + 1:02}-{text[9:20]}+00:00"
    try:
        return (datetime.fromisoformat(iso) + timedelta(seconds=duration)).isoformat()
    except (ValueError, OverflowError):
        return None


def states_under_suspended(definition: Definition, work: Work) -> dict[str, tuple[str, str | None]]:
    """Return the state under each suspended node, and since when it lasts. Raises TooSlow."""
    if not definition.has_suspended:
        return {}
    begin_times = definition.begin_times
    found = {}
    for start in range(0, len(definition.paths), TOGETHER):
        work.check()
        paths = definition.paths[start : start + TOGETHER]
        states = definition.states[start : start + TOGETHER]
        for path, state in zip(paths, states, strict=True):
            if state.suspended:
                found[path] = state.state, since_in(path, state.state, state.duration, begin_times)
    return found
