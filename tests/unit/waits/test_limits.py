"""Limits that have room, are full, or are missing, and tokens that a family has for its tasks."""

from __future__ import annotations

import pytest

from tests.unit.waits.suite import only, tree_of, waits_of


@pytest.mark.parametrize(
    ("claim", "holds", "text"),
    [
        ("inlimit lim", True, "limit /s:lim has room, 4 of 5 taken"),
        ("inlimit lim 2", False, "limit /s:lim is full: 4 of 5 taken by /s/x, /s/y, 2 wanted"),
        ("inlimit /s:lim 2", False, "limit /s:lim is full: 4 of 5 taken by /s/x, /s/y, 2 wanted"),
        ("inlimit full", False, "limit /s:full is full: 1 of 1 taken"),
        ("inlimit -n lim", True, "limit /s:lim has room, 4 of 5 taken"),
        ("inlimit -n full", False, "limit /s:full is full: 1 of 1 taken"),
        ("inlimit none", True, "there is no limit none; ecFlow ignores it"),
        ("inlimit /no/such:lim", True, "there is no limit /no/such:lim; ecFlow ignores it"),
        (
            "inlimit many",
            False,
            "limit /s:many is full: 7 of 7 taken by /a, /b, /c, /d, /e and 2 more",
        ),
    ],
)
def test_a_limit(claim: str, holds: bool, text: str) -> None:
    limits = ["limit lim 5 # 4 /s/x /s/y", "limit full 1 # 1", "limit many 7 # 7 /a /b /c /d /e /f /g"]
    wait = only(tree_of(*limits, "task a # state:queued", claim), "/s/a", "limit")
    assert (wait.holds, wait.text) == (holds, text)


HAS = "limit /s:lim: /s/f has its tokens, 1 of 1 taken"
FULL = "limit /s:lim is full: 1 of 1 taken by "
UNKNOWN = "; whether /s/f has its own tokens is unknown"


@pytest.mark.parametrize(
    ("holder", "state", "holds", "text"),
    [
        ("/s/f", "submitted", True, HAS),
        ("/s/f", "active rid:17", True, HAS),
        ("/s/f", "active", None, f"{FULL}/s/f{UNKNOWN}"),
        ("/s/f", "complete", None, f"{FULL}/s/f{UNKNOWN}"),
        ("/s/x", "submitted", None, f"{FULL}/s/x{UNKNOWN}"),
        ("/s/x", "active", None, f"{FULL}/s/x{UNKNOWN}"),
        ("/s/x", "complete", False, f"{FULL}/s/x"),
        ("/s/x", "aborted", False, f"{FULL}/s/x"),
    ],
)
def test_tokens_that_a_family_takes_for_all_its_tasks(
    holder: str, state: str, holds: bool | None, text: str
) -> None:
    """They are taken if the limit says so, and a task below has a job."""
    word, _, job = state.partition(" ")
    above = word if word in ("aborted", "active", "submitted") else "queued"
    tree = tree_of(
        f"limit lim 1 # 1 {holder}",
        f"family f # state:{above}", "inlimit -n lim", f"family g # state:{above}",
        "task a # state:complete", f"task b # {job} try:1 state:{word}", "task c # state:queued",
        "endfamily", "task d # state:queued", "endfamily",
    )  # fmt: skip
    wait = only(tree, "/s/f", "limit")
    assert (wait.holds, wait.text) == (holds, text)
    (below,) = [each for each in waits_of(tree, "/s/f/g/c") if each.kind == "limit"]
    assert below == wait


def test_each_branch_below_a_family_is_searched_for_a_job() -> None:
    tree = tree_of(
        "limit lim 1 # 1 /s/f", "family f # state:active", "inlimit -n lim",
        "family g # state:active", "task a # state:active try:1 rid:17", "endfamily",
        "family h # state:active", "task b # state:active", "endfamily", "endfamily",
    )  # fmt: skip
    wait = only(tree, "/s/f", "limit")
    assert (wait.holds, wait.text) == (True, HAS)


def test_family_whose_tasks_take_their_own_tokens_has_none() -> None:
    tree = tree_of(
        "limit lim 1 # 1 /s/f", "family f # state:active", "inlimit lim", "task a # try:1 state:submitted",
        "endfamily",
    )  # fmt: skip
    assert only(tree, "/s/f", "limit").holds is False


@pytest.mark.parametrize(("many", "more"), [(5, ""), (6, " and 1 more")])
def test_five_holders_are_named(many: int, more: str) -> None:
    holders = [f"/h{number}" for number in range(many)]
    tree = tree_of(f"limit lim 1 # {many} {' '.join(holders)}", "task a # state:queued", "inlimit lim")
    assert only(tree, "/s/a", "limit").text.endswith(f"taken by {', '.join(holders[:5])}{more}")


def test_limit_of_another_node_is_found_by_a_relative_path() -> None:
    tree = tree_of(
        "family f # state:queued", "limit lim 1", "endfamily", "task a # state:queued", "inlimit f:lim"
    )
    assert only(tree, "/s/a", "limit").text == "limit /s/f:lim has room, 0 of 1 taken"


def test_alias_does_not_prove_that_a_task_has_its_tokens() -> None:
    tree = tree_of(
        "limit lim 1 # 1 /s/a", "task a # state:complete", "inlimit -n lim", "alias alias0 # state:submitted"
    )
    assert only(tree, "/s/a", "limit").holds is None
