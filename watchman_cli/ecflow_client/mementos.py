"""Mementos: what changed of each node, as the server sends it.

A server sends a memento for each thing of a node that changed since the numbers it was given
(libs/node/src/ecflow/node/Memento.hpp, NodeMemento.cpp). Those that concern no state are skipped;
one that moves nodes, or that is not known here, makes a full reading necessary.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .details import DETAILS, Detail
from .errors import FullReadingRequired, NotUnderstood
from .node_state import STATES, parse_duration
from .numbers import natural
from .statistics import SERVER_STATES
from .work import Work

_PATH = re.compile(r"/(?:[\w.-]+(?:/[\w.-]+)*)?", re.ASCII)
_ALIAS = re.compile(r"alias\d+")  # how ecFlow names them (Task::add_alias)
_NAME = re.compile(r"[A-Za-z]{1,60}")
_FIRST = 0x80000000  # the bit of an identifier's first use

# Mementos that concern neither a state nor the tree. Each is known from ecFlow's source up to 5.19.
_PASSED_OVER = frozenset(
    (
        "AliasNumberMemento", "NodeAvisoMemento", "NodeCompleteMemento", "NodeCronMemento",
        "NodeDateMemento", "NodeDayMemento", "NodeDefStatusDeltaMemento", "NodeEventMemento",
        "NodeGenericMemento", "NodeInLimitMemento", "NodeLabelMemento", "NodeLateMemento",
        "NodeLimitMemento", "NodeMeterMemento", "NodeMirrorMemento", "NodeQueueMemento",
        "NodeQueueIndexMemento", "NodeRepeatMemento", "NodeRepeatIndexMemento", "NodeTimeMemento",
        "NodeTodayMemento", "NodeTriggerMemento", "NodeVariableMemento", "NodeVerifyMemento",
        "NodeZombieMemento", "ServerVariableMemento", "SubmittableMemento", "SuiteBeginDeltaMemento",
    )
)  # fmt: skip
_FULL_READING = {
    "OrderMemento": "the order of nodes changed",
    "ChildrenMemento": "nodes were added or removed",
    "AliasChildrenMemento": "aliases were added or removed",
    "SuiteClockMemento": "the clock of a suite changed",  # and with it the calendar, without a memento
}


def by_memento(details: Sequence[Detail]) -> dict[str, list[Detail]]:
    """Return the details by the memento that brings them, which may be the same of several."""
    found: dict[str, list[Detail]] = {}
    for detail in details:
        found.setdefault(detail.memento, []).append(detail)
    return found


_DETAILS = by_memento(DETAILS)


class NodeChange(NamedTuple):
    """The changes of one node; None for a part that did not change.

    `duration` comes with `state`, and says when it changed, in seconds since the suite's calendar began.
    `details` has those that changed, by name, and None as the value of one that was removed.
    """

    path: str
    state: str | None = None
    duration: int | None = None
    suspended: bool | None = None
    details: Mapping[str, Any] = MappingProxyType({})


class Mementos(NamedTuple):
    """What changed of one node, as the server sent it: the type of each memento, and its fields.

    If `cleared`, the node has no attributes but those among them, and those that stay.
    """

    path: str
    cleared: bool
    fields: list[tuple[str, Mapping[str, Any]]]

    @property
    def has_only_calendar(self) -> bool:
        """Whether nothing changed but a suite's calendar, which comes with each change of its nodes."""
        return not self.cleared and all(name == "SuiteCalendarMemento" for name, _ in self.fields)


