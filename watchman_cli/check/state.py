"""The four states of a monitoring plugin."""

from __future__ import annotations

import enum
from collections.abc import Iterable


class State(enum.IntEnum):
    """The state that a plugin reports; the value is its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_SEVERITY = (State.OK, State.WARNING, State.UNKNOWN, State.CRITICAL)


def severity(state: State) -> int:
    """Return the rank of a state: the worst has the highest."""
    return _SEVERITY.index(state)


def worst(states: Iterable[State]) -> State:
    """Return the worst state: CRITICAL, then UNKNOWN, then WARNING; OK if there are no states."""
    return max(states, key=severity, default=State.OK)
