"""A node's state from the end of its line."""

from __future__ import annotations

import pytest

from watchman_cli.ecflow_client import NodeState, NotUnderstood, node_state
from watchman_cli.ecflow_client.details import Detail
from watchman_cli.ecflow_client.node_state import STATES, details_of, parse_duration, parse_node_state


@pytest.mark.parametrize("state", STATES)
def test_a_state(state: str) -> None:
    assert parse_node_state(f" # state:{state}") == NodeState(state)
    assert parse_node_state(f" # state:{state}").dstate == state


def test_the_parts_of_a_state() -> None:
    found = parse_node_state(" # suspended:1 state:queued dur:00:01:00 flag:late,killed try:3")
    assert found[:3] == ("queued", True, 60)
    assert ("flags", ("killed", "late")) in found.details
    assert found.dstate == "suspended"
    assert parse_node_state(" # suspended:0 state:queued") == NodeState("queued")


def test_a_node_without_a_state_is_unknown() -> None:
    assert parse_node_state("") == NodeState("unknown")


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(NotUnderstood, match=r"^the server's definition has an unknown state$"):
        parse_node_state(" # state:odd")


def test_details_are_those_that_are_kept() -> None:
    assert details_of({"flag": "late,late,novelty", "other": "2"}) == (("flags", ("late",)),)
    assert details_of({"flag": "", "dur": "00:00:01"}) == ()


def test_job_s_id_may_be_a_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is any text, so it is no token of the line."""
    job = Detail("job", "rid", str, "SubmittableMemento", lambda fields: fields["rid_"])
    monkeypatch.setattr(node_state, "DETAILS", (job,))
    monkeypatch.setattr(node_state, "_TOKENS", frozenset(("rid",)))
    found = parse_node_state(" # passwd:x rid:47 11 try:1 state:active flag:late")
    assert found == NodeState("active", details=(("job", "47 11"),))
    assert parse_node_state(" # state:active flag:late") == NodeState("active")


def test_a_reason_that_is_a_megabyte_of_beginnings_is_read_at_once() -> None:
    """In time that grows with its length, not with its square: no other thread could run meanwhile."""
    tail = " # state:aborted abort<:" + "abort<:" * 150_000
    assert parse_node_state(tail + ">abort") == NodeState("aborted")
    with pytest.raises(NotUnderstood):
        parse_node_state(tail)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00", 0),
        ("00:01:02", 62),
        ("1000:00:01.123456", 3_600_001),
        ("-00:00:30", -30),
        ("not-a-date-time", 0),
        ("", 0),
    ],
)
def test_a_duration(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
