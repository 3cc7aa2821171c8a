"""A definition's text into nodes: nothing that was written there can pass for a line or a state."""

from __future__ import annotations

import pytest

from tests.unit.ecflow_client import replies
from watchman_cli.ecflow_client import Definition, NodeState, NotUnderstood, definition, spanning
from watchman_cli.ecflow_client.definition import parse_definition
from watchman_cli.ecflow_client.details import flags
from watchman_cli.ecflow_client.replies import decode_reply

TREE = (
    "suite s # begun:1 state:active dur:00:00:05",
    "  calendar initTime:2026-Nov-24 00:00:00 suiteTime:2026-Nov-24 00:01:00",
    "  family f # state:active",
    "    task t # state:aborted dur:00:01:02 flag:task_aborted,late",
    "      alias alias0 # state:complete",
    "      endalias",
    "    endtask",
    "    task u # suspended:1 state:complete",
    "  endfamily",
    "  task v",
    "endsuite",
)
NOT_WHOLE = "^the server's definition is not whole$"
PATHS = ["/s", "/s/f", "/s/f/t", "/s/f/t/alias0", "/s/f/u", "/s/v"]


def parse(*lines: str) -> Definition:
    """Return the definition of these lines, as a reply brings them."""
    found = decode_reply(replies.reply(replies.full(replies.definition(*lines))), "u").definition
    assert found is not None
    return found


def with_line(line: str) -> Definition:
    return parse(*TREE[:4], line, *TREE[4:])


def test_the_tree() -> None:
    found = parse(*TREE)
    assert found.paths == PATHS
    assert [state.dstate for state in found.states] == [
        "active", "active", "aborted", "complete", "suspended", "unknown",
    ]  # fmt: skip
    assert (found.state, found.state_change_no, found.modify_change_no) == ("queued", 5, 3)
    assert found.begin_times == {"s": "2026-Nov-24 00:00:00"}
    assert found.states[2] == NodeState("aborted", False, 62, (("flags", ("task_aborted", "late")),))
    assert found.version == "5.9.2"


@pytest.mark.parametrize("line", ["clock real 300", "endclock 400", "endclock +01:00", "endclock"])
def test_a_suites_clock_is_an_attribute(line: str) -> None:
    found = parse(TREE[0], f"  {line}", *TREE[1:])
    assert (found.paths, found.begin_times) == (PATHS, {"s": "2026-Nov-24 00:00:00"})


@pytest.mark.parametrize("password", ["passwd:x", "passwd:x y rid:7", "try:1 passwd:x"])
def test_a_definition_says_whether_a_node_s_line_has_a_password(password: str) -> None:
    lines = ["suite s # state:queued", "  task a # {}state:active", "      alias b # {}state:queued"]
    lines += ["      endalias", "    endtask", '  label l " passwd:x"', "endsuite"]
    assert not parse(*(line.replace("{}", "") for line in lines)).has_passwords
    for number in (1, 2):
        some = [line.replace("{}", f"{password} " if at == number else "") for at, line in enumerate(lines)]
        assert parse(*some).has_passwords


def test_an_alias_without_a_state_is_queued() -> None:
    found = parse("suite s", "  task t", "      alias alias0", "      endalias", "    endtask", "endsuite")
    assert [state.state for state in found.states] == ["unknown", "unknown", "queued"]


def test_two_aliases_of_one_path_are_reported() -> None:
    twice = ("      alias alias0 # state:queued", "      endalias")
    found = parse("suite s", "  task t", *twice, *twice, "    endtask", "endsuite")
    assert found.has_duplicate_paths
    assert not parse(*TREE).has_duplicate_paths


def test_a_definition_says_whether_a_node_is_suspended() -> None:
    lines = ["suite s # state:queued", "  task a # state:active", "  task b # state:queued", "endsuite"]
    assert not parse(*lines).has_suspended
    for number in range(3):
        some = [f"{line} suspended:1" if at == number else line for at, line in enumerate(lines)]
        assert parse(*some).has_suspended


