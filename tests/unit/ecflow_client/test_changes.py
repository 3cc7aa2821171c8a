"""Changes: which are none, and what is read of an answer that has no mementos."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ecflow_client.replies import delta, member, memento, reply
from watchman_cli.ecflow_client import Changes, Mementos, NodeChange, NotUnderstood
from watchman_cli.ecflow_client.changes import parse_changes
from watchman_cli.ecflow_client.replies import decode_reply


@pytest.mark.parametrize(
    "parts",
    [
        {"nodes": (NodeChange("/s"),)},
        {"state": "unknown"},
        {"server_state": "HALTED"},
        {"details": {"flags": ()}},
    ],
)
def test_changes_that_are_empty(parts: dict[str, Any]) -> None:
    calendar, mementos = {"s": "2026-Nov-29 00:00:00"}, (Mementos("/s", False, []),)
    assert Changes(1, 1, begin_times=calendar, mementos=mementos).is_empty
    assert not Changes(1, 1, **parts).is_empty


def test_numbers_that_are_absent_are_zero() -> None:
    found = parse_changes({"compound_mementos_": []})
    assert (found.state_change_no, found.modify_change_no, found.nodes) == (0, 0, ())


def test_only_the_numbers_come_if_nothing_changed() -> None:
    assert parse_changes(delta()) == Changes(8, 3)


def test_a_calendar_that_starts_at_another_time() -> None:
    changes = Changes(1, 1, begin_times={"s": "2026-Nov-24 01:00:00"})
    assert changes.has_new_calendar({"s": "2026-Nov-24 00:00:00"})
    assert changes.has_new_calendar({})
    assert not changes.has_new_calendar({"s": "2026-Nov-24 01:00:00", "t": "2026-Nov-24 00:00:00"})


CHANGED = delta(("/s", [memento("SuspendedMemento", suspended_=True)]))
DAMAGED: dict[str, Any] = {
    "a list": [],
    "nothing": {},
    "no mementos, but null": {"compound_mementos_": None},
    "no mementos, but a number": {"compound_mementos_": 0},
    "numbers as text": {**delta(), "server_state_change_no_": "8"},
    "a negative number": {**delta(), "server_state_change_no_": -1},
    "true for a number": {**delta(), "server_modify_change_no_": True},
    "a negative number beside a change": {**CHANGED, "server_modify_change_no_": -1},
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_cannot_be_understood_is_refused(what: str) -> None:
    with pytest.raises(NotUnderstood, match=r"^the server's changes cannot be understood$"):
        parse_changes(DAMAGED[what])


@pytest.mark.parametrize("what", DAMAGED)
def test_and_in_a_reply_it_makes_a_full_reading_necessary(what: str) -> None:
    answer = decode_reply(reply(member("SSyncCmd", incremental_changes_=DAMAGED[what])), "u")
    assert answer.changes is None
    assert str(answer.required) == "the server's changes cannot be understood"
