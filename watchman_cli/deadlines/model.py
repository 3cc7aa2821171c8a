"""A deadline as it is configured, and its state in the present cycle."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Literal, NamedTuple

from watchman_cli.snapshot import MAX_SKEW, parse_time

CycleState = Literal["pending", "met", "missed", "unknown"]
AtStart = Literal["other", "same", "nothing"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = re.compile(r"\S+ (\w+) by \d\d:\d\d .*")  # a deadline in words


class Deadline(NamedTuple):
    """Nodes that must have a status by a time of day; times are minutes since midnight in `zone`.

    `path` is a node's path, or a pattern: `*` stands for a part of one name. A cycle begins at `after` on
    each of the `days`; only a status since then counts.
    """

    path: str
    by: int
    status: str = "complete"
    after: int = 0
    zone: str = "UTC"
    days: tuple[str, ...] = DAYS

    def __str__(self) -> str:
        """Return the deadline in words, which are unique among its server's deadlines."""
        since = f" after {_time(self.after)}" if self.after else ""
        days = f" on {', '.join(self.days)}" if self.days != DAYS else ""
        return f"{self.path} {self.status} by {_time(self.by)} {self.zone}{since}{days}"

    @property
    def tzinfo(self) -> tzinfo:
        """Return its time zone. Raises ValueError if this machine does not know it."""
        if self.zone == "UTC":
            return timezone.utc
        from zoneinfo import ZoneInfo

        try:
            return ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone: {self.zone}") from error


class Matches(NamedTuple):
    """The number of nodes that match a deadline's path, and how many of them have another status."""

    nodes: int
    mismatched: int

    @property
    def all_there(self) -> bool:
        """True if there is a node, and each has the status."""
        return self.nodes > 0 and not self.mismatched


class PastCycle(NamedTuple):
    """A cycle's last state, in case the clock brings it again; the fields are DeadlineState's."""

    due: datetime
    state: CycleState
    at_start: AtStart
    judged: datetime
    reached: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the cycle as the health record has it."""
        return {
            "due": self.due.isoformat(),
            "state": self.state,
            "before": self.at_start,
            "judged": _as_text(self.judged),
            "reached": _as_text(self.reached) if self.reached else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PastCycle:
        """Return a cycle from a valid health record. Raises ValueError if a time is invalid."""
        return cls(
            due=parse_time(value["due"]),
            state=value["state"],
            at_start=value["before"],
            judged=parse_time(value["judged"]),
            reached=parse_time(value["reached"]) if value.get("reached") else None,
        )


class DeadlineState(NamedTuple):
    """A deadline's state in its present cycle; times are in UTC.

    `state` is pending, met, missed, or unknown: the status was reached, but it cannot be proved when.
    `reached` is when the status was first seen. `judged` is when the last snapshot was collected that was
    judged. `at_start` is the nodes' status as the cycle began: `other` if it was another one, in the cycle or
    in the last snapshot before it, `same` if it was already the wanted one, `nothing` if there is no earlier
    snapshot. `misses` counts the missed cycles, and `reported` the misses that were reported on standard
    error.

    The cycle ends at `next_start`, as the next one begins, which is due at `next_due`. `past` has the last
    cycles. `configured` is False if the last run's configuration does not have the deadline.
    """

    deadline: str
    due: datetime
    state: CycleState
    at_start: AtStart
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
        """Return the state as the health record has it."""
        start, due = self.next_cycle
        return {
            "deadline": self.deadline,
            "due": self.due.isoformat(),
            "state": self.state,
            "before": self.at_start,
            "judged": _as_text(self.judged),
            "nodes": self.matches.nodes,
            "others": self.matches.mismatched,
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
        """Return a state from a valid health record. Raises ValueError if a time is invalid."""
        return cls(
            deadline=value["deadline"],
            due=parse_time(value["due"]),
            state=value["state"],
            at_start=value["before"],
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

        If an older version wrote the record, these are unknown, and the state lasts for a day.
        """
        day_later = self.due + timedelta(days=1)
        return self.next_start or day_later, self.next_due or day_later

    def at(self, now: datetime) -> DeadlineState:
        """Return the state at `now`, if no snapshot was judged since.

        A state ends with its cycle. A cycle that is due, without a snapshot since, is unknown. If it was
        judged in the future, it is unknown, too: one of both clocks is wrong.
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
        """The present cycle, for `past`."""
        return PastCycle(self.due, self.state, self.at_start, self.judged, self.reached)

    @property
    def unreported(self) -> bool:
        """True if a miss was not reported on standard error yet."""
        return self.misses > self.reported

    @property
    def why_missed(self) -> str:
        """Why the deadline is missed, by its nodes' present status."""
        nodes, mismatched = self.matches
        words = _WORDS.fullmatch(self.deadline)
        status = words[1] if words else "as required"  # another program may have written the record
        if not nodes:
            return "there is no such node"
        if mismatched:
            return f"{mismatched} of {nodes} nodes are not {status}" if nodes > 1 else f"it is not {status}"
        return f"{'they were' if nodes > 1 else 'it was'} already {status} before the cycle began"


def states_of(values: Iterable[Mapping[str, Any]]) -> list[DeadlineState]:
    """Return the deadlines in a health record, without those that have an invalid time."""
    states = []
    for value in values:
        with suppress(ValueError, OverflowError):
            states.append(DeadlineState.from_json(value))
    return states


def path_of(deadline: str) -> str:
    """Return the path of a deadline in words, which begin with it."""
    return deadline.partition(" ")[0]


def listed(states: Iterable[DeadlineState], names: Collection[str] = ()) -> list[DeadlineState]:
    """Return the states of the deadlines that the last run's configuration has, and of those in `names`."""
    return [state for state in states if state.configured or state.deadline in names]


def unreported(states: Iterable[DeadlineState]) -> list[DeadlineState]:
    """Return the states with a miss that was not reported on standard error yet."""
    return [state for state in states if state.unreported]


def with_all_reported(states: Iterable[DeadlineState]) -> tuple[DeadlineState, ...]:
    """Return the states once each miss is reported on standard error."""
    return tuple(state._replace(reported=state.misses) for state in states)


def new_misses(previous: Iterable[DeadlineState], states: Iterable[DeadlineState]) -> list[DeadlineState]:
    """Return the state of each deadline that was missed since its previous state."""
    misses = {state.deadline: state.misses for state in previous}
    return [state for state in states if state.misses > misses.get(state.deadline, 0)]


def parse_time_of_day(text: str) -> int:
    """Return the minutes since midnight in `HH:MM`."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _as_text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
