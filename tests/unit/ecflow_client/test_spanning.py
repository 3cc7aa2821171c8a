"""Texts of several lines in a definition: they change no node's state, name or place, or are refused."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.unit.ecflow_client import replies
from watchman_cli.ecflow_client import Definition, NodeState, definition
from watchman_cli.ecflow_client.errors import NotUnderstood, TreeUnproved
from watchman_cli.ecflow_client.node_state import parse_node_state
from watchman_cli.ecflow_client.replies import decode_reply
from watchman_cli.ecflow_client.spanning import join_lines

BEHIND = "try:1 state:active dur:00:00:05"
ACTIVE = NodeState("active", False, 5)


def parse(*lines: str) -> Definition:
    """Return the definition of these lines, as a reply brings them."""
    found = decode_reply(replies.reply(replies.full(replies.definition(*lines))), "u").definition
    assert found is not None
    return found


def with_id(rid: str, *attributes: str, behind: str = BEHIND) -> Definition:
    """Return the definition of a task that has a job's id, as ecFlow writes it, between others."""
    return parse(
        "suite s # begun:1 state:active",
        "calendar initTime:2026-Nov-24 00:00:00",
        "family f # state:active",
        "task before # passwd:x rid:7 try:1 state:aborted flag:late",
        f"task t # passwd:abc rid:{rid} {behind}",
        *attributes,
        "task after # state:queued",
        "endfamily",
        "task last # state:complete",
        "endsuite",
    )


def without_details(state: NodeState) -> NodeState:
    """Return a state alone: which details are kept of a node is not the subject here."""
    return state._replace(details=())


def with_trigger(text: str, *, keyword: str = "trigger", last: bool = False) -> Definition:
    """Return the definition of a task that has an expression, between others."""
    return parse(
        "suite s # state:queued",
        "family f # state:queued",
        "task a # state:complete",
        "task t # state:queued",
        f"{keyword} {text}",
        *(() if last else ("edit V 'x'", "task after # state:queued")),
        "endfamily",
        "task last # state:complete",
        "endsuite",
    )


IDS = (
    "Submitted batch job 4711\nsbatch: partition ok",
    "4711.pbs\nqsub: waiting for the job",
    "12\nendsuite",
    "12\nendfamily",
    "12\nendfamily\n",
    "12\nendtask\nendsuite\n\n",
    "12\ntask forged",
    "12\ntask forged # state:aborted\n",
    "12\ntask forged # state:aborted\nx",
    "12\nsuite forged # state:aborted\nx",
    "12\nalias alias0\nx",
    "12\n# enddef",
    "12\n# enddef\n",
    "12\ntrigger 1 ==\n",
    "12\nedit V 'x'",
    "12\nedit V 'x'\n",
    "12\ncalendar initTime:2001-Jan-01 00:00:00\n",
    "12 abort<:\nx",
    "12 abort<:x\ny>abort",
    "12\ty\n\\n\n\\\n",
    "\n12",
    "\n",
    "12\nx # rid:5",
    "12 rid:5 passwd:6\n rid:",
    "12\nstate:complete",
    "12\n# state:complete flag:late suspended:1",
    "12\ndur:00:00:01 flag:late\nx",
    "é\n€ 𝄞",
    "state:complete",
    "12 state:complete flag:late suspended:1",
    "12 try:7 state:complete dur:00:00:09 x",
    "# state:complete",
    "12 suspended:1",
)
REFUSED = (
    "12\ntask forged #",  # a task of its own, with the state of this one
    "12\ntask forged # passwd:x rid:5",
    "12\nx try:1 state:complete\ny",
    "12 try:1 state:complete\nx",
    "12 try:1 state:complete\nendfamily",
    "12\ntask forged # rid:5\nx",
    "12\ntrigger 1 ==",  # a trigger, if the server read its own checkpoint since
    "12\n complete a",
    "12\ngeneric g",
)


@pytest.mark.parametrize("rid", IDS)
@pytest.mark.parametrize(
    "attributes", [(), ("edit V 'x'", 'label l "y state:complete"')], ids=["bare", "more"]
)
def test_id_of_a_job_changes_nothing(rid: str, attributes: tuple[str, ...]) -> None:
    found, plain = with_id(rid, *attributes), with_id("4711")
    assert (found.paths, found.states, found.begin_times) == (plain.paths, plain.states, plain.begin_times)
    assert without_details(found.states[3]) == ACTIVE


