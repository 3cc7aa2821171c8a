"""The causes of a server that runs know, and the events to deliver; its health record keeps both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from watchman_cli.snapshot import parse_time

Kind = Literal["failing", "halted", "missed", "aborted"]
Receiver = Literal["webhook", "command"]  # that events are delivered to


class Cause(NamedTuple):
    """A problem that needs an operator; `kind` and `name` identify it among the causes of its server.

    `name` is the path of an aborted node, a deadline in words, or the kind. `since` is ISO 8601. `text` says
    more; it is empty for an aborted node.
    """

    kind: Kind
    name: str
    since: str
    text: str = ""

    @property
    def key(self) -> tuple[Kind, str]:
        """The cause's identity among those of its server."""
        return self.kind, self.name

    @property
    def words(self) -> str:
        """The cause in words."""
        return self.text or f"{self.name} {self.kind}"

    @property
    def path(self) -> str | None:
        """The path of the node or of the deadline, or None if the cause is of the server itself."""
        if self.kind == "missed":
            from watchman_cli.deadlines import path_of

            return path_of(self.name)
        return self.name if self.kind == "aborted" else None

    def as_json(self) -> dict[str, Any]:
        """Return the cause as an event has it."""
        return {"kind": self.kind, "cause": self.name, "since": self.since, "text": self.words}


class Known(NamedTuple):
    """A cause that lasts: when a run first saw it, and when it was told; None if it was not told yet."""

    cause: Cause
    seen: str
    told: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the cause as the health record has it."""
        return {**_stored(self.cause), "seen": self.seen, "told": self.told}


class Ended(NamedTuple):
    """A cause that was told, and that a run saw ended at `until`; `seen` is when it was first seen."""

    cause: Cause
    seen: str
    until: str

    def as_json(self) -> dict[str, Any]:
        """Return the cause as the health record has it."""
        return {**_stored(self.cause), "seen": self.seen, "until": self.until}

    def as_event(self) -> dict[str, Any]:
        """Return the cause as an event has it."""
        return {**self.cause.as_json(), "until": self.until}


class Event(NamedTuple):
    """Causes that began and ended at `time`, to be delivered to the receivers in `to`."""

    id: str
    time: str
    began: tuple[Cause, ...]
    ended: tuple[Ended, ...]
    to: tuple[Receiver, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the event as the health record has it."""
        return {
            "id": self.id,
            "time": self.time,
            "began": [_stored(cause) for cause in self.began],
            "ended": [each.as_json() for each in self.ended],
            "to": list(self.to),
        }


class Notices(NamedTuple):
    """A server's causes: those that last, and those that ended lately; and the events to deliver, in order.

    `revision` is that of the snapshot whose nodes were judged, or empty.
    """

    revision: str = ""
    known: tuple[Known, ...] = ()
    ended: tuple[Ended, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def told(self) -> tuple[Known, ...]:
        """The causes that last and were told."""
        return tuple(each for each in self.known if each.told)

    def as_json(self) -> dict[str, Any]:
        """Return the notices as the health record has them."""
        return {
            "revision": self.revision,
            "causes": [each.as_json() for each in self.known],
            "ended": [each.as_json() for each in self.ended],
            "events": [each.as_json() for each in self.events],
        }

    def without(self, delivered: Iterable[tuple[Receiver, str]]) -> Notices:
        """Return the notices after events, each a receiver and an ID, were delivered."""
        done = set(delivered)
        events = []
        for event in self.events:
            to = tuple(receiver for receiver in event.to if (receiver, event.id) not in done)
            if to:
                events.append(event._replace(to=to))
        return self._replace(events=tuple(events))


class Rules(NamedTuple):
    """How causes are told: after they lasted for `hold` seconds, by events for `receivers`.

    A cause that `is_silenced` is not told as long as that lasts.
    """

    hold: float
    receivers: tuple[Receiver, ...] = ()
    is_silenced: Callable[[Cause], bool] = lambda cause: False


def read_notices(value: Mapping[str, Any]) -> Notices | None:
    """Return the notices in a valid health record, or None if one of their times is invalid."""
    notices = Notices(
        value["revision"],
        tuple(Known(_cause(each), each["seen"], each["told"]) for each in value["causes"]),
        tuple(map(_ended, value["ended"])),
        tuple(map(_event, value["events"])),
    )
    try:
        for time in (
            *(each.seen for each in notices.known),
            *(each.until for each in notices.ended),
            *(each.time for each in notices.events),
        ):
            parse_time(time)
    except ValueError:
        return None
    return notices


def _stored(cause: Cause) -> dict[str, Any]:
    return {"kind": cause.kind, "cause": cause.name, "since": cause.since, "text": cause.text}


def _cause(value: Mapping[str, Any]) -> Cause:
    return Cause(value["kind"], value["cause"], value["since"], value["text"])


def _ended(value: Mapping[str, Any]) -> Ended:
    return Ended(_cause(value), value["seen"], value["until"])


def _event(value: Mapping[str, Any]) -> Event:
    return Event(
        value["id"],
        value["time"],
        tuple(map(_cause, value["began"])),
        tuple(map(_ended, value["ended"])),
        tuple(value["to"]),
    )
