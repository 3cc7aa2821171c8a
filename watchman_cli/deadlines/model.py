"""A deadline as it is configured, and what is known of its present cycle."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, NamedTuple

from watchman_cli.snapshot import MAX_SKEW, parse_time

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = re.compile(r"\S+ (\w+) by \d\d:\d\d .*")  # a deadline in words


class Deadline(NamedTuple):
    """Nodes that must have a status by a time of day; times are minutes since midnight in `zone`.

    `path` is that of one node, or a pattern, in which `*` stands for a part of one name. It counts what
    happens since `after`, on these `days`, which are those on which a cycle begins.
    """

    path: str
    by: int
    status: str = "complete"
    after: int = 0
    zone: str = "UTC"
    days: tuple[str, ...] = DAYS

    def __str__(self) -> str:
        """Return it in words, which no other deadline of its server has."""
        since = f" after {_time(self.after)}" if self.after else ""
        days = f" on {', '.join(self.days)}" if self.days != DAYS else ""
        return f"{self.path} {self.status} by {_time(self.by)} {self.zone}{since}{days}"

    @property
    def tzinfo(self) -> tzinfo:
        """Return its zone. Raises ValueError where this machine does not know it."""
        if self.zone == "UTC":
            return timezone.utc
        from zoneinfo import ZoneInfo

        try:
            return ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone: {self.zone}") from error


class Matches(NamedTuple):
    """How many nodes a deadline's path is of, and how many of them have another status than it wants."""

    nodes: int
    others: int

    @property
    def all_there(self) -> bool:
        """Whether there is a node, and each has the status."""
        return self.nodes > 0 and not self.others


