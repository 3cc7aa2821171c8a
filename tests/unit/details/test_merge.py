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


# ------------------------------------------------------------------- a node's lines with what changed


def lines_after(lines: str, changed: dict[str, str]) -> list[str]:
    """Return the lines of a task's attributes with some changes."""
    (block,) = blocks(f"task t\n{lines}")
    return list(node_of("/s/", block, changed).lines)


@pytest.mark.parametrize(
    ("lines", "changed", "after"),
    [
        ("edit A '1'\nedit B '2'", {"edit A": "edit A '3'"}, ["edit A '3'", "edit B '2'"]),
        ("edit A '1'\nedit B '2'", {"edit A": ""}, ["edit B '2'"]),
        ("edit A '1'", {"edit C": "edit C '4'", "edit D": ""}, ["edit A '1'", "edit C '4'"]),
        ("label l \"a\"", {"label l": 'label l "b"', "state": "active"}, ['label l "b"']),
        # A node may have several equal times.
        ("time 10:00\ntime 10:00", {"time 10:00 (2)": "time 10:00 # free"},
         ["time 10:00", "time 10:00 # free"]),
        ("time 10:00\ntime 10:00", {"time 10:00": "time 10:00 # free"}, ["time 10:00 # free", "time 10:00"]),
        # The first part of a trigger stands for all of them.
        ("trigger a\ntrigger -a b", {"trigger": "trigger c"}, ["trigger c"]),
        ("trigger a\ntrigger -a b", {}, ["trigger a", "trigger -a b"]),
        ("complete a\ncomplete -o b\ntrigger c", {"complete": "complete d\ncomplete -a e"},
         ["complete d", "complete -a e", "trigger c"]),
        # Everything is cleared except what stays.
        ("edit A '1'\ndefstatus complete\nlate -c +00:10", {"cleared": "1", "edit B": "edit B '2'"},
         ["defstatus complete", "edit B '2'"]),
        ("edit A '1'", {"cleared": "1"}, []),
        # Only the state at a line's end.
        ("meter m 0 100 100", {"meter m #": "5"}, ["meter m 0 100 100 # 5"]),
        ("meter m 0 100 100 # 5", {"meter m #": "7"}, ["meter m 0 100 100 # 7"]),
        ("meter m 0 100 100 # 5", {"meter m #": ""}, ["meter m 0 100 100"]),
        ("meter m 0 100 100 # 5", {"meter x #": "7"}, ["meter m 0 100 100 # 5"]),
        ("", {"event 1": "event 1", "event 1 #": "set"}, ["event 1 # set"]),
    ],
)  # fmt: skip
def test_lines_after_a_change(lines: str, changed: dict[str, str], after: list[str]) -> None:
    assert lines_after(lines, changed) == after


@pytest.mark.parametrize(
    ("line", "position", "after"),
    [
        ("repeat integer N 1 5", "3", "repeat integer N 1 5 # 3"),
        ("repeat integer N 1 5 # 3", "1", "repeat integer N 1 5"),
        ("repeat date D 20260101 20260131 1", "20260102", "repeat date D 20260101 20260131 1 # 20260102"),
        ("repeat date D 20260101 20260131 1 # 20260102", "20260101", "repeat date D 20260101 20260131 1"),
        ("repeat enumerated E \"a\" \"b\"", "1", "repeat enumerated E \"a\" \"b\" # 1"),
        ("repeat enumerated E \"a\" \"b\" # 1", "0", "repeat enumerated E \"a\" \"b\""),
        ("repeat datetime T 20260101T000000 20260102T000000 01:00:00", "1767229200",
         "repeat datetime T 20260101T000000 20260102T000000 01:00:00 # 20260101T010000"),
        ("repeat datetime T 20260101T000000 20260102T000000 01:00:00", "1767225600",
         "repeat datetime T 20260101T000000 20260102T000000 01:00:00"),
        ('repeat enumerated TOKEN "***"', "1", 'repeat enumerated TOKEN "***"'),
    ],
)  # fmt: skip
def test_position_of_a_repeat(line: str, position: str, after: str) -> None:
    assert lines_after(line, {"repeat #": position}) == [after]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('label l "a b"', "label l"),
        ("meter m 0 100", "meter m"),
        ("limit l 5", "limit l"),
        ("queue q a b", "queue q"),
        ("generic g x", "generic g"),
        ("event 1", "event 1"),
        ("event a set # clear", "event a"),
        ("inlimit l", "inlimit l"),
        ("inlimit -s l 2", "inlimit l"),
        ("inlimit -n", "inlimit -n"),
        ("today -s 0 1 # free", "today -s 0 1"),
        ("cron 10:00 # free", "cron 10:00"),
        ("date 1.*.*", "date 1.*.*"),
        ("day monday # free", "day monday"),
        ("verify complete:2", "verify complete"),
        ("repeat integer N 1 5 # 3", "repeat"),
        ("complete a", "complete"),
        ("autocancel +00:10", "autocancel"),
    ],
)
def test_key_of_each_kind(line: str, key: str) -> None:
    assert key_of(line) == key


