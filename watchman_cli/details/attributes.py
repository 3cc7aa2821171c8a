"""A node's attributes: variables, events, meters, labels, limits, conditions, repeats, queues and times."""

from __future__ import annotations

from typing import Literal, NamedTuple, Union

RepeatKind = Literal["integer", "date", "enumerated", "string", "datelist", "day"]
TimeKind = Literal["time", "today", "cron"]
Part = Literal["", "and", "or"]


class Variable(NamedTuple):
    """A variable and its value."""

    name: str
    value: str


class Event(NamedTuple):
    """An event: a number, a name, or both; set or not."""

    number: int | None
    name: str
    is_set: bool

    def is_called(self, name: str) -> bool:
        """Return whether a text names the event: by its name, or by its number."""
        return name == self.name or (name.isdecimal() and self.number == int(name))


class Meter(NamedTuple):
    """A meter, its range, the threshold that its colour changes at, and its value."""

    name: str
    least: int
    most: int
    threshold: int
    value: int


class Label(NamedTuple):
    """A label: its text now."""

    name: str
    text: str


class Limit(NamedTuple):
    """A limit, how much of it is taken, and the paths that hold it."""

    name: str
    most: int
    value: int
    holders: tuple[str, ...]


class InLimit(NamedTuple):
    """A claim on a limit's tokens; `path` is empty if the limit is looked for on the node and above it.

    With `node_only`, the node takes them once for all tasks below it.
    """

    path: str
    name: str
    tokens: int
    node_only: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.name}" if self.path else self.name


class Condition(NamedTuple):
    """A part of a trigger or a complete; several are joined from the left."""

    kind: Literal["trigger", "complete"]
    part: Part
    text: str
    free: bool


class Repeat(NamedTuple):
    """A repeat; `items` are its words, or a range's start, end and step; `position` a value or an index."""

    kind: RepeatKind
    name: str
    items: tuple[str, ...]
    position: int


class Queue(NamedTuple):
    """A queue, the index of its item, and the state of each."""

    name: str
    items: tuple[str, ...]
    position: int
    states: tuple[str, ...]


class Time(NamedTuple):
    """A time, today or cron: when it holds, as it is written, and its state."""

    kind: TimeKind
    text: str
    free: bool
    valid: bool
    next_slot: str  # HH:MM, or empty
    relative: str  # HH:MM:SS of the suite's relative duration, or empty


class Date(NamedTuple):
    """A date; 0 stands for any day, month or year."""

    day: int
    month: int
    year: int
    free: bool


class Day(NamedTuple):
    """A day of the week and the date when it comes next, if that is there."""

    name: str
    free: bool
    expired: bool
    date: str  # 2026-May-08, or empty


class Calendar(NamedTuple):
    """A suite's calendar, as of its last change: times as ecFlow writes them, `2026-May-06 17:20:00`."""

    begin_time: str
    suite_time: str
    duration: str


class Other(NamedTuple):
    """A line of another kind."""

    keyword: str
    text: str


Attribute = Union[
    Variable, Event, Meter, Label, Limit, InLimit, Condition, Repeat, Queue, Time, Date, Day, Calendar, Other
]