class PastCycle(NamedTuple):
    """What was known of a cycle as it was left, if the clock brings it again; as in a DeadlineState."""

    due: datetime
    state: str
    before: str
    judged: datetime
    reached: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in the health record."""
        return {
            "due": self.due.isoformat(),
            "state": self.state,
            "before": self.before,
            "judged": _as_text(self.judged),
            "reached": _as_text(self.reached) if self.reached else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PastCycle:
        """Return a cycle of a valid health record. Raises ValueError if a time is invalid."""
        return cls(
            due=parse_time(value["due"]),
            state=value["state"],
            before=value["before"],
            judged=parse_time(value["judged"]),
            reached=parse_time(value["reached"]) if value.get("reached") else None,
        )


class DeadlineState(NamedTuple):
    """What is known of a deadline in its present cycle; times are in UTC.

    `state` is pending, met, missed or unknown (it was reached, nobody knows when). `reached` is when the
    status was first seen, `judged` when the last snapshot was collected that this is by. `before` says what
    was seen as the cycle began: `other` where the nodes had another status, in it or in the last snapshot
    before it, `same` where they had this one already, `nothing` where there is no earlier snapshot. `misses`
    counts the cycles that were missed, and `reported` how many of them standard error was told of.

    The cycle ends at `next_start`, as the next one begins, which is due at `next_due`. `past` has the last
    cycles that were left. `configured` is False if the last run's configuration does not have the deadline.
    """

    deadline: str
    due: datetime
    state: str
    before: str
    judged: datetime
    matches: Matches
    reached: datetime | None = None
    misses: int = 0
    reported: int = 0
    next_start: datetime | None = None
    next_due: datetime | None = None
    past: tuple[PastCycle, ...] = ()
    configured: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in the health record."""
        start, due = self.next_cycle
        return {
            "deadline": self.deadline,
            "due": self.due.isoformat(),
            "state": self.state,
            "before": self.before,
            "judged": _as_text(self.judged),
            "nodes": self.matches.nodes,
            "others": self.matches.others,
            "reached": _as_text(self.reached) if self.reached else None,
            "misses": self.misses,
            "reported": self.reported,
            "next_start": start.isoformat(),
            "next_due": due.isoformat(),
            "past": [each.as_json() for each in self.past],
            "configured": self.configured,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DeadlineState:
        """Return a state of a valid health record. Raises ValueError if a time is invalid."""
        return cls(
            deadline=value["deadline"],
            due=parse_time(value["due"]),
            state=value["state"],
            before=value["before"],
            judged=parse_time(value["judged"]),
            matches=Matches(value["nodes"], value["others"]),
            reached=parse_time(value["reached"]) if value.get("reached") else None,
            misses=value["misses"],
            reported=value.get("reported", value["misses"]),
            next_start=parse_time(value["next_start"]) if "next_start" in value else None,
            next_due=parse_time(value["next_due"]) if "next_due" in value else None,
            past=tuple(PastCycle.from_json(each) for each in value.get("past", ())),
            configured=value.get("configured", True),
        )

    @property
    def next_cycle(self) -> tuple[datetime, datetime]:
        """When the next cycle begins, and when it is due.

        A record of an older version does not say it: its state counts for a day.
        """
        day_later = self.due + timedelta(days=1)
        return self.next_start or day_later, self.next_due or day_later

    def at(self, now: datetime) -> DeadlineState:
        """Return what is known at `now`, if no snapshot was judged since.

        A state ends with its cycle. A cycle that is due without a snapshot since then is unknown, and so is
        one that was judged in the future: one of both clocks is wrong.
        """
        if self.judged > now + MAX_SKEW:
            return self._replace(state="unknown")
        start, due = self.next_cycle
        if now >= due:
            return self._replace(state="unknown", due=due, reached=None)
        if self.state == "pending":
            return self._replace(state="unknown") if now >= self.due else self
        if now >= start:
            return self._replace(state="pending", due=due, next_start=due, reached=None)
        return self

    @property
    def as_past(self) -> PastCycle:
        """The present cycle, as it is kept once it is left."""
        return PastCycle(self.due, self.state, self.before, self.judged, self.reached)

    @property
    def unreported(self) -> bool:
        """Whether standard error was not told of a miss yet."""
        return self.misses > self.reported

    @property
    def why_missed(self) -> str:
        """Why the deadline is missed, by its nodes' present status."""
        nodes, others = self.matches
        words = _WORDS.fullmatch(self.deadline)
        status = words[1] if words else "as required"  # another program may have written the record
        if not nodes:
            return "there is no such node"
        if others:
            return f"{others} of {nodes} nodes are not {status}" if nodes > 1 else f"it is not {status}"
        return f"{'they were' if nodes > 1 else 'it was'} already {status} before the cycle began"


def states_of(values: Iterable[Mapping[str, Any]]) -> list[DeadlineState]:
    """Return what a health record says of deadlines; those with a time that is none are left out."""
    found = []
    for value in values:
        with suppress(ValueError, OverflowError):
            found.append(DeadlineState.from_json(value))
    return found


def listed(values: Iterable[Mapping[str, Any]], names: Collection[str] = ()) -> list[DeadlineState]:
    """Return the deadlines of a health record that the last run's configuration has, and those in `names`."""
    return [state for state in states_of(values) if state.configured or state.deadline in names]


def unreported(values: Iterable[Mapping[str, Any]]) -> list[DeadlineState]:
    """Return the deadlines of a health record with a miss that standard error was not told of."""
    return [state for state in states_of(values) if state.unreported]


def with_all_reported(values: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the deadlines of a health record once standard error was told of each miss."""
    return [state._replace(reported=state.misses).as_json() for state in states_of(values)]


def new_misses(before: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> list[DeadlineState]:
    """Return each deadline that was missed between what two health records of a server say of them."""
    misses = {state.deadline: state.misses for state in states_of(before)}
    return [state for state in states_of(now) if state.misses > misses.get(state.deadline, 0)]


def parse_time_of_day(text: str) -> int:
    """Return the minutes since midnight in `HH:MM`."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _as_text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
