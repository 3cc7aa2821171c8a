"""Where the chain of unfulfilled conditions ends."""

from __future__ import annotations

import pytest

from tests.support.definition_tree import DefinitionTree
from tests.unit.waits.suite import tree_of
from watchman_cli.waits import chain
from watchman_cli.waits.chain import find_ends


def ends(tree: DefinitionTree, path: str) -> list[tuple[str, str]]:
    node = tree.node(path)
    assert node
    return [(each.path, each.kind) for each in find_ends(tree, node)]


def test_a_chain_over_families_and_suites() -> None:
    tree = DefinitionTree(
        """\
defs_state NET server_state:RUNNING
suite one # state:queued
family f # state:queued
trigger /two/g == complete
task a # state:queued
endfamily
endsuite
suite two # state:aborted
family g # state:aborted
task done # state:complete
task bad # state:aborted
task then # state:queued
trigger bad == complete
endfamily
endsuite
"""
    )
    assert ends(tree, "/one/f/a") == [("/two/g/bad", "aborted")]
    assert ends(tree, "/one/f") == ends(tree, "/one") == [("/two/g/bad", "aborted")]


@pytest.mark.parametrize("state", ["aborted", "active", "submitted"])
def test_a_task_that_is_not_queued_ends_its_branch(state: str) -> None:
    tree = tree_of(
        f"task a # state:{state}",
        "trigger b == complete",
        "task b # state:queued",
        "task c # state:queued",
        "trigger a == complete",
    )
    assert ends(tree, "/s/c") == ends(tree, "/s/a") == [("/s/a", state)]


def test_a_suspended_node_and_a_suspended_parent() -> None:
    tree = tree_of(
        "family f # state:queued suspended:1",
        "task a # state:queued",
        "endfamily",
        "task b # state:queued suspended:1",
        "task c # state:queued",
        "trigger f/a == complete and b == complete",
    )
    assert ends(tree, "/s/c") == [("/s/b", "suspended"), ("/s/f", "suspended")]


@pytest.mark.parametrize("state", ["active", "submitted"])
def test_parent_that_is_active_because_of_another_node_is_no_end(state: str) -> None:
    tree = tree_of(
        f"family f # state:{state}",
        f"task other # state:{state}",
        "task bad # state:aborted",
        "task a # state:queued",
        "trigger bad == complete",
        "endfamily",
    )
    assert ends(tree, "/s/f/a") == [("/s/f/bad", "aborted")]


@pytest.mark.parametrize("state", ["complete", "unknown"])
def test_parent_in_another_state_is_an_end(state: str) -> None:
    """Its state was set by hand, or it was not begun: so its nodes do not run, whatever they wait for."""
    tree = tree_of(
        f"family f # state:{state}",
        "task bad # state:aborted",
        "task a # state:queued",
        "trigger bad == complete",
        "endfamily",
        "task b # state:queued",
        "trigger f == aborted",
    )
    assert ends(tree, "/s/f/a") == [("/s/f", "state"), ("/s/f/bad", "aborted")]
    assert ends(tree, "/s/b") == [("/s/f", "state")]


def test_suspended_family_is_an_end_and_not_its_nodes() -> None:
    tree = tree_of(
        "family f # state:active suspended:1",
        "task a # state:active",
        "endfamily",
        "task b # state:queued",
        "trigger f == complete",
    )
    assert ends(tree, "/s/b") == [("/s/f", "suspended")]


def test_alias_below_a_task_is_not_followed() -> None:
    tree = tree_of(
        "task a # state:aborted",
        "alias alias0 # state:active",
        "endalias",
        "task b # state:queued",
        "trigger a == complete",
    )
    assert ends(tree, "/s/b") == [("/s/a", "aborted")]


def test_node_that_two_others_wait_for_is_followed_once() -> None:
    tree = tree_of(
        "task bad # state:aborted",
        "task x # state:queued",
        "trigger y == complete and bad == complete",
        "task y # state:queued",
        "time 23:00",
        "task a # state:queued",
        "trigger x == complete and y == complete and y != unknown and x == complete",
    )
    assert ends(tree, "/s/a") == [("/s/bad", "aborted"), ("/s/y", "time")]


def test_what_is_not_followed() -> None:
    """A term that is true, an alternative of an `or` that holds, and a freed trigger."""
    tree = tree_of(
        "task bad # state:aborted",
        "task b # state:queued",
        "time 23:00",
        "task c # state:queued",
        "trigger bad == aborted and b == complete",
        "task d # state:queued",
        "trigger (bad == complete or b == queued) and b == complete",
        "task e # state:queued",
        "trigger bad == complete # free",
        "trigger -a b == complete # free",
        "task g # state:queued",
        "trigger e == complete",
    )
    assert ends(tree, "/s/c") == ends(tree, "/s/d") == [("/s/b", "time")]
    assert ends(tree, "/s/g") == []


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (["time 23:00"], ("/s/a", "time")),
        (["date 7.*.*"], ("/s/a", "time")),
        (["inlimit full"], ("/s/a", "limit")),
        (["trigger ghost == complete"], ("/s/a", "missing")),
        (["trigger bad:none == 3"], ("/s/a", "missing")),
        (["trigger done == aborted"], ("/s/done", "state")),
        (["trigger never == complete"], ("/s/never", "state")),
        (["trigger not done == complete"], ("/s/done", "state")),
        (["trigger done:e == set"], ("/s/done", "value")),
        (["trigger done:V > 7"], ("/s/done", "value")),
        (["trigger bad:e == set"], ("/s/bad", "aborted")),
        (["trigger /s:V > 7"], ("/s", "value")),
        (["trigger wait:e == set"], ("/s/wait", "time")),
        (["trigger free:e == set"], ("/s/free", "value")),
        (["trigger a == complete"], ("/s/a", "cycle")),
    ],
)
def test_an_end(lines: list[str], end: tuple[str, str]) -> None:
    tree = tree_of(
        "edit V '5'",
        "limit full 1 # 1 /s/bad",
        "task bad # state:aborted",
        "event e",
        "task done # state:complete",
        "event e",
        "edit V '5'",
        "task never # state:unknown",
        "task wait # state:queued",
        "event e",
        "time 23:00",
        "task free # state:queued",
        "event e",
        "task a # state:queued",
        *lines,
    )
    assert ends(tree, "/s/a") == [end]


