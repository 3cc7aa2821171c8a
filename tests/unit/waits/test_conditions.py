"""The conditions of a node, in a definition small enough to see why each holds or not."""

from __future__ import annotations

import pytest

from tests.unit.waits.suite import only, stops, tree_of, waits_of


def test_a_node_that_nothing_stops() -> None:
    tree = tree_of("task a # state:queued", "task b # state:aborted", "trigger a == queued")
    assert stops(tree, "/s/a") == stops(tree, "/s/b") == []


def test_a_server_that_is_not_running() -> None:
    for state, word in (("HALTED", "halted"), ("SHUTDOWN", "shut down")):
        wait = waits_of(tree_of("task a # state:queued", server=state), "/s/a")[0]
        assert (wait.path, wait.kind, wait.holds, wait.text) == (
            "/",
            "server",
            False,
            f"the server is {word}",
        )


def test_a_suspended_parent_and_a_suspended_node() -> None:
    tree = tree_of("family f # state:queued suspended:1", "task a # state:complete suspended:1", "endfamily")
    assert stops(tree, "/s/f/a") == [("/s/f", "suspended"), ("/s/f/a", "suspended")]
    assert only(tree, "/s/f", "suspended").holds is False


def test_a_task_that_ran_waits_for_nothing_else() -> None:
    tree = tree_of("task a # state:complete", "trigger a == queued", "time 23:00")
    assert stops(tree, "/s/a") == [("/s/a", "state")]
    assert [each.kind for each in waits_of(tree, "/s/a")] == ["state", "time", "trigger"]
    state = only(tree, "/s/a", "state")
    assert (state.holds, state.text) == (False, "/s/a is complete, not queued")


def test_alias_that_ran_waits_for_nothing_else() -> None:
    tree = tree_of("task a # state:complete", "alias alias0 # state:complete", "time 23:00", "endalias")
    assert ("/s/a/alias0", "time") not in stops(tree, "/s/a/alias0")
    assert ("/s/a/alias0", "state") in stops(tree, "/s/a/alias0")


def test_a_family_that_is_not_queued_has_its_other_conditions_too() -> None:
    tree = tree_of("family f # state:active", "time 23:00", "task a # state:queued", "endfamily")
    assert stops(tree, "/s/f") == stops(tree, "/s/f/a") == [("/s/f", "state"), ("/s/f", "time")]


def test_a_trigger_says_which_term_is_false() -> None:
    tree = tree_of(
        "task a # state:queued",
        "task b # state:complete",
        "task c # state:queued",
        "trigger b == complete and (a == complete or a:V > 5)",
    )
    wait = only(tree, "/s/c", "trigger")
    assert wait.holds is False
    assert wait.text == "a == complete does not hold: a is queued; a:V > 5 does not hold: a:V names nothing"
    assert wait.as_dict()["values"] == {"b": "complete", "a": "queued", "a:V": None}
    assert [each["holds"] for each in wait.as_dict()["terms"]] == [True, False]


def test_parts_are_joined_from_the_left() -> None:
    lines = ["trigger a == complete", "trigger -o a == queued", "trigger -a a == aborted"]
    wait = only(tree_of("task a # state:queued", "task b # state:queued", *lines), "/s/b", "trigger")
    assert wait.expression == "((a == complete) or (a == queued)) and (a == aborted)"
    assert wait.holds is False and wait.truth
    assert (wait.truth.expression, wait.truth.operator) == (wait.expression, "and")
    first, _ = wait.truth.terms
    assert (first.expression, first.operator) == ("(a == complete) or (a == queued)", "or")


@pytest.mark.parametrize(("word", "holds"), [("-o", True), ("-a", False)])
def test_second_part_is_joined_by_its_word(word: str, holds: bool) -> None:
    lines = ["trigger a == complete", f"trigger {word} a == queued"]
    assert (
        only(tree_of("task a # state:queued", "task b # state:queued", *lines), "/s/b", "trigger").holds
        is holds
    )


def test_a_freed_trigger_stops_nothing() -> None:
    tree = tree_of("task a # state:queued", "task b # state:queued", "trigger a == complete # free")
    wait = only(tree, "/s/b", "trigger")
    assert (wait.holds, wait.freed, stops(tree, "/s/b")) == (False, True, [])


def test_a_complete_that_holds_makes_the_trigger_void() -> None:
    lines = ["task b # state:queued", "trigger a == complete"]
    assert stops(tree_of("task a # state:queued", *lines, "complete a == queued"), "/s/b") == []
    assert stops(tree_of("task a # state:queued", *lines, "complete a == aborted # free"), "/s/b") == []
    assert stops(tree_of("task a # state:queued", *lines, "complete a == aborted"), "/s/b") == [
        ("/s/b", "trigger")
    ]


@pytest.mark.parametrize(
    ("text", "holds", "said"),
    [
        ("a ===", False, "the trigger cannot be read: ecFlow cannot read it from character 5 on"),
        (
            "a:V == 2147483648",
            None,
            "the trigger cannot be read: a number is above 2147483647; ecFlow fails at it",
        ),
        ("1 + 1 == 2 == 1", None, "the trigger cannot be read: reading it ends the server"),
        (
            "1 == 1 == 1",
            None,
            "1 == 1 == 1 is unknown: a chain of comparisons, which ends the server that evaluates it",
        ),
        ("a == queued or 1 == 1 == 1", True, "a == queued or 1 == 1 == 1 holds"),
    ],
)
def test_a_trigger_that_cannot_be_evaluated(text: str, holds: bool | None, said: str) -> None:
    tree = tree_of("task a # state:queued", "task b # state:queued", f"trigger {text}")
    wait = only(tree, "/s/b", "trigger")
    assert (wait.holds, wait.text, wait.expression, wait.freed) == (holds, said, text, False)