def read_mementos(compounds: Any, work: Work, *, with_mementos: bool) -> dict[str, Any]:
    """Return the mementos in an answer's `compound_mementos_`, as fields of Changes.

    Raises FullReadingRequired if they are not enough, NotUnderstood or another error if they cannot be
    understood, TooSlow if that takes too long.
    """
    names: dict[int, str] = {}
    nodes: dict[str, dict[str, Any]] = {}
    begin_times: dict[str, str] = {}
    mementos: list[Mementos] = []
    for compound in compounds:
        work.check()
        data = compound["ptr_wrapper"]["data"]
        path = data["absNodePath_"]
        if not _PATH.fullmatch(path):
            raise NotUnderstood("the server's changes contain an invalid node path")
        found = nodes.setdefault(path, {})
        kept = Mementos(path, bool(data.get("clear_attributes_")), [])
        if with_mementos:
            mementos.append(kept)
        for memento in data.get("vec_", ()):
            name = _name(memento, names)
            fields = memento["ptr_wrapper"]["data"]
            if with_mementos:
                kept.fields.append((name, _named(fields, names) if name == "NodeRepeatMemento" else fields))
            for detail in _DETAILS.get(name, ()):
                found.setdefault("details", {})[detail.name] = detail.read_memento(fields)
            if name == "SuiteCalendarMemento":
                begin_times[path[1:]] = begin_time(fields["cal_"])
            else:
                found |= _field(path, name, fields)
        if data.get("clear_attributes_") and "flags" not in found.get("details", {}):
            # A server before 5.12 then leaves the flags out, changed or not (Node::incremental_changes).
            raise FullReadingRequired("attributes were added or removed, and the flags not sent")
    root = nodes.pop("/", {})
    return {
        "state": root.get("state"),
        "server_state": root.get("server_state"),
        "details": root.get("details", {}),
        "nodes": tuple(NodeChange(path, **found) for path, found in nodes.items() if found),
        "begin_times": begin_times,
        "mementos": tuple(mementos),
    }


def _named(fields: Mapping[str, Any], names: dict[int, str]) -> Mapping[str, Any]:
    """Return the fields of a repeat's memento, as a mapping of its type to its own fields.

    The types of repeats are counted with the mementos: a later number may name one that came before.
    """
    repeat = fields["repeat_"]["type_"]
    return {_name(repeat, names): repeat["ptr_wrapper"]["data"]}


def _name(memento: Mapping[str, Any], names: dict[int, str]) -> str:
    """Return a memento's type, which only its first use names."""
    identifier = memento["polymorphic_id"]
    if not 0 < identifier < _FIRST << 1:  # cereal reads 32 bits
        raise NotUnderstood("the server's changes cannot be understood")
    if identifier & _FIRST:
        name = memento["polymorphic_name"]
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise NotUnderstood("the server's changes cannot be understood")
        names[identifier & ~_FIRST] = name
    return names[identifier & ~_FIRST]


def _field(path: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return one memento's change of its node, as fields of a NodeChange."""
    if name == "NodeStateMemento":
        state = STATES[natural(fields["state_"].get("first", 0))]
        if state == "unknown" and _ALIAS.fullmatch(path.rpartition("/")[2]):
            # A full sync shows such an alias as queued, since its text leaves the state out (Alias.cpp).
            raise FullReadingRequired("an alias became unknown")
        duration = fields["state_"].get("second", {}).get("duration", "00:00:00")
        return {"state": state, "duration": parse_duration(duration)}
    if name == "StateMemento" and path == "/":
        return {"state": STATES[natural(fields.get("state_", 0))]}
    if name == "SuspendedMemento":
        suspended = fields.get("suspended_", False)
        if not isinstance(suspended, bool):
            raise TypeError
        return {"suspended": suspended}
    if name == "ServerStateMemento" and path == "/":
        return {"server_state": SERVER_STATES[natural(fields.get("state_", 0))]}
    if name in _FULL_READING:
        raise FullReadingRequired(_FULL_READING[name])
    if name not in _PASSED_OVER and name not in _DETAILS:
        raise FullReadingRequired(f"a change of an unknown kind ({name})")
    return {}


def begin_time(calendar: Mapping[str, Any]) -> str:
    """Return a calendar's start as ecFlow writes it in a definition; initTime_ stands for both if equal."""
    found = calendar.get("initLocalTime_", calendar["initTime_"])
    if isinstance(found, Mapping):
        (found,) = found.values()
    if not isinstance(found, str):
        raise TypeError
    return found