# How ecFlow writes a new line in a value: the two characters backslash and n.
FORGERIES = (
    r"x\n  task forged # state:aborted",
    r"x\nendsuite\nsuite forged # state:aborted\n# enddef",
    r"\\n  task forged",
    r"\\\n  task forged # state:aborted",
    '" task forged # state:aborted',
    "task forged # state:aborted",
    "é € 𝄞 \\u000a task forged # state:aborted",
)


@pytest.mark.parametrize("text", FORGERIES)
@pytest.mark.parametrize(
    "line", ['      label info "%s"', "      edit V '%s'", "      trigger %s", "      %s"]
)
def test_no_attribute_forges_a_node(line: str, text: str) -> None:
    if line.strip() == "%s" and text.startswith("task"):
        return  # that is how a task is written
    found = with_line(line % text)
    assert found.paths == PATHS
    assert found.states == parse(*TREE).states


@pytest.mark.parametrize(
    "reason",
    [
        "state:complete",
        "x>abort state:complete suspended:1 abort<:y",
        "abort<:x state:complete",
        ">abort suspended:1",
        r"x\nendtask\n  task forged",
        " # state:complete flag:killed dur:99:00:00",
    ],
)
def test_no_reason_of_an_abort_forges_a_state(reason: str) -> None:
    found = parse("suite s", f"  task t # state:aborted dur:00:00:01 abort<:{reason}>abort", "endsuite")
    assert found.paths == ["/s", "/s/t"]
    assert found.states[1] == NodeState("aborted", False, 1)


@pytest.mark.parametrize(
    "lines",
    [
        ("suite s", "family f", "endsuite"),
        ("suite s", "endfamily"),
        ("suite s",),
        ("family f", "endfamily"),
        ("suite s", "suite t", "endsuite", "endsuite"),
        ("endsuite",),
        ("task t", "endtask"),
        ("alias a", "endalias"),
        ("suite s", "alias a", "endalias", "endsuite"),
        ("suite s # state:exploded", "endsuite"),
        ("suite s", "endnovelty", "endsuite"),
    ],
)
def test_a_tree_that_is_none_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(NotUnderstood) as raised:
        parse(*lines)
    assert str(raised.value) in MESSAGES


MESSAGES = {
    "the server's definition is not well nested",
    "the server's definition has a suite in the wrong place",
    "the server's definition has an unknown state",
    "the server's definition has an unknown kind of node",
}


@pytest.mark.parametrize(
    "head",
    [
        "defs_state NET state>:exploded state_change:1",
        "defs_state NET state>:queued server_state:MELTED",
        "defs_state NET state>:queued state_change:-1",
        "defs_state NET state>:queued state_change:1e5",
        "defs_state NET state>:queued modify_change:٣",
        "defs_state NET state>:queued state_change:" + "9" * 19,
        "defs_state NET state>:queued state_change:" + "9" * 5000,
        "suite s",
    ],
)
def test_a_head_that_is_none_is_refused(head: str) -> None:
    text = replies.definition("suite s", "endsuite", head=head)
    with pytest.raises(NotUnderstood):
        decode_reply(replies.reply(replies.full(text)), "u")


@pytest.mark.parametrize("cut", [1, 9, 40, 200])
def test_a_definition_that_was_cut_is_refused(cut: int) -> None:
    whole = replies.definition(*TREE)
    assert parse_definition(whole).paths == PATHS
    with pytest.raises(NotUnderstood, match=NOT_WHOLE):
        parse_definition(whole[: -cut - 2])


def test_definition_has_a_version_before_it_and_nothing_behind_it() -> None:
    whole = replies.definition(*TREE)
    assert parse_definition(whole.removesuffix("\n")).paths == PATHS
    for text in (whole + "x", whole.partition("\n")[2], whole.partition("defs_state")[2], "", "# enddef"):
        with pytest.raises(NotUnderstood, match=NOT_WHOLE):
            parse_definition(text)


