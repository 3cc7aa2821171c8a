"""Requests: what to ask, and the JSON of it as cereal writes it.

cereal numbers each type and each object: a type's first use has the high bit set and brings the name,
and `cereal_class_version` stands where a type occurs first. The server's reader wants the keys in this
order (libs/base/src/ecflow/base/cts/user/*.hpp, `serialize`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Union

_FIRST = 0x80000000  # the bit of an identifier's first use


class Stats:
    """Ask which server this is, since when it runs, and how many requests it has answered."""


class Sync(NamedTuple):
    """Ask for what changed since these numbers, of all suites or of those of a client handle."""

    state_change_no: int
    modify_change_no: int
    handle: int = 0


class FullSync:
    """Ask for the whole definition.

    There is none for a client handle: on ecFlow 5.9.2 one that was dropped ends the server (SIGSEGV).
    """


class Register(NamedTuple):
    """Register a client handle for these suites.

    Where it is a request's first command, and a sync the second, the sync is made with the new handle: the
    server hands it to the second command only (GroupCTSCmd.cpp, `set_client_handle`). That sync may be a full
    one: the handle cannot be gone yet.
    """

    suites: tuple[str, ...]


class Drop(NamedTuple):
    """Give a client handle back."""

    handle: int


class ListHandles:
    """Ask for all client handles, with their users and suites."""


Command = Union[Stats, Sync, FullSync, Register, Drop, ListHandles]

# ClientHandleCmd::Api and CSyncCmd::Api, CtsCmd::Api
_REGISTER, _DROP, _SUITES = 0, 1, 6
_SYNC, _SYNC_FULL = 1, 2
_STATS = 10


class Caller(NamedTuple):
    """Who asks: the user's name, this host's name, and the password as it is sent, if there is one.

    `named` says that the user was chosen and is not the login's own: the server then looks into another
    password file (ECF_CUSTOM_PASSWD).
    """

    user: str
    host: str
    password: str = ""
    named: bool = False


def encode_request(commands: Sequence[Command], caller: Caller) -> bytes:
    """Return the body of a request that makes these commands one after the other, in one group."""
    known: dict[str, int] = {}
    members = []
    for number, command in enumerate(commands, start=2):
        name, fields = _fields(command)
        first = name not in known
        identifier = known.setdefault(name, len(known) + 2)
        member: dict[str, Any] = {"polymorphic_id": identifier}
        if first:
            member = {"polymorphic_id": _FIRST | identifier, "polymorphic_name": name}
        data = {**({"cereal_class_version": 0} if first else {}), "value0": _user(caller), **fields}
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
    # A server that reads lines, as HTTP's do, then answers at once, and is known by what it answers.
    return json.dumps({"21ClientToServerRequest": {"cmd_": command_}}).encode() + b"\n"


def _user(caller: Caller, first: bool = False) -> dict[str, Any]:
    """Return the part that every command has (UserCmd.hpp, ClientToServerCmd.hpp)."""
    version = {"cereal_class_version": 0} if first else {}
    user = {**version, "value0": {**version, "cl_host_": caller.host}, "user_": caller.user}
    if caller.password:
        user["pswd_"] = caller.password
    if caller.named:
        user["cu_"] = True
    return user


def _fields(command: Command) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a command's type, and its own fields."""
    if isinstance(command, Stats):
        return "CtsCmd", {"api_": _STATS}
    if isinstance(command, Sync):
        return "CSyncCmd", {
            "api_": _SYNC,
            "client_handle_": command.handle,
            "client_state_change_no_": command.state_change_no,
            "client_modify_change_no_": command.modify_change_no,
        }
    if isinstance(command, FullSync):
        numbers = dict.fromkeys(("client_handle_", "client_state_change_no_", "client_modify_change_no_"), 0)
        return "CSyncCmd", {"api_": _SYNC_FULL, **numbers}
    api, handle, suites = _SUITES, 0, ()  # type: int, int, tuple[str, ...]
    if isinstance(command, Register):
        api, suites = _REGISTER, command.suites
    elif isinstance(command, Drop):
        api, handle = _DROP, command.handle
    return "ClientHandleCmd", {
        "api_": api,
        "client_handle_": handle,
        "drop_user_": "",
        "suites_": list(suites),
        "auto_add_new_suites_": False,
    }
