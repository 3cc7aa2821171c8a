"""A deadline as it is configured, and what is known of its present cycle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone, tzinfo
from typing import Any, NamedTuple

from watchman_cli.snapshot import parse_time

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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
            raise ValueError(f"no time zone {self.zone} is known") from error


class Matches(NamedTuple):
    """How many nodes a deadline's path is of, and how many of them have another status than it wants."""

    nodes: int
    others: int

    @property
    def all_there(self) -> bool:
        """Whether there is a node, and each has the status."""
        return self.nodes > 0 and not self.others


class DeadlineState(NamedTuple):
    """What is known of a deadline in its present cycle; times are in UTC.

    `state` is pending, met, missed or unknown (it was reached, nobody knows when). `reached` is when the
    status was first seen, `judged` when the last snapshot was collected that this is by. `before` says what
    was seen as the cycle began: `other` where the nodes had another status, in it or in the last snapshot
    before it, `same` where they had this one already, `nothing` where there is no earlier snapshot. `misses`
    counts the cycles that were missed.
    """

    deadline: str
    due: datetime
    state: str
    before: str
    judged: datetime
    matches: Matches
    reached: datetime | None = None
    misses: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in the health record."""
        return {
            "deadline": self.deadline,
            "due": self.due.isoformat(),
            "state": self.state,
            "before": self.before,
            "judged": self.judged.isoformat(timespec="microseconds"),
            "nodes": self.matches.nodes,
            "others": self.matches.others,
            "reached": self.reached.isoformat(timespec="microseconds") if self.reached else None,
            "misses": self.misses,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DeadlineState:
        """Return what stands in a valid health record. Raises ValueError where a time is none."""
        return cls(
            deadline=value["deadline"],
            due=parse_time(value["due"]),
            state=value["state"],
            before=value["before"],
            judged=parse_time(value["judged"]),
            matches=Matches(value["nodes"], value["others"]),
            reached=parse_time(value["reached"]) if value.get("reached") else None,
            misses=value["misses"],
        )

    def state_at(self, now: datetime) -> str:
        """Return the state at `now`: unknown while no snapshot after the due time was judged."""
        return "unknown" if self.state == "pending" and now >= self.due else self.state

    @property
    def why_missed(self) -> str:
        """Say why a deadline is missed, as its nodes are now."""
        nodes, others = self.matches
        if not nodes:
            return "there is no such node"
        if others:
            return f"{others} of {nodes} nodes are not so" if nodes > 1 else "it is not so"
        return "it has been so since before the cycle began"


def states_of(values: Iterable[Mapping[str, Any]]) -> list[DeadlineState]:
    """Return what a health record says of deadlines; those with a time that is none are left out."""
    found = []
    for value in values:
        with suppress(ValueError):
            found.append(DeadlineState.from_json(value))
    return found


def new_misses(before: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> list[DeadlineState]:
    """Return each deadline that was missed between what two health records of a server say of them."""
    misses = {state.deadline: state.misses for state in states_of(before)}
    return [state for state in states_of(now) if state.misses > misses.get(state.deadline, 0)]


def parse_time_of_day(text: str) -> int:
    """Return the minutes since midnight in `HH:MM`."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
