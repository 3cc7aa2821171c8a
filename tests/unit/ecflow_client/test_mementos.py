"""Mementos into changes: each kind is used, passed over, or makes a full reading necessary."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ecflow_client.replies import FIRST, delta, member, memento, reply
from watchman_cli.ecflow_client import Changes, FullReadingRequired, Mementos, NodeChange, NotUnderstood
from watchman_cli.ecflow_client import mementos as mementos_module
from watchman_cli.ecflow_client.changes import parse_changes
from watchman_cli.ecflow_client.details import Detail
from watchman_cli.ecflow_client.node_state import STATES
from watchman_cli.ecflow_client.replies import decode_reply
from watchman_cli.ecflow_client.statistics import SERVER_STATES


def changes(path: str, name: str, **fields: Any) -> Changes:
    return parse_changes(delta((path, [memento(name, **fields)])))


@pytest.mark.parametrize("number", range(len(STATES)))
def test_a_state_and_when_it_changed(number: int) -> None:
    state = {"first": number, "second": {"duration": "00:02:00"}}
    found = changes("/s/t", "NodeStateMemento", state_=state)
    assert found.nodes == (NodeChange("/s/t", STATES[number], 120),)
    assert (found.state_change_no, found.modify_change_no) == (8, 3)


def test_keys_with_default_values_may_be_absent() -> None:
    assert changes("/s/t", "NodeStateMemento", state_={}).nodes == (NodeChange("/s/t", "unknown", 0),)
    assert changes("/s/t", "SuspendedMemento").nodes == (NodeChange("/s/t", suspended=False),)
    assert changes("/", "StateMemento").state == "unknown"
    assert changes("/", "ServerStateMemento").server_state == "HALTED"


@pytest.mark.parametrize("number", range(len(SERVER_STATES)))
def test_the_servers_state(number: int) -> None:
    assert changes("/", "ServerStateMemento", state_=number).server_state == SERVER_STATES[number]


@pytest.mark.parametrize("number", range(len(STATES)))
def test_state_of_the_whole_definition(number: int) -> None:
    found = changes("/", "StateMemento", state_=number)
    assert (found.state, found.nodes) == (STATES[number], ())


def test_only_what_the_whole_definition_has_is_taken_of_it() -> None:
    found = changes("/", "NodeStateMemento", state_={"first": 5, "second": {"duration": "00:02:00"}})
    assert (found.state, found.nodes) == ("active", ())
    assert changes("/", "SuspendedMemento", suspended_=True).is_empty


def test_mementos_are_kept_as_they_came_if_they_are_wanted() -> None:
    flags, label = memento("FlagMemento", flag_={}), memento("NodeLabelMemento", label_={"n_": "l"})
    cleared = delta(("/s/t", [flags, label]), clear=True)
    assert parse_changes(cleared).mementos == ()
    (found,) = parse_changes(cleared, with_mementos=True).mementos
    assert found == Mementos("/s/t", True, [flags, label])
    (found,) = parse_changes(delta(("/s/t", [label])), with_mementos=True).mementos
    assert found == Mementos("/s/t", False, [label])


def test_calendar_alone_is_no_change_of_its_suite() -> None:
    calendar, label = memento("SuiteCalendarMemento"), memento("NodeLabelMemento")
    assert Mementos("/s", False, [calendar]).has_only_calendar
    assert not Mementos("/s", True, [calendar]).has_only_calendar
    assert not Mementos("/s", False, [calendar, label]).has_only_calendar


def test_flags_and_suspension_of_one_node_are_one_change() -> None:
    mementos = [memento("SuspendedMemento", suspended_=True), memento("FlagMemento", flag_={"flag_": 128})]
    found = parse_changes(delta(("/s/t", mementos)))
    assert found.nodes == (NodeChange("/s/t", suspended=True, details={"flags": ("late",)}),)


def test_node_without_a_memento_did_not_change() -> None:
    compound = {"ptr_wrapper": {"data": {"absNodePath_": "/s"}}}
    assert parse_changes({"compound_mementos_": [compound]}) == Changes(0, 0, begin_times={})


def test_a_type_is_named_at_its_first_use_only() -> None:
    mementos = [memento("SuspendedMemento", suspended_=True)]
    found = parse_changes(delta(("/s/t", mementos), ("/s/u", mementos)))
    assert [node.path for node in found.nodes] == ["/s/t", "/s/u"]


def test_a_calendar_that_was_started_anew() -> None:
    cal = {"initTime_": {"value0": "2026-Nov-24 00:00:00"}}
    found = changes("/s", "SuiteCalendarMemento", cal_=cal)
    assert found.begin_times == {"s": "2026-Nov-24 00:00:00"}
    found = changes("/s", "SuiteCalendarMemento", cal_=cal | {"initLocalTime_": "2026-Nov-24 01:00:00"})
    assert found.begin_times == {"s": "2026-Nov-24 01:00:00"}


PASSED_OVER = (
    "AliasNumberMemento", "NodeAvisoMemento", "NodeCompleteMemento", "NodeCronMemento", "NodeDateMemento",
    "NodeDayMemento", "NodeDefStatusDeltaMemento", "NodeEventMemento", "NodeGenericMemento",
    "NodeInLimitMemento", "NodeLabelMemento", "NodeLateMemento", "NodeLimitMemento", "NodeMeterMemento",
    "NodeMirrorMemento", "NodeQueueMemento", "NodeQueueIndexMemento", "NodeRepeatMemento",
    "NodeRepeatIndexMemento", "NodeTimeMemento", "NodeTodayMemento", "NodeTriggerMemento",
    "NodeVariableMemento", "NodeVerifyMemento", "NodeZombieMemento", "ServerVariableMemento",
    "SubmittableMemento", "SuiteBeginDeltaMemento",
)  # fmt: skip


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_concerns_no_state_is_passed_over(name: str) -> None:
    state = memento("NodeStateMemento", state_={"first": 1})
    found = parse_changes(delta(("/s/t", [memento(name, state_=3, anything=["x"]), state])))
    (change,) = found.nodes
    assert change[:3] == ("/s/t", "complete", 0) and not any((change.details or {}).values())


REQUIRING = {
    "OrderMemento": "the order of nodes changed",
    "ChildrenMemento": "nodes were added or removed",
    "AliasChildrenMemento": "aliases were added or removed",
    "SuiteClockMemento": "the clock of a suite changed",
    "NoveltyMemento": "a change of an unknown kind (NoveltyMemento)",
    "StateMemento": "a change of an unknown kind (StateMemento)",  # which is known of `/` only
    "ServerStateMemento": "a change of an unknown kind (ServerStateMemento)",
}


@pytest.mark.parametrize("name", REQUIRING)
def test_what_moves_nodes_or_is_unknown_needs_a_full_reading(name: str) -> None:
    with pytest.raises(FullReadingRequired) as raised:
        changes("/s/t", name, state_=1)
    assert str(raised.value) == REQUIRING[name]


def test_an_alias_that_becomes_unknown_needs_a_full_reading() -> None:
    with pytest.raises(FullReadingRequired, match=r"^an alias became unknown$"):
        changes("/s/t/alias0", "NodeStateMemento", state_={"first": 0})
    assert changes("/s/t/alias0", "NodeStateMemento", state_={"first": 1}).nodes


def test_attributes_that_were_cleared_need_the_flags() -> None:
    with pytest.raises(
        FullReadingRequired, match=r"^attributes were added or removed, and the flags not sent$"
    ):
        parse_changes(delta(("/s/t", []), clear=True))
    flags = memento("FlagMemento", flag_={})
    assert parse_changes(delta(("/s/t", [flags]), clear=True)).nodes == (
        NodeChange("/s/t", details={"flags": None}),
    )


DAMAGED: dict[str, Any] = {
    "no path": delta(("no path", [memento("SuspendedMemento")])),
    "a path that is not text": delta((7, [memento("SuspendedMemento")])),  # type: ignore[arg-type]
    "a path of two lines": delta(("/s\n", [memento("SuspendedMemento")])),
    "a path with a quote": delta(('/s","status":"x', [memento("SuspendedMemento")])),
    "a state that is none": delta(("/s", [memento("NodeStateMemento", state_={"first": 6})])),
    "a negative state": delta(("/s", [memento("NodeStateMemento", state_={"first": -1})])),
    "a state as text": delta(("/s", [memento("NodeStateMemento", state_={"first": "1"})])),
    "suspended as text": delta(("/s", [memento("SuspendedMemento", suspended_="false")])),
    "flags as text": delta(("/s", [memento("FlagMemento", flag_={"flag_": "late"})])),
    "a duration that is a number": delta(
        ("/s", [memento("NodeStateMemento", state_={"second": {"duration": 7}})])
    ),
    "a duration of 5,000 digits": delta(
        ("/s", [memento("NodeStateMemento", state_={"second": {"duration": "9" * 5000 + ":00:00"}})])
    ),
    "a type that was not named": {
        "compound_mementos_": [
            {"ptr_wrapper": {"data": {"absNodePath_": "/s", "vec_": [{"polymorphic_id": 3}]}}}
        ]
    },
    **{
        f"the type {number}": {
            "compound_mementos_": [
                {
                    "ptr_wrapper": {
                        "data": {
                            "absNodePath_": "/s",
                            "vec_": [
                                {
                                    "polymorphic_id": number,
                                    "polymorphic_name": "NodeLabelMemento",
                                    "ptr_wrapper": {"data": {}},
                                }
                            ],
                        }
                    }
                }
            ]
        }
        for number in (-1, 1 << 32 | FIRST, 21474483655)
    },
    "a type whose name is a sentence": delta(("/s", [memento("password = secret")])),
    "a calendar of nothing": delta(("/s", [memento("SuiteCalendarMemento", cal_={})])),
}


@pytest.mark.parametrize("what", [what for what in DAMAGED if "5,000" not in what])
def test_what_cannot_be_understood_is_refused(what: str) -> None:
    with pytest.raises(NotUnderstood) as raised:
        parse_changes(DAMAGED[what])
    has_path = "path" in what and "text" not in what
    words = "contain an invalid node path" if has_path else "cannot be understood"
    assert str(raised.value) == f"the server's changes {words}"


@pytest.mark.parametrize("what", DAMAGED)
def test_and_in_a_reply_it_makes_a_full_reading_necessary(what: str) -> None:
    answer = decode_reply(reply(member("SSyncCmd", incremental_changes_=DAMAGED[what])), "u")
    assert answer.changes is None or what == "a duration of 5,000 digits"
    assert answer.required is not None or answer.changes is not None
    if answer.required is not None:
        assert str(answer.required).startswith("the server's changes ")


def test_details_of_one_memento_all_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the memento is one that changes a state."""
    details = (
        Detail("try_no", "try", int, "SubmittableMemento", lambda fields: fields["tryNo_"]),
        Detail("job", "rid", str, "SubmittableMemento", lambda fields: fields["rid_"]),
        Detail("first", "first", int, "NodeStateMemento", lambda fields: fields["state_"]["first"]),
    )
    monkeypatch.setattr(mementos_module, "_DETAILS", mementos_module.by_memento(details))
    mementos = [
        memento("SubmittableMemento", tryNo_=3, rid_="4711"),
        memento("NodeStateMemento", state_={"first": 5, "second": {"duration": "00:02:00"}}),
    ]
    (found,) = parse_changes(delta(("/s/t", mementos))).nodes
    assert found == NodeChange("/s/t", "active", 120, details={"try_no": 3, "job": "4711", "first": 5})