@pytest.mark.parametrize("rid", REFUSED)
def test_id_with_two_meanings_is_refused(rid: str) -> None:
    with pytest.raises(TreeUnproved, match="has several lines"):
        with_id(rid)


@pytest.mark.parametrize(
    ("behind", "state"),
    [
        ("try:1", NodeState("unknown")),  # forced
        ("try:2 dur:00:01:00 flag:late", NodeState("unknown", False, 60)),
        ("state:active", NodeState("active")),  # a job that was started by hand
        ("abort<:x\\n y>abort try:1 state:aborted", NodeState("aborted")),
        ("try:1 state:active suspended:1 rt:00:00:01", NodeState("active", True)),
    ],
)
def test_tokens_behind_an_id(behind: str, state: NodeState) -> None:
    for rid in ("1", "a b", "a state:complete"):
        found = with_id(rid, behind=behind).states[3]
        assert without_details(found) == state
        assert dict(found.details).get("flags") == (("late",) if "flag:late" in behind else None)


def test_id_without_a_state_behind_it_is_refused() -> None:
    """It is known of no server, and looks like the first line of an id."""
    with pytest.raises(TreeUnproved):
        with_id("12", behind="flag:late")


def test_reason_that_has_no_end_is_refused() -> None:
    """A reply that was damaged on its way: the rest of the line is lost."""
    with pytest.raises(NotUnderstood, match="not whole"):
        parse("suite s", "task t # passwd:x abort<: try:1 state:aborted", "endsuite")


EXPRESSIONS = (
    "a == complete and\ntask == complete",
    "a == complete and\nend_of_run == complete",
    "a == complete and\nendfamily == complete",
    "a == complete and\ntask eq\ncomplete",
    "a == complete and\nfamily eq\ncomplete and\nendfamily\neq complete",
    "a == complete\nand\ntask eq\ncomplete",
    "(a == complete\n) and (\ntask\neq complete)",
    "a == completeand\ntask\neq complete",
    "1 ==\nendsuite:V",
    "a:brand and b:\nand and\ntask\neq complete",
    "\ntask\neq complete",
    "\n\n  \ntask\n\n==\ncomplete\n",
    "not \ntask eq\ncomplete",
    "!\ntask eq\ncomplete",
    "cal::date_to_julian(\ntask:V) ==\n1",
    "cal::date_to_julian(a:V) == 1 and\ntask eq\ncomplete",
    "a<flag>late and\ntask eq\ncomplete",
    "a:V ge\nneric:V and\ntask eq\ncomplete",
    "a == complete and\t\ntask eq\ncomplete",
    "a == complete and\r\ntask eq\r\ncomplete",
    "-a 1 == 1 and\nsuite eq\ncomplete",
    "-o \nsuite eq\ncomplete",
    "trigger:state and\nstate:active and x:try",
    "a == complete and\ntask eq\ncomplete # free",
    "..\n/a == complete or\nalias eq\ncomplete",
    "/s/f/a<flag>late and\ntask<flag>\narchived",
    "a:V lt\nendfamily\n:V",
)


@pytest.mark.parametrize(
    "text",
    [
        "a == x:",  # and the next line would be the variable's name
        "a == complete and",
        "a:V\ngeneric:V and\ntask eq\ncomplete",  # `ge neric:V`, for ecFlow
        "a ==\ntask eq\ncomplete b",
    ],
)
def test_invalid_expression_takes_no_node(text: str) -> None:
    """A reply that was damaged on its way: the lines after it are those of nodes."""
    with pytest.raises(TreeUnproved):
        with_trigger(text, last=True)


def test_expression_takes_no_end_of_an_id() -> None:
    """A reply that was damaged on its way: the line of a node that it belongs to is lost."""
    with pytest.raises(TreeUnproved):
        with_trigger("a == complete\n>abort try:1 state:aborted flag:task_aborted")


@pytest.mark.parametrize("text", ["1 == 1 and", "a == x:", "("])
def test_expression_that_a_server_cut_takes_no_node(text: str) -> None:
    """A server that reads its own checkpoint keeps the first line of an expression."""
    assert with_trigger(text).paths == with_trigger("1").paths


