"""The server's statistics: which start of which server answers, and its vital signs.

The text is that of Stats::show (libs/base/src/ecflow/base/Stats.cpp). Up to ecFlow 5.15 a line begins
with three blanks, since 5.16 with two, and there lines whose value is zero are left out.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .numbers import is_number

SERVER_STATES = ("HALTED", "SHUTDOWN", "RUNNING")  # SState.hpp, in this order
_INDENTS = (2, 3)
_VERSION = re.compile(r"[^(]*\(([0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4})\)")
# As boost::posix_time::to_simple_string writes it.
_TIME = re.compile(r"[0-9]{4}-[A-Z][a-z]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?")


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
    """Return a server's statistics; parts that are missing are named, never guessed.

    The server's identity is shown and stored, so only text in ecFlow's own form is taken.
    """
    lines = dict(_lines(text))
    version = _VERSION.match(lines.get("version", ""))
    host, port, time, pid = (lines.get(label, "") for label in ("host", "port", "up since", "pid"))
    found = {
        "version": version[1] if version else "",
        "host": host if len(host) < 256 and host.isascii() and host.isprintable() and " " not in host else "",
        "port": port if is_number(port, 5) else "",
        "up since": time if _TIME.fullmatch(time) else "",
    }
    counts = {label: _integer(lines.get(label, "")) for label in ("stats cmd", "group")}
    missing = tuple(label for label, value in {**found, **counts}.items() if not value)
    instance = None
    if not missing:
        process = pid if is_number(pid, 10) else None
        instance = Instance(found["version"], found["host"], found["port"], found["up since"], process)
    vitals = {name: _decimal(lines[label]) for label, name in _VITALS.items() if label in lines}
    state = lines.get("status", "")
    state = state if state in SERVER_STATES else ""
    plugs = _integer(lines.get("plug", ""))  # the line is left out for 0
    return Statistics(instance, missing, state, counts["stats cmd"], counts["group"], vitals, plugs)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line's label, in small letters, and its value, which blanks keep apart."""
    for line in text.split("\n"):
        label, _, value = line.strip(" ").partition("  ")
        if value and line.find(label) in _INDENTS:
            yield label.lower(), value.strip(" ")


def _integer(value: str) -> int:
    """Return the number before the first blank, or 0."""
    number = value.partition(" ")[0]
    return int(number) if is_number(number) else 0


def _decimal(value: str) -> float:
    """Return the number before the first blank, with or without a fraction, or 0."""
    whole, _, fraction = value.partition(" ")[0].partition(".")
    are_numbers = is_number(whole) and is_number(fraction or "0")
    return float(f"{whole}.{fraction or 0}") if are_numbers else 0.0