def test_nodes_that_wait_for_each_other() -> None:
    tree = tree_of(
        "task a # state:queued",
        "trigger b == complete",
        "task b # state:queued",
        "trigger c == complete",
        "task c # state:queued",
        "trigger a == complete",
        "task d # state:queued",
        "trigger a == complete",
    )
    assert ends(tree, "/s/d") == [("/s/a", "cycle"), ("/s/b", "cycle"), ("/s/c", "cycle")]


def test_two_pairs_of_nodes_that_wait_for_each_other() -> None:
    pairs = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("e", "e")]
    lines = [
        line
        for one, other in pairs
        for line in (f"task {one} # state:queued", f"trigger {other} == complete")
    ]
    tree = tree_of(
        *lines, "task z # state:queued", "trigger a == complete and c == complete and e == complete"
    )
    assert ends(tree, "/s/z") == [(f"/s/{name}", "cycle") for name in "abcde"]


def test_a_halted_server_is_an_end_only_if_there_is_no_other() -> None:
    lines = ["task a # state:queued", "task b # state:queued", "time 23:00"]
    assert ends(tree_of(*lines, server="HALTED"), "/s/a") == [("/", "server")]
    assert ends(tree_of(*lines, server="HALTED"), "/s/b") == [("/s/b", "time")]
    assert ends(tree_of(*lines), "/s/a") == []


def test_a_long_chain_and_a_wide_one() -> None:
    lines = [
        line for n in range(900) for line in (f"task t{n} # state:queued", f"trigger t{n + 1} == complete")
    ]
    assert ends(tree_of(*lines, "task t900 # state:aborted"), "/s/t0") == [("/s/t900", "aborted")]
    tasks = [f"task t{n} # state:aborted" for n in range(900)]
    tree = tree_of(
        "family f # state:aborted", *tasks, "endfamily", "task z # state:queued", "trigger f == complete"
    )
    assert len(ends(tree, "/s/z")) == 900


def test_two_nodes_that_wait_for_each_other() -> None:
    lines = [
        "task a # state:queued",
        "trigger b == complete",
        "task b # state:queued",
        "trigger a == complete",
    ]
    found = texts(tree_of(*lines), "/s/a")
    assert found == [(path, f"{path} and another node wait for each other") for path in ("/s/a", "/s/b")]


def texts(tree: DefinitionTree, path: str) -> list[tuple[str, str]]:
    node = tree.node(path)
    assert node
    return [(each.path, each.text) for each in find_ends(tree, node)]


@pytest.mark.parametrize(("state", "word"), [("HALTED", "halted"), ("SHUTDOWN", "shut down")])
def test_server_that_does_not_run_is_named(state: str, word: str) -> None:
    assert texts(tree_of("task a # state:queued", server=state), "/s/a") == [("/", f"the server is {word}")]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["trigger ghost == complete"], ("/s/a", "/s/a refers to ghost, which names nothing")),
        (["trigger ghost:V > wraith:V"], ("/s/a", "/s/a refers to ghost:V, wraith:V, which name nothing")),
        (["trigger :V > 7", "edit V '5'"], ("/s/a", ":V > 7: :V is 5")),
        (["trigger :V > :W", "edit V '5'", "edit W '6'"], ("/s/a", ":V > :W: :V is 5, :W is 6")),
        (["time 23:00"], ("/s/a", "time 23:00; the suite's time is 17:20")),
        (["inlimit lim"], ("/s/a", "limit /s:lim is full: 1 of 1 taken")),
        (["trigger bad == complete"], ("/s/bad", "/s/bad is aborted")),
        (["trigger bad:e == set"], ("/s/bad", "/s/bad is aborted")),
    ],
)
def test_text_of_an_end(lines: list[str], text: tuple[str, str]) -> None:
    tree = tree_of("limit lim 1 # 1", "task bad # state:aborted", "event e", "task a # state:queued", *lines)
    found = texts(tree, "/s/a")
    assert found == [text]


def test_nodes_that_are_followed_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "MAX_NODES", 3)
    lines = [
        line for n in range(3) for line in (f"task t{n} # state:queued", f"trigger t{n + 1} == complete")
    ]
    tree = tree_of(*lines, "task t3 # state:aborted")
    assert ends(tree, "/s/t0") == []
    assert ends(tree, "/s/t1") == [("/s/t3", "aborted")]
