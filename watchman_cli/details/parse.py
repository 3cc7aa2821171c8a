"""Parse the lines that follow a node's in a definition: each is an attribute, with its state after ` # `.

Sources: libs/attribute/src/ecflow/attribute/*.cpp (`print`, `write`), ../node/*.cpp.
A line that is not understood is Other, and hides none of the node's other lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from watchman_cli.details.attributes import (
    Attribute,
    Calendar,
    Condition,
    Date,
    Day,
    Event,
    InLimit,
    Label,
    Limit,
    Meter,
    Other,
    Part,
    Queue,
    Repeat,
    Time,
    TimeKind,
    Variable,
)

_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')
_PARTS: dict[str, Part] = {"-a": "and", "-o": "or"}


def parse_attribute(line: str) -> Attribute:
    """Return the attribute in a line."""
    keyword, _, rest = line.strip().partition(" ")
    reader = _READERS.get(keyword)
    if reader is not None:
        try:
            return reader(rest)
        except (ValueError, IndexError):
            pass
    return Other(keyword, rest)


def unescaped(text: str) -> str:
    """Return a label's or a variable's text with its line breaks, which are written as two characters."""
    return text.replace("\\n", "\n")


def _split(rest: str) -> tuple[list[str], list[str]]:
    """Return the words before the state, and those of the state."""
    before, _, state = f"{rest} ".partition(" # ")
    return before.split(), state.split()


def _variable(rest: str) -> Variable:
    name, _, text = rest.partition(" ")
    text = text.strip()
    quote = text[0]  # ecFlow writes the other quote if there is one in the value
    value = text[1 : text.rindex(quote)] if text.count(quote) > 1 else text
    return Variable(name, unescaped(value))


def _event(rest: str) -> Event:
    words, state = _split(rest)
    is_set = words[-1:] == ["set"] and len(words) > 1
    words = words[: -1 if is_set else None]
    number = int(words[0]) if words[0].isdecimal() else None
    name = words[-1] if number is None or len(words) > 1 else ""
    if state:
        is_set = state[0] == "set"
    return Event(number, name, is_set)


def _meter(rest: str) -> Meter:
    words, state = _split(rest)
    least, most = int(words[1]), int(words[2])
    threshold = int(words[3]) if len(words) > 3 else most
    return Meter(words[0], least, most, threshold, int(state[0]) if state else least)


def _label(rest: str) -> Label:
    name, _, text = rest.partition(" ")
    first, _, new = text.partition('" # "')
    shown = new if new else first
    return Label(name, unescaped(shown.strip().removeprefix('"').removesuffix('"')))


def _limit(rest: str) -> Limit:
    words, state = _split(rest)
    return Limit(words[0], int(words[1]), int(state[0]) if state else 0, tuple(state[1:]))


def _inlimit(rest: str) -> InLimit:
    words, _ = _split(rest)
    options = [word for word in words if word in ("-n", "-s")]
    words = [word for word in words if word not in options]
    path, _, name = words[0].rpartition(":")
    tokens = int(words[1]) if len(words) > 1 else 1
    return InLimit(path, name, tokens, "-n" in options)


def _condition(kind: Literal["trigger", "complete"], rest: str) -> Condition:
    text, _, state = rest.partition(" # ")
    option, _, others = text.partition(" ")
    part = _PARTS.get(option, "")
    return Condition(kind, part, (others if part else text).strip(), "free" in state.split())


def _repeat(rest: str) -> Repeat:
    kind, _, rest = rest.partition(" ")
    text, _, state = rest.partition(" # ")
    index = state.split()
    if kind == "day":
        return Repeat("day", "", tuple(text.split()), int(index[0]) if index else 0)
    name, _, text = text.strip().partition(" ")
    if kind in ("integer", "date"):
        items = tuple(text.split())
        start = int(items[0])
        step = items[2] if len(items) > 2 else "1"
        items = (items[0], items[1], step)
        return Repeat(kind, name, items, int(index[0]) if index else start)  # type: ignore[arg-type]
    if kind in ("enumerated", "string", "datelist"):
        items = tuple(a or b for a, b in _QUOTED.findall(text))
        return Repeat(kind, name, items, int(index[0]) if index else 0)  # type: ignore[arg-type]
    raise ValueError(kind)


def _queue(rest: str) -> Queue:
    words, state = _split(rest)
    return Queue(words[0], tuple(words[1:]), int(state[0]) if state else 0, tuple(state[1:]))


def _time(kind: TimeKind, rest: str) -> Time:
    text, _, state = rest.partition(" # ")
    words = state.split()

    def value(name: str) -> str:
        return next((word.partition("/")[2] for word in words if word.startswith(f"{name}/")), "")

    return Time(
        kind, text.strip(), "free" in words, "isValid:false" not in words,
        value("nextTimeSlot"), value("relativeDuration"),
    )  # fmt: skip


def _date(rest: str) -> Date:
    words, state = _split(rest)
    day, month, year = (0 if each == "*" else int(each) for each in words[0].split("."))
    return Date(day, month, year, "free" in state)


def _day(rest: str) -> Day:
    words, state = _split(rest)
    date = next((word.removeprefix("date:") for word in state if word.startswith("date:")), "")
    date = "" if date == "not-a-date-time" else date
    return Day(words[0], "free" in state, "expired" in state, date)


def _calendar(rest: str) -> Calendar:
    def value(name: str) -> str:
        match = re.search(rf"\b{name}:(\S+(?: \d\d:\d\d:\d\d)?)", rest)
        return match[1] if match else ""

    return Calendar(value("initTime"), value("suiteTime"), value("duration"))


_READERS: dict[str, Callable[[str], Attribute]] = {
    "edit": _variable,
    "event": _event,
    "meter": _meter,
    "label": _label,
    "limit": _limit,
    "inlimit": _inlimit,
    "trigger": partial(_condition, "trigger"),
    "complete": partial(_condition, "complete"),
    "repeat": _repeat,
    "queue": _queue,
    "time": partial(_time, "time"),
    "today": partial(_time, "today"),
    "cron": partial(_time, "cron"),
    "date": _date,
    "day": _day,
    "calendar": _calendar,
}


def parse_attributes(lines: Sequence[str]) -> list[Attribute]:
    """Return the attributes of a node's lines, in their order."""
    return [parse_attribute(line) for line in lines]
