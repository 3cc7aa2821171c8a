"""Requests: each command's type and fields, and the numbers by which cereal knows them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchman_cli.ecflow_client import FullSync, Stats, Sync
from watchman_cli.ecflow_client.requests import Caller, Command, encode_request

FIRST = 0x80000000
NO_SYNC = {"client_handle_": 0, "client_state_change_no_": 0, "client_modify_change_no_": 0}


@pytest.mark.parametrize(
    ("command", "name", "fields"),
    [
        (Stats(), "CtsCmd", {"api_": 10}),
        (FullSync(), "CSyncCmd", {"api_": 2, **NO_SYNC}),
        (
            Sync(5, 3, 7),
            "CSyncCmd",
            {
                "api_": 1,
                "client_handle_": 7,
                "client_state_change_no_": 5,
                "client_modify_change_no_": 3,
            },
        ),
    ],
)
def test_command_carries_its_fields(command: Command, name: str, fields: dict[str, Any]) -> None:
    encoded = command.encode()
    assert encoded == (name, fields)
    assert list(encoded[1]) == list(fields)  # the server's reader needs this order


def test_group_as_cereal_writes_it() -> None:
    body = encode_request([Stats(), Sync(1, 2), Sync(3, 4)], Caller("fred", "h"))
    assert body.endswith(b"\n")
    command = json.loads(body)["21ClientToServerRequest"]["cmd_"]
    assert (command["polymorphic_id"], command["polymorphic_name"]) == (FIRST | 1, "GroupCTSCmd")
    assert command["ptr_wrapper"]["id"] == FIRST | 1
    group = command["ptr_wrapper"]["data"]
    assert list(group) == ["cereal_class_version", "value0", "cmdVec_", "cli_"]
    assert (group["cereal_class_version"], group["cli_"]) == (0, False)
    assert group["value0"] == {
        "cereal_class_version": 0,
        "value0": {"cereal_class_version": 0, "cl_host_": "h"},
        "user_": "fred",
    }
    stats, first, second = group["cmdVec_"]
    assert (stats["polymorphic_id"], stats["polymorphic_name"]) == (FIRST | 2, "CtsCmd")
    assert (first["polymorphic_id"], first["polymorphic_name"]) == (FIRST | 3, "CSyncCmd")
    assert second["polymorphic_id"] == 3 and "polymorphic_name" not in second
    assert [each["ptr_wrapper"]["id"] for each in (stats, first, second)] == [FIRST | n for n in (2, 3, 4)]
    user = {"value0": {"cl_host_": "h"}, "user_": "fred"}
    assert stats["ptr_wrapper"]["data"] == {"cereal_class_version": 0, "value0": user, "api_": 10}
    assert next(iter(first["ptr_wrapper"]["data"])) == "cereal_class_version"
    assert "cereal_class_version" not in second["ptr_wrapper"]["data"]


@pytest.mark.parametrize("user", ["fred", "frédéric", "fr\udce9d"])
@pytest.mark.parametrize("number", [1, 1 << 70])
def test_any_user_and_number_are_sent(user: str, number: int) -> None:
    document = json.loads(encode_request([Sync(number, 2)], Caller(user, "h")))
    group = document["21ClientToServerRequest"]["cmd_"]["ptr_wrapper"]["data"]
    data = group["cmdVec_"][0]["ptr_wrapper"]["data"]
    assert (group["value0"]["user_"], data["client_state_change_no_"]) == (user, number)


def test_password_and_a_named_user() -> None:
    def user(caller: Caller) -> dict[str, Any]:
        document = json.loads(encode_request([Stats()], caller))
        found = document["21ClientToServerRequest"]["cmd_"]["ptr_wrapper"]["data"]["cmdVec_"][0]
        value: dict[str, Any] = found["ptr_wrapper"]["data"]["value0"]
        return value

    assert user(Caller("fred", "h", "pw", named=True)) == {
        "value0": {"cl_host_": "h"}, "user_": "fred", "pswd_": "pw", "cu_": True,
    }  # fmt: skip
    assert user(Caller("fred", "h", named=True))["cu_"] is True
    assert set(user(Caller("fred", "h", "pw"))) == {"value0", "user_", "pswd_"}
