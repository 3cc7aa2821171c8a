"""Why a node waits, for a person."""

from __future__ import annotations

from tests.unit.waits.suite import tree_of
from tests.unit.waits.test_result import TIME, TREE
from watchman_cli.output.why import ENDS_SHOWN, render
from watchman_cli.waits.result import explain


def test_an_answer() -> None:
    assert list(render(explain(TREE, "/s/b", TIME), False)) == [
        "/s/b: queued, as of 2026-05-06 17:20:00 UTC",
        "It waits for:",
        "  the server is halted",
        "  trigger a == complete",
        "    no  a == complete  (a is aborted)",
        "In the end it waits for:",
        "  /s/a is aborted",
    ]


def test_a_tree_of_terms_and_what_is_of_a_parent() -> None:
    tree = tree_of(
        "family f # state:queued suspended:1",
        "task a # state:complete",
        "task b # state:queued",
        "trigger a == complete and (not a:V > 3 or :W == 1 == 1) and a == queued",
        "endfamily",
    )
    assert list(render(explain(tree, "/s/f/b", TIME), False))[1:] == [
        "It waits for:",
        "  /s/f is suspended",
        "  trigger a == complete and (not a:V > 3 or :W == 1 == 1) and a == queued",
        "    no  all of",
        "         yes  a == complete  (a is complete)",
        "         yes  any of",
        "              yes  not",
        "                   no  a:V > 3  (a:V names nothing)",
        "              ?  :W == 1 == 1  (a chain of comparisons, which ends the server that evaluates it)",
        "         no  a == queued  (a is complete)",
        "In the end it waits for:",
        "  /s/f is suspended",
        "  /s/f/a is complete",
    ]


def test_a_node_that_waits_for_nothing() -> None:
    lines = list(render(explain(tree_of("task a # state:queued"), "/s/a", TIME), False))
    assert lines[1:] == ["It waits for nothing that watchman knows of."]


def test_many_ends_are_counted() -> None:
    tasks = [f"task t{number} # state:aborted" for number in range(ENDS_SHOWN + 5)]
    tree = tree_of(
        "family f # state:aborted", *tasks, "endfamily", "task z # state:queued", "trigger f == complete"
    )
    assert list(render(explain(tree, "/s/z", TIME), False))[-1] == "  and 5 more"
