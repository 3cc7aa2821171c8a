"""What changed on a server since the numbers that it was given."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import NotUnderstood
from .numbers import natural
from .work import UNBOUNDED, Work

if TYPE_CHECKING:
    from .mementos import Mementos, NodeChange

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Changes(NamedTuple):
    """The changes since the given numbers, and the present numbers.

    `state` is that of the whole definition (`/`); it and `server_state` are None if unchanged.
    `begin_times` has the calendar starts that changed, by suite, as ecFlow writes them.
    `mementos` has all of it, in the server's order, if that is wanted.
    """

    state_change_no: int
    modify_change_no: int
    nodes: "tuple[NodeChange, ...]" = ()
    state: str | None = None
    server_state: str | None = None
    details: Mapping[str, Any] = NOTHING
    begin_times: Mapping[str, str] = NOTHING
    mementos: "Sequence[Mementos]" = ()

    @property
    def is_empty(self) -> bool:
        """Whether the status and the details of every node, and the server's state, are as before."""
        return not (self.nodes or self.details) and self.state is None and self.server_state is None

    def has_new_calendar(self, begin_times: Mapping[str, str]) -> bool:
        """Return whether a suite's calendar starts at another time than in `begin_times`."""
        return any(begin_times.get(suite) != start for suite, start in self.begin_times.items())


def parse_changes(delta: Any, work: Work = UNBOUNDED, *, with_mementos: bool = False) -> Changes:
    """Return the changes in an answer's `incremental_changes_`.

    Raises FullReadingRequired if they are not enough, NotUnderstood if they cannot be understood,
    TooSlow if that takes too long.
    """
    try:
        numbers = (
            natural(delta.get("server_state_change_no_", 0)),
            natural(delta.get("server_modify_change_no_", 0)),
        )
        compounds = delta["compound_mementos_"]
        if compounds == []:
            return Changes(*numbers)
        from .mementos import read_mementos  # takes a millisecond, and nothing changed in most runs

        return Changes(*numbers, **read_mementos(compounds, work, with_mementos=with_mementos))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise NotUnderstood("the server's changes cannot be understood") from error
