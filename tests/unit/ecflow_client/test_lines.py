"""What else stands in a definition and in its changes: it is handed over only if it is wanted."""

from __future__ import annotations

import pytest

from tests.unit.ecflow_client import replies
from watchman_cli.ecflow_client import Definition, TreeUnproved
from watchman_cli.ecflow_client.changes import parse_changes
from watchman_cli.ecflow_client.lines import cut_lines, readable, without_passwords
from watchman_cli.ecflow_client.replies import decode_reply


def parse(*lines: str) -> Definition:
    body = replies.reply(replies.full(replies.definition(*lines)))
    found = decode_reply(body, "u", with_lines=True).definition
    assert found is not None
    return found


def families(*lines: str) -> dict[str, str]:
    """Return the lines of these, by the parent."""
    found = parse(*lines)
    assert found.lines
    return {
        parent: without_passwords(readable("\n".join(pieces)))
        for parent, pieces in found.lines.families.items()
        if pieces
    }


def test_each_node_has_its_own_line_and_those_of_its_attributes() -> None:
    found = parse(
        "edit ECF_HOME '/home' # server",
        "suite s # begun:1",
        "  calendar initTime:2026-Nov-24 00:00:00",
        "  task first",
        "    edit taskless 'task x'",
        "  family f",
        "    edit A 'b'",
        "    task t # state:active",
        "      alias alias0",
        "        edit B 'c'",
        "      endalias",
        "      alias alias1",
        "      endalias",
        "    endtask",
        "    task u",
        "      event 1",
        "    family empty",
        "    endfamily",
        "    task v",
        "      alias alias0",
        "      endalias",
        "    endtask",
        "  endfamily",
        "  task last",
        "endsuite",
        "suite z",
        "endsuite",
    )
    assert found.lines
    lines = {
        name: readable("\n".join(pieces)).split("\n")
        for name, pieces in found.lines.families.items()
        if pieces
    }
    assert {name: [line.strip() for line in each] for name, each in lines.items()} == {
        "/": ["suite s # begun:1", "calendar initTime:2026-Nov-24 00:00:00", "suite z"],
        "/s/": ["task first", "edit taskless 'task x'", "family f", "edit A 'b'", "task last"],
        "/s/f/": ["task t # state:active", "task u", "event 1", "family empty", "task v"],
        "/s/f/t/": ["alias alias0", "edit B 'c'", "alias alias1"],
        "/s/f/v/": ["alias alias0"],
    }
    assert readable(found.lines.server).split("\n")[2:] == ["edit ECF_HOME '/home' # server"]
    assert all(all(pieces) for pieces in found.lines.families.values())
    assert found.lines.text.startswith(found.lines.server) and found.lines.text.endswith("# enddef\n")


def test_nothing_is_cut_that_nobody_wants() -> None:
    found = decode_reply(
        replies.reply(replies.full(replies.definition("suite s", "endsuite"))), "u"
    ).definition
    assert found
    assert found.lines is None


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        (" # passwd:WORD try:1 state:submitted", " # try:1 state:submitted"),
        (" # passwd:WORD rid:17 try:1 state:active", " # rid:17 try:1 state:active"),
        (" # passwd:WORD and more rid:1 7 try:1 state:active", " # rid:1 7 try:1 state:active"),
        (
            " # passwd:A rid:1 abort<:a passwd:b>abort try:2 state:aborted",
            " # rid:1 abort<:a passwd:b>abort try:2 state:aborted",
        ),
        (" # passwd:WORD", " #"),
        (
            " # passwd:WORD rid:1 abort<:no # disk>abort try:2 state:aborted",
            " # rid:1 abort<:no # disk>abort try:2 state:aborted",
        ),
        (
            " # passwd:A rid:1 try:2 abort<:passwd:A rid:1>abort state:aborted",
            " # rid:1 try:2 abort<:passwd:A rid:1>abort state:aborted",
        ),
        (" # abort<:a passwd:b>abort state:aborted",) * 2,
        (" # rid:x passwd:y try:1 state:active",) * 2,
    ],
)
def test_a_jobs_password_is_not_among_them(tail: str, kept: str) -> None:
    found = families("suite s", f"  task t{tail}", "    edit V ' passwd:no'", "  task u", "endsuite")
    assert found["/s/"] == f"  task t{kept}\n    edit V ' passwd:no'\n  task u"


