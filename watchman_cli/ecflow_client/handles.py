"""Client handles: a server keeps one for a client that reads only some suites, until the client drops it.

Most requests need none of this, and do not import it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .requests import Encoded

_REGISTER, _DROP, _SUITES = 0, 1, 6  # ClientHandleCmd::Api


class Register(NamedTuple):
    """Register a client handle for these suites.

    If it is a request's first command and a sync the second, the sync is made with the new handle: the server
    hands it to the second command only (GroupCTSCmd.cpp, `set_client_handle`). That sync may be a full one:
    the new handle exists.
    """

    suites: tuple[str, ...]

    def encode(self) -> "Encoded":
        return _command(_REGISTER, suites=self.suites)


class Drop(NamedTuple):
    """Drop a client handle."""

    handle: int

    def encode(self) -> "Encoded":
        return _command(_DROP, self.handle)


class ListHandles:
    """Ask for all client handles, with their users and suites."""

    def encode(self) -> "Encoded":
        return _command(_SUITES)


def _command(api: int, handle: int = 0, suites: Sequence[str] = ()) -> "Encoded":
    return "ClientHandleCmd", {
        "api_": api,
        "client_handle_": handle,
        "drop_user_": "",
        "suites_": list(suites),
        "auto_add_new_suites_": False,
    }


class Handle(NamedTuple):
    """A client handle on a server: its number, its user, and the suites that it is for."""

    number: int
    user: str
    suites: tuple[str, ...]


def read_handles(data: Mapping[str, Any]) -> tuple[Handle, ...]:
    """Return the handles that a server lists.

    Raises KeyError, TypeError, ValueError or AttributeError if it lists something else.
    """
    users = {int(handle): str(of["first"]) for of in data["users_"] for handle in of["second"]}
    listed = ((int(each["first"]), each["second"]) for each in data["client_handles_"])
    return tuple(Handle(n, users.get(n, ""), tuple(map(str, suites))) for n, suites in listed)