@pytest.mark.parametrize(
    "attributes",
    [
        ("complete 1 == 0 and", "trigger f0 == complete and", 'repeat string S "x" "y" # 1'),
        ("complete t1 == aborted and", "verify complete:3 # 1"),
        ("trigger (a == complete", "limit disk 10", "inlimit -n disk"),
        ("trigger a == x:", 'label info "and"', "time +00:05"),
        ("trigger 1 ==", "edit V 'x' # eq"),
    ],
)
def test_expression_that_a_server_cut_takes_no_attribute(attributes: tuple[str, ...]) -> None:
    lines = ("suite s # state:queued", "task t # state:queued", *attributes, "task after", "endsuite")
    text = replies.definition(*lines)
    assert join_lines(text) == text


def test_expression_is_joined_up_to_where_the_server_cut_it() -> None:
    text = replies.definition(
        "suite s", "task t", "trigger a and", "b == complete or", "late -s +00:15", "endsuite"
    )
    assert join_lines(text) == text.replace("and\nb", "and b")


def test_word_of_an_attribute_is_a_name_in_an_expression() -> None:
    for text in (
        "a == complete and\nlimit == complete",
        "1 ==\nedit:V",
        "a == complete and\nlabel eq\ncomplete",
    ):
        joined = join_lines(
            replies.definition("suite s", "task t", f"trigger {text}", "edit V 'x'", "endsuite")
        )
        assert f"trigger {text}".replace("\n", " ") + "\nedit" in joined


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("keyword", ["trigger", "complete"])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expression_changes_nothing(text: str, keyword: str, last: bool) -> None:
    found, plain = with_trigger(text, keyword=keyword, last=last), with_trigger("1", last=last)
    assert (found.paths, found.states) == (plain.paths, plain.states)


@pytest.mark.parametrize(
    "text",
    [
        "a == complete", "a:band", "a:V == 5", "(a == complete)", "x:e == set # free", "1", "a : and",
        "a<flag>late", "a:le", "a\t== complete",
    ],
)  # fmt: skip
def test_whole_expression_ends_with_its_line(text: str) -> None:
    assert with_trigger(text, last=True).paths == ["/s", "/s/f", "/s/f/a", "/s/f/t", "/s/last"]
    assert with_trigger(text).paths == ["/s", "/s/f", "/s/f/a", "/s/f/t", "/s/f/after", "/s/last"]


@pytest.mark.parametrize(
    "lines",
    [
        ("suite s", "task", "endsuite"),
        ("task t", "suite s", "endsuite"),
        ("suite s", "endsuite", "task t"),
        ("suite s", "family f", "task t", "trigger a == complete and", "endfamily", "endsuite"),
        ("suite s", "task t #!state:queued", "endsuite"),
        ("suite s", "family f #!state:queued", "endfamily", "endsuite"),
        ("suite s", "task t x", "endsuite"),
        ("suite s", "task t@x", "endsuite"),
        ("suite s x", "endsuite"),
        ("suite s", "family f", "endfamily f", "endsuite"),
        ("suite s", "family f", "alias alias0", "endfamily", "endsuite"),
        ("suite s", "family f", "endsuite", "endsuite"),
        ("suite s", "family f", "endsuite"),
        ("suite s", "endsuite", "endsuite"),
        ("suite s", "endsuite", "endfamily"),
    ],
)
def test_tree_that_is_not_proved_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(TreeUnproved):
        parse(*lines)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> tuple[Definition, ...]:
        return with_trigger(EXPRESSIONS[4]), with_trigger("a:V\n\n+ 1 == 2"), with_id(IDS[8])

    expected = read()
    assert all(each.has_several_lines for each in expected)
    for size in range(20, 120):
        monkeypatch.setattr(definition, "CHUNK", size)
        assert read() == expected


def test_a_megabyte_of_lines_is_read_at_once() -> None:
    """In time that grows with its length, not with its square: no other thread could run meanwhile."""
    assert without_details(with_id("12\n" + "x state:\n" * 50_000).states[3]) == ACTIVE
    assert with_trigger("1 ==\n" + "1 and 1 ==\n" * 50_000 + "1").paths[-1] == "/s/last"
    found = parse_node_state(" # rid:" + " try:1" * 150_000 + " state:active")
    assert without_details(found) == NodeState("active")
    cut = replies.definition("suite s", "task t", *["trigger 1 =="] * 30_000, "edit V 'x'", "endsuite")
    assert join_lines(cut) == cut