def test_text_of_several_lines_becomes_one() -> None:
    found = families(
        "suite s", "  task t # rid:1\n2 try:1 state:active", "  trigger a ==\n complete", "endsuite"
    )
    assert found["/s/"] == "  task t # rid:1 2 try:1 state:active\n  trigger a ==  complete"


@pytest.mark.parametrize(
    "line",
    [
        '    label l "a \\n b" # "c"',
        "    edit V 'C:\\new \\\\n \"quoted\" a/b'",
        "    edit V 'tab\there \x01 \x7f'",
        "    edit V 'grüße 数'",
    ],
)
def test_a_line_is_as_ecflow_wrote_it(line: str) -> None:
    assert families("suite s", "  task t", line, "endsuite")["/s/"] == f"  task t\n{line}"


def test_text_that_is_not_utf_8_is_latin_1() -> None:
    body = replies.reply(replies.full(replies.definition("suite s", "  edit V 'gr?ße'", "endsuite")))
    broken = bytearray(bytes(body).replace(b"?", b"\xfc"))
    found = decode_reply(broken, "u", with_lines=True).definition
    assert found
    assert found.lines
    assert readable(*found.lines.families["/"]) == "suite s\n  edit V 'grüße'"
    changed = replies.member("SSyncCmd", incremental_changes_=replies.delta(
        ("/s", [replies.memento("NodeVariableMemento", var_={"n_": "V", "v_": "gr?ße"})])
    ))  # fmt: skip
    broken = bytearray(bytes(replies.reply(changed)).replace(b"?", b"\xfc"))
    changes = decode_reply(broken, "u", with_lines=True).changes
    assert changes
    assert changes.mementos[0].fields == [("NodeVariableMemento", {"var_": {"n_": "V", "v_": "grüße"}})]


def test_a_broken_text_of_any_length_is_read() -> None:
    assert readable("\xff" * 100_000) == "\xff" * 100_000


@pytest.mark.parametrize(
    "lines",
    [
        ["suite s", "alias a", "endalias", "endsuite"],
        ["suite s"],
        ["suite s", "endsuite", "endsuite"],
    ],
)
def test_lines_that_are_not_nested_are_refused(lines: list[str]) -> None:
    text = replies.definition(*lines)
    with pytest.raises(TreeUnproved, match=r"^the server's definition is not well nested$"):
        cut_lines(text)


def test_mementos_are_handed_over_if_they_are_wanted() -> None:
    delta = replies.delta(
        ("/s", [replies.memento("SuspendedMemento", suspended_=True)]),
        ("/s/t", [replies.memento("NodeMeterMemento", meter_={"n_": "m"})]),
    )
    assert parse_changes(delta).mementos == ()
    assert [tuple(each) for each in parse_changes(delta, with_mementos=True).mementos] == [
        ("/s", False, [("SuspendedMemento", {"suspended_": True})]),
        ("/s/t", False, [("NodeMeterMemento", {"meter_": {"n_": "m"}})]),
    ]


def test_the_types_of_repeats_are_counted_with_those_of_mementos() -> None:
    def repeat(**identifier: object) -> tuple[str, dict[str, object]]:
        type_ = {**identifier, "ptr_wrapper": {"data": {"start_": 1}}}
        return replies.memento("NodeRepeatMemento", repeat_={"type_": type_})

    first = {"polymorphic_id": replies.FIRST | 50, "polymorphic_name": "RepeatInteger"}
    delta = replies.delta(("/s/t", [repeat(**first)]), ("/s/u", [repeat(polymorphic_id=50)]))
    found = parse_changes(delta, with_mementos=True).mementos
    assert [each.fields[0][1] for each in found] == [{"RepeatInteger": {"start_": 1}}] * 2


def test_a_server_without_suites() -> None:
    assert families() == {}
    assert families("edit A 'b'", "suite s", "endsuite") == {"/": "suite s"}
    found = parse("edit A 'b'")
    assert found.lines
    assert readable(found.lines.server).endswith("edit A 'b'")
