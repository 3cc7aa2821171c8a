"""A node's state, from the end of its line in a definition's text, after ` # `."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .details import DETAILS
from .errors import NotUnderstood

if TYPE_CHECKING:
    from .raw_texts import Tail

STATES = ("unknown", "complete", "queued", "aborted", "submitted", "active")  # NState.hpp, in this order
SUSPENDED = "suspended"

_DURATION = re.compile(r"(-?)(\d+):(\d\d):(\d\d)")
_TOKENS = frozenset(each.token for each in DETAILS)


class NodeState(NamedTuple):
    """A node's own state, and the details in its line.

    `duration` is when the state last changed, in seconds since the suite's calendar began. `details`
    has a name and a value of each thing that is kept besides, in the order of the names.
    """

    state: str
    suspended: bool = False
    duration: int = 0
    details: tuple[tuple[str, Any], ...] = ()

    @property
    def dstate(self) -> str:
        """The state as ecFlow displays it: `suspended` if the node is suspended."""
        return SUSPENDED if self.suspended else self.state


def parse_node_state(tail: str) -> NodeState:
    """Return the state in the end of a node's line. Raises NotUnderstood if it is unknown.

    An abort's reason and a job's id are anybody's text, and may look like the rest of the line.
    """
    from .raw_texts import split_tail  # takes a millisecond, and changes do not need it

    return state_of_tail(split_tail(tail))


def state_of_tail(tail: "Tail") -> NodeState:
    """Return the state in the parts of a line's end. Raises NotUnderstood if it is unknown."""
    state, suspended, duration = "unknown", False, 0
    details = {name: text for name, text in tail.texts.items() if name in _TOKENS} if tail.text else {}
    for token in tail.tokens.split(" "):
        name, _, value = token.partition(":")
        if name == "state":
            state = value
        elif name == "suspended":
            suspended = value == "1"
        elif name == "dur":
            duration = parse_duration(value)
        elif name in _TOKENS:
            details[name] = value
    if state not in STATES:
        raise NotUnderstood("the server's definition has an unknown state")
    return NodeState(state, suspended, duration, details_of(details) if details else ())


def details_of(tokens: Mapping[str, str]) -> tuple[tuple[str, Any], ...]:
    """Return the details in the tokens of a line."""
    values = ((each.name, each.read_token(tokens[each.token])) for each in DETAILS if each.token in tokens)
    return tuple(sorted((name, value) for name, value in values if value is not None))


def parse_duration(text: str) -> int:
    """Return the seconds in a duration as boost writes it, [-]HH:MM:SS[.ffffff]; or 0."""
    match = _DURATION.match(text)
    if match is None:
        return 0
    sign, hours, minutes, seconds = match.groups()
    found = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return -found if sign else found
