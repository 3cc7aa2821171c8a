"""The lines of a field into nodes, and what changed of them put in."""

from __future__ import annotations

import pytest

from watchman_cli.details.merge import blocks, key_of, node_of, server_of


def test_a_nodes_own_line_begins_a_block() -> None:
    lines = "  family f # state:queued\n    edit V 'task x'\n  task t\n    label l \"a\"\n  task taskx"
    assert [(each.kind, each.name, each.tail, each.lines) for each in blocks(lines)] == [
        ("family", "f", " # state:queued", ["edit V 'task x'"]),
        ("task", "t", "", ['label l "a"']),
        ("task", "taskx", "", []),
    ]
    assert list(blocks("")) == []


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("edit V 'a b' # c'", "edit V"),
        ("event 1 set", "event 1"),
        ("event set", "event set"),
        ("event 1 a # clear", "event 1 a"),
        ("inlimit -n -s /s:l 3 # incremented:1", "inlimit /s:l"),
        ("time +00:10 # free", "time +00:10"),
        ("zombie user:fob::3", "zombie user"),
        ("trigger -a x", "trigger"),
        ("late -s +00:10 # late", "late"),
    ],
)
def test_what_tells_a_line_from_the_others(line: str, key: str) -> None:
    assert key_of(line) == key


def test_a_state_is_put_before_what_the_server_writes_last() -> None:
    (block,) = blocks("task t # alias_no:1 rid:a b abort<:try:9>abort try:1 state:active flag:late rt:5")
    node = node_of("/s/", block, {"state": "complete", "suspended": "1"})
    assert (node.path, node.state, node.suspended, node.flags) == ("/s/t", "complete", True, ("late",))
    assert (node.job_id, node.reason, node.try_number) == ("a b", "try:9", 1)
    assert "alias_no:1" in node.tokens


def test_a_servers_own_variables_give_way_to_those_of_users() -> None:
    own = "edit A '2' # server\nedit B '3' # server"
    lines = f"defs_state NET flag:message server_state:HALTED\nedit A '1'\n{own}"
    found = server_of(lines)
    assert (found.state, found.flags, found.variables) == ("HALTED", ("message",), {"A": "1", "B": "3"})
    assert server_of(lines, {"variables": ""}).variables == {"A": "2", "B": "3"}
