"""Client handles: their commands, and what a server lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ecflow_client.replies import member, reply
from watchman_cli.ecflow_client import Handle, NotUnderstood
from watchman_cli.ecflow_client.handles import Drop, ListHandles, Register
from watchman_cli.ecflow_client.replies import decode_reply
from watchman_cli.ecflow_client.requests import Command

NO_HANDLE = {"client_handle_": 0, "drop_user_": "", "suites_": [], "auto_add_new_suites_": False}


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (Register(("m", "s")), {"api_": 0, **NO_HANDLE, "suites_": ["m", "s"]}),
        (Drop(7), {"api_": 1, **NO_HANDLE, "client_handle_": 7}),
        (ListHandles(), {"api_": 6, **NO_HANDLE}),
    ],
)
def test_command_carries_its_fields(command: Command, fields: dict[str, Any]) -> None:
    name, encoded = command.encode()
    assert (name, encoded) == ("ClientHandleCmd", fields)
    assert list(encoded) == list(fields)  # the server's reader needs this order


def test_handles_have_their_users_and_suites() -> None:
    users = [{"first": "fred", "second": [1, 3]}, {"first": "ann", "second": [2]}]
    listed = [
        {"first": number, "second": suites} for number, suites in ((1, ["s", "t"]), (2, []), (9, ["x"]))
    ]
    found = decode_reply(reply(member("SClientHandleSuitesCmd", users_=users, client_handles_=listed)), "u")
    assert found.handles == (Handle(1, "fred", ("s", "t")), Handle(2, "ann", ()), Handle(9, "", ("x",)))


@pytest.mark.parametrize(
    "damaged", [{}, {"users_": None}, {"users_": [], "client_handles_": [{"first": "x"}]}]
)
def test_list_of_something_else_is_not_understood(damaged: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        decode_reply(reply(member("SClientHandleSuitesCmd", **damaged)), "u")