def test_largest_change_number_is_read() -> None:
    head = f"defs_state NET state>:queued state_change:{'9' * 18} modify_change:1"
    found = parse_definition(replies.definition("suite s", "endsuite", head=head))
    assert (found.state_change_no, found.modify_change_no) == (10**18 - 1, 1)


def test_head_leaves_out_what_is_as_in_a_new_definition() -> None:
    found = parse_definition(replies.definition(head="defs_state NET"))
    assert (found.state, found.server_state) == ("unknown", "RUNNING")
    assert (found.state_change_no, found.modify_change_no) == (0, 0)


def test_words_of_the_head_that_are_not_known_are_passed_over() -> None:
    head = "defs_state NET state>:queued new:a:b state_change:7 other"
    assert parse_definition(replies.definition(head=head)).state_change_no == 7


def test_plain_definition_is_read_without_a_search_for_texts_of_several_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search takes several times as long as the rest."""
    monkeypatch.setattr(spanning, "join_lines", lambda *_: pytest.fail("it was searched"))
    assert parse_definition(replies.definition(*TREE)).paths == PATHS


def test_definition_is_a_sequence_of_nodes() -> None:
    found = parse(*TREE)
    assert (len(found), found[0].path, found[-1].path) == (6, "/s", "/s/v")
    assert [node.path for node in found] == PATHS and [node.path for node in found[1:3]] == PATHS[1:3]
    assert found[2].state == found.states[2]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_where_it_is_cut_into_chunks_makes_no_difference(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replies.definition(*TREE)
    expected = parse_definition(whole)
    monkeypatch.setattr(definition, "CHUNK", size)
    assert parse_definition(whole) == expected


def test_a_line_that_ends_anywhere_at_a_chunks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the new line, two characters, is cut in two; and no text makes it run for ever."""
    monkeypatch.setattr(definition, "CHUNK", 100)
    for size in range(150):
        text = replies.definition("suite s", "  edit V '" + "x" * size + "'", "  task t", "endsuite")
        assert parse_definition(text).paths == ["/s", "/s/t"]


def test_a_definition_without_nodes_is_one() -> None:
    empty = Definition("5.13.8", "unknown", "HALTED", (), 1, 0, [], [], {}, False, False, False)
    assert empty and len(empty) == 0


def test_flags_have_the_bits_of_their_places() -> None:
    for bit, name in enumerate(flags.NAMES):
        shown = (name,) if name in flags.SHOWN else None
        assert flags.read_token(name) == flags.read_memento({"flag_": {"flag_": 1 << bit}}) == shown
    assert flags.read_token("late,late,novelty,message,killed") == ("killed", "late")
    assert flags.read_token("") is flags.read_memento({"flag_": {}}) is None


@pytest.mark.parametrize("blank", ["\t", "\r", "\x0b", "\x1c", "\x85", "\xa0"])
def test_only_a_space_ends_a_token(blank: str) -> None:
    """ecFlow writes spaces between tokens: any other blank is a part of a value."""
    with pytest.raises(NotUnderstood, match="unknown state"):
        parse(f"suite s # state:aborted{blank}dur:00:00:01", "endsuite")
    with pytest.raises(NotUnderstood, match="unknown state"):
        parse_definition(replies.definition(head=f"defs_state NET state>:queued{blank}new:x"))


def test_escapes_are_decoded() -> None:
    head = "defs_state NET state>:queued state_change:5 \\\\n \\u00e9 flag:late"
    text = replies.definition("suite s # state:queued", "endsuite", head=head.replace("\\u00e9", "é"))
    body = replies.reply(replies.full(text)).replace("é".encode(), b"\\u00e9")
    found = decode_reply(body, "u").definition
    assert found and found.paths == ["/s"] and found.details == (("flags", ("late",)),)
