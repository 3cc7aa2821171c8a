"""The server's statistics: which start of which server answers, and its vital signs.

The text is that of Stats::show (libs/base/src/ecflow/base/Stats.cpp). Up to ecFlow 5.15 a line begins
with three blanks, since 5.16 with two, and there lines whose value is zero are left out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

SERVER_STATES = ("HALTED", "SHUTDOWN", "RUNNING")  # SState.hpp, in this order
_INDENTS = ("  ", "   ")
_NUMBER = re.compile(r"[0-9]{1,18}(?![0-9])")
_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?(?![0-9])")
_VERSION = re.compile(r"[^(]*\(([0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4})\)")
# The server's identity is shown and stored, so only text in ecFlow's own form is taken. A time is that of
# boost::posix_time::to_simple_string.
_FORMS = {
    "host": re.compile(r"[!-~]{1,255}"),
    "port": re.compile(r"[0-9]{1,5}"),
    "up since": re.compile(r"[0-9]{4}-[A-Z][a-z]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"),
    "pid": re.compile(r"[0-9]{1,10}"),
}


class Instance(NamedTuple):
    """The identity of one start of a server.

    `up_since` has whole seconds, in UTC (Calendar::second_clock_time); `pid` is None on a server before 5.16.
    """

    version: str
    host: str
    port: str
    up_since: str
    pid: str | None = None


class Statistics(NamedTuple):
    """A server's own statistics.

    `instance` is None if the text could not be understood; `missing` then names the parts that are missing
    or not in ecFlow's form. `server_state` is empty if it was not found. The
    counts are of requests since the server started, or since a client reset them; `plug_count` is of those
    to move nodes, refused ones included.
    """

    instance: Instance | None
    missing: tuple[str, ...]
    server_state: str
    stats_count: int
    group_count: int
    vitals: dict[str, float]
    plug_count: int = 0


# What is kept of the server's own vital signs: the label in lower case, and the unit in its value.
_VITALS = {
    "request's per 1,5,15,30,60 min": "requests_per_second",  # the first of five is of the last minute
    "resident_memory_used": "resident_memory_megabytes",
    "virtual_memory_used": "virtual_memory_megabytes",
}


def parse_statistics(text: str) -> Statistics:
    """Return a server's statistics; parts that are missing are named, never guessed."""
    lines = dict(_lines(text))
    version = _VERSION.match(lines.get("version", ""))
    found = {
        "version": version[1] if version else "",
        **{label: _in_form(label, lines) for label in ("host", "port", "up since")},
    }
    counts = {label: _integer(lines.get(label)) for label in ("stats cmd", "group")}
    missing = tuple(label for label, value in {**found, **counts}.items() if not value)
    instance = None
    if not missing:
        pid = _in_form("pid", lines) or None
        instance = Instance(found["version"], found["host"], found["port"], found["up since"], pid)
    vitals = {name: _number(lines[label]) for label, name in _VITALS.items() if label in lines}
    state = lines.get("status", "")
    state = state if state in SERVER_STATES else ""
    plugs = _integer(lines.get("plug"))  # the line is left out for 0
    return Statistics(instance, missing, state, counts["stats cmd"], counts["group"], vitals, plugs)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line's label, in small letters, and its value, which blanks keep apart."""
    for line in text.split("\n"):
        label, _, value = line.strip(" ").partition("  ")
        if value and line[: line.find(label)] in _INDENTS:
            yield label.lower(), value.strip(" ")


def _in_form(label: str, lines: Mapping[str, str]) -> str:
    """Return a line's value if it has the form that ecFlow gives it, or an empty string."""
    value = lines.get(label, "")
    return value if _FORMS[label].fullmatch(value) else ""


def _number(value: str) -> float:
    """Return the leading number, or 0."""
    match = _DECIMAL.match(value)
    return float(match[0]) if match else 0.0


def _integer(value: str | None) -> int:
    """Return the leading number, or 0."""
    match = _NUMBER.match(value or "")
    return int(match[0]) if match else 0
