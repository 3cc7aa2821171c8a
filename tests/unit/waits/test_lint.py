"""Expressions that cannot be what their author meant."""

from __future__ import annotations

import pytest

from tests.unit.waits.suite import tree_of
from watchman_cli.waits.lint import lint

LINES = (
    "edit TOKEN '***'",
    "limit lim 5",
    "task a # state:queued",
    "event e",
    "edit V '5'",
    "task t # state:queued",
)


def found(*lines: str) -> list[tuple[str, str, str]]:
    return [(each.path, each.kind, each.text) for each in lint(tree_of(*LINES, *lines))]


@pytest.mark.parametrize(
    "line",
    [
        "trigger a == complete and a:e == set and a:V > 3 and :TOKEN == 1 and /s:DOW == 1 and a<flag>late",
        "trigger /<flag>late or 1 == 1",
        "complete a == aborted",
        "inlimit lim",
        "inlimit /s:lim 3",
        "trigger a == complete or 1 == 2",
        "trigger not (a == complete and a == aborted)",
        "trigger a:V + 1 == 6",
        "trigger a:V",
        "trigger a == queued and a != aborted",
        "trigger 1 < 2",
        "trigger not 0",
    ],
)
def test_an_expression_that_is_right(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        ("trigger ghost == complete", "dead-reference", "ghost: there is no such node"),
        ("trigger ghost:V == 5", "dead-reference", "ghost:V: there is no node ghost"),
        ("trigger a:none == 5", "dead-reference", "a:none: /s/a has nothing of that name"),
        ("complete a:none == set", "dead-reference", "a:none: /s/a has nothing of that name"),
        ("trigger :none == 5", "dead-reference", ":none: neither this node nor one above it has that name"),
        ("trigger ghost<flag>late", "dead-reference", "ghost<flag>late: there is no node ghost"),
        (
            "trigger cal::date_to_julian(a:none) > 5",
            "dead-reference",
            "a:none: /s/a has nothing of that name",
        ),
        ("inlimit none", "dead-reference", "there is no limit none"),
        ("inlimit /s:none", "dead-reference", "there is no limit /s:none"),
        ("trigger a == complete and a == aborted", "never", "the trigger can never hold"),
        ("trigger not (a == complete or a != complete)", "never", "the trigger can never hold"),
        ("trigger 1 == 2 and a == complete", "never", "the trigger can never hold"),
        ("trigger 0", "never", "the trigger can never hold"),
        (
            "trigger a ===",
            "unreadable",
            "the trigger cannot be read, so it is never true: ecFlow cannot read it from character 5 on",
        ),
        (
            "trigger a:V == 2147483648",
            "unreadable",
            "the trigger cannot be read, so it is never true: "
            "a number is above 2147483647; ecFlow fails at it",
        ),
        ("trigger a:V == 5 == 1", "ends-server", "a:V == 5 == 1: a chain of comparisons ends the server"),
        ("complete a:V == 5 == 1", "ends-server", "a:V == 5 == 1: a chain of comparisons ends the server"),
        (
            "trigger a == complete and a:V + 1 and a == complete",
            "ends-server",
            "reading the trigger ends the server",
        ),
    ],
)
def test_a_finding(line: str, kind: str, text: str) -> None:
    (finding,) = lint(tree_of(*LINES, line))
    assert (finding.path, finding.kind, finding.text) == ("/s/t", kind, text)
    assert finding.expression == line.removeprefix("trigger ").removeprefix("complete ")


def test_parts_are_joined_before_they_are_judged() -> None:
    assert found("trigger a == complete", "trigger -a a == aborted") == [
        ("/s/t", "never", "the trigger can never hold")
    ]
    assert found("trigger a == complete", "trigger -o a == aborted") == []


def test_what_cannot_be_decided_is_not_reported() -> None:
    tasks = [f"task n{number} # state:queued" for number in range(8)]
    names = " and ".join(f"n{number} == complete" for number in range(8))
    assert found(*tasks, "task z # state:queued", f"trigger {names} and n0 == aborted") == []


def test_findings_are_in_the_order_of_the_nodes() -> None:
    lines = [
        "trigger ghost == complete",
        "family f # state:queued",
        "task b # state:queued",
        "inlimit none",
        "endfamily",
        "task c # state:queued",
        "trigger nobody == complete",
    ]
    assert [path for path, _, _ in found(*lines)] == ["/s/t", "/s/f/b", "/s/c"]


def test_finding_as_a_document() -> None:
    tree = tree_of("task a # state:queued", "inlimit none 2")
    (finding,) = lint(tree)
    assert finding.as_dict() == {
        "path": "/s/a",
        "kind": "dead-reference",
        "expression": "inlimit none",
        "text": "there is no limit none",
    }
