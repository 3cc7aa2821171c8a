"""The commands of a request, and their JSON as cereal writes it.

cereal numbers each type and each object: a type's first use has the high bit set and brings the name,
and `cereal_class_version` stands where a type occurs first. The server's reader wants the keys in this
order (libs/base/src/ecflow/base/cts/user/*.hpp, `serialize`).
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import orjson

_FIRST = 0x80000000  # the bit of an identifier's first use


Encoded = tuple[str, dict[str, Any]]
# CtsCmd::Api and CSyncCmd::Api
_STATS = 10
_SYNC, _SYNC_FULL = 1, 2


class Command(Protocol):
    """A command of a request."""

    def encode(self) -> Encoded:
        """Return the name of ecFlow's type, and its fields in the order that the server requires."""


class Stats:
    """Ask for the server's statistics: its version, its start, and the number of requests since."""

    def encode(self) -> Encoded:
        return "CtsCmd", {"api_": _STATS}


class Sync(NamedTuple):
    """Ask for the changes since these numbers, in all suites or only those of a client handle."""

    state_change_no: int
    modify_change_no: int
    handle: int = 0

    def encode(self) -> Encoded:
        return _sync(_SYNC, self.handle, self.state_change_no, self.modify_change_no)


class FullSync:
    """Ask for the whole definition.

    A client handle has `Sync(0, 0, handle)` instead: a full sync with a handle that was dropped ends an
    ecflow_server 5.9.2 (SIGSEGV).
    """

    def encode(self) -> Encoded:
        return _sync(_SYNC_FULL)


def _sync(api: int, handle: int = 0, state_change_no: int = 0, modify_change_no: int = 0) -> Encoded:
    return "CSyncCmd", {
        "api_": api,
        "client_handle_": handle,
        "client_state_change_no_": state_change_no,
        "client_modify_change_no_": modify_change_no,
    }


class Caller(NamedTuple):
    """The user's name, this host's name, and the password as it is sent, or an empty string.

    `named` says that the user was chosen, and is not the login's: the server then checks another file
    of passwords (ECF_CUSTOM_PASSWD).
    """

    user: str
    host: str
    password: str = ""
    named: bool = False


def encode_request(commands: Sequence[Command], caller: Caller) -> bytes:
    """Return the body of a request that makes these commands one after the other, in one group."""
    user = _user(caller)
    known: dict[str, int] = {}
    members = []
    for number, command in enumerate(commands, start=2):
        name, fields = command.encode()
        first = name not in known
        identifier = known.setdefault(name, len(known) + 2)
        member: dict[str, Any] = {"polymorphic_id": identifier}
        if first:
            member = {"polymorphic_id": _FIRST | identifier, "polymorphic_name": name}
        data = {**({"cereal_class_version": 0} if first else {}), "value0": user, **fields}
        members.append({**member, "ptr_wrapper": {"id": _FIRST | number, "data": data}})
    group = {
        "cereal_class_version": 0,
        "value0": _user(caller, first=True),
        "cmdVec_": members,
        "cli_": False,
    }
    command_ = {
        "polymorphic_id": _FIRST | 1,
        "polymorphic_name": "GroupCTSCmd",
        "ptr_wrapper": {"id": _FIRST | 1, "data": group},
    }
    request = {"21ClientToServerRequest": {"cmd_": command_}}
    try:
        body = orjson.dumps(request)
    except TypeError:  # a login in another encoding, or a number of more than 64 bits
        body = json.dumps(request).encode()
    # A server that reads lines, as HTTP's do, then answers at once, and is known by what it answers.
    return body + b"\n"


def _user(caller: Caller, first: bool = False) -> dict[str, Any]:
    """Return the part that every command has (UserCmd.hpp, ClientToServerCmd.hpp)."""
    version = {"cereal_class_version": 0} if first else {}
    user = {**version, "value0": {**version, "cl_host_": caller.host}, "user_": caller.user}
    if caller.password:
        user["pswd_"] = caller.password
    if caller.named:
        user["cu_"] = True
    return user