# ------------------------------------------------------------- definitions at random, and their text


class Node(NamedTuple):
    kind: str
    name: str
    tail: str
    rid: str
    attributes: tuple[str, ...]
    children: tuple[Node, ...]


PIECES = (
    "task", "x", "family", "endfamily", "endsuite", "suite", "alias", "endalias", "#", "# state:complete",
    "\n", "\n", "\n", "4711", "rid:", "abort<:", ">abort", "state:aborted", "trigger", "1 ==", "edit V 'x'",
    "dur:", "flag:late", "suspended:1", "task y", "task z #", "passwd:u", "# enddef",
)  # fmt: skip
# A line that ends as if a job's id ended there: with a node's line after it, nobody can see that it does not.
WHOLE = re.compile(r"state:\w+( \w+:\w*)*\s*\n")
OPERANDS = ("task:x", "1", "family:V", "endfamily:V", "suite : e", ":endsuite", "or:and", "a<flag>late")
COMPARED = ("task eq complete", "family == aborted", "endfamily ne active", "alias == complete")
BETWEEN = (" ", "\n", "\n", " \n", "\n\n")


def some_expression(rng: random.Random) -> str:
    """Return an expression of ecFlow's grammar, with new lines between any two tokens."""
    words: list[str] = []
    for index in range(rng.randint(1, 4)):
        words += [rng.choice(("and", "or", "AND", "&&"))] if index else []
        words += rng.choice(COMPARED).split() if rng.random() < 0.7 else [
            *rng.choice(OPERANDS).split(), rng.choice(("==", "lt", ">=")), *rng.choice(OPERANDS).split(),
        ]  # fmt: skip
    return words[0] + "".join(rng.choice(BETWEEN) + word for word in words[1:])


def some_nodes(rng: random.Random, depth: int) -> Iterator[Node]:
    for index in range(rng.randint(0, 4)):
        kind = "suite" if not depth else rng.choice(("task", "task", "family")) if depth < 3 else "task"
        attributes = [f"trigger {some_expression(rng)}"] if rng.random() < 0.3 else []
        attributes += ["edit V 'a state:complete'"] if rng.random() < 0.3 else []
        rid = "".join(rng.choices((" ", ""))[0] + each for each in rng.choices(PIECES, k=rng.randint(1, 5)))
        rid = rid.strip(" ") if kind == "task" and rng.random() < 0.4 and not WHOLE.search(rid) else ""
        state = rng.choice(("active", "aborted")) if rid else rng.choice(("queued", "complete", "unknown"))
        behind = f"try:{rng.randint(1, 2)} state:{state}" if rid else f"state:{state}"
        children = tuple(some_nodes(rng, depth + 1)) if kind != "task" else ()
        yield Node(kind, f"n{index}", behind, rid, tuple(attributes), children)


def written(node: Node) -> Iterator[str]:
    """Return a node's lines, as ecFlow writes them."""
    rid = f" passwd:p rid:{node.rid}" if node.rid else ""
    yield f"{node.kind} {node.name} #{rid} {node.tail}".replace(" # state:unknown", "")
    yield from node.attributes
    for child in node.children:
        yield from written(child)
    if node.kind != "task":
        yield f"end{node.kind}"


def expected(nodes: tuple[Node, ...], above: str = "") -> Iterator[tuple[str, str]]:
    for node in nodes:
        path = f"{above}/{node.name}"
        yield path, node.tail.rpartition("state:")[2]
        yield from expected(node.children, path)


def test_definitions_at_random_are_read_right_or_refused() -> None:
    rng = random.Random(19)
    read = refused = spanning = 0
    for _ in range(1000):
        nodes = tuple(some_nodes(rng, 0))
        lines = [line for node in nodes for line in written(node)]
        spanning += any("\n" in line for line in lines)
        try:
            found = parse(*lines)
        except NotUnderstood:
            refused += 1
            continue
        read += 1
        states = [state.state for state in found.states]
        assert list(zip(found.paths, states, strict=True)) == list(expected(nodes)), lines
    assert spanning > 500
    assert refused < spanning / 5, (read, refused, spanning)