@pytest.mark.parametrize(
    ("tail", "changed", "tokens"),
    [
        (" # state:queued", {"state": "active", "dur": "00:05:00"}, "state:active dur:00:05:00"),
        (" # state:queued dur:00:01:00 flag:late", {"flag": ""}, "state:queued dur:00:01:00"),
        ("", {"state": "complete"}, "state:complete dur:00:00:00"),
        (" # begun:1 state:active dur:00:01:00", {"begun": ""}, "state:active dur:00:01:00"),
        (" # try:1 state:active dur:00:01:00 suspended:1", {"suspended": "", "try": "2"},
         "try:2 state:active dur:00:01:00"),
        (" # rid:77 state:active dur:00:01:00", {"rid": "", "state": "queued"}, "state:queued dur:00:01:00"),
        (" # abort<:x y>abort try:1 state:aborted dur:00:01:00", {"abort": "", "try": ""},
         "state:aborted dur:00:01:00"),
        (" # state:aborted dur:00:01:00", {"abort": "killed", "rid": "a b"},
         "rid:a b abort<:killed>abort state:aborted dur:00:01:00"),
        (" # state:active dur:00:01:00 rt:5 c:1", {"try": "3"}, "try:3 state:active dur:00:01:00 rt:5 c:1"),
    ],
)  # fmt: skip
def test_tokens_after_a_change(tail: str, changed: dict[str, str], tokens: str) -> None:
    (block,) = blocks(f"task t{tail}")
    assert node_of("/s/", block, changed).tokens == tokens


def test_unchanged_node_is_as_it_is_stored() -> None:
    (block,) = blocks("task t # state:active rt:5\n  edit A '1'")
    for changed in (None, {}, {"edit B": ""}):
        node = node_of("/s/", block, changed)
        assert (node.path, node.kind, node.tokens, list(node.lines)) == (
            "/s/t", "task", "state:active rt:5", ["edit A '1'"],
        )  # fmt: skip
    (bare,) = blocks("task t #")
    assert node_of("/", bare).tokens == ""


# --------------------------------------------------------------------------------- the server


@pytest.mark.parametrize(
    ("lines", "changed", "state", "flags"),
    [
        ("", None, "RUNNING", ()),
        ("defs_state NET", None, "RUNNING", ()),
        ("defs_state NET server_state:SHUTDOWN flag:late,message", None, "SHUTDOWN", ("late", "message")),
        ("defs_state NET server_state:SHUTDOWN flag:late", {"server_state": "HALTED"}, "HALTED", ("late",)),
        ("defs_state NET server_state:SHUTDOWN flag:late", {"flag": ""}, "SHUTDOWN", ()),
        ("defs_state NET", {"flag": "message"}, "RUNNING", ("message",)),
    ],
)
def test_state_and_flags_of_the_server(
    lines: str, changed: dict[str, str] | None, state: str, flags: tuple[str, ...]
) -> None:
    found = server_of(lines, changed)
    assert (found.state, found.flags, found.variables) == (state, flags, {})


def test_variables_of_users_are_replaced_together() -> None:
    lines = "edit A '1'\nedit B '2'\nedit ECF_HOME '/h' # server\nlabel x \"y\""
    assert server_of(lines).variables == {"ECF_HOME": "/h", "A": "1", "B": "2"}
    changed = {"variables": "edit B '3'\nedit C '4'"}
    assert server_of(lines, changed).variables == {"ECF_HOME": "/h", "B": "3", "C": "4"}
