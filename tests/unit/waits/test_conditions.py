"""The conditions of a node, in a definition small enough to see why each holds or not."""

from __future__ import annotations

import pytest

from tests.support.definition_tree import DefinitionTree
from watchman_cli.waits.conditions import Wait, conditions_of, stopping

CALENDAR = "calendar initTime:2026-May-04 00:00:00 suiteTime:2026-May-06 17:20:00 duration:65:20:00"


def tree_of(*lines: str, server: str = "RUNNING", suite: str = "begun:1 state:queued") -> DefinitionTree:
    """Return a suite /s with these lines in it."""
    head = f"defs_state NET state>:queued server_state:{server}"
    return DefinitionTree(
        "\n".join(["#5.9.2", head, f"suite s # {suite}", CALENDAR, *lines, "endsuite", "# enddef"])
    )


def waits_of(tree: DefinitionTree, path: str) -> list[Wait]:
    node = tree.node(path)
    assert node
    return list(conditions_of(tree, node))


def only(tree: DefinitionTree, path: str, kind: str) -> Wait:
    (found,) = [each for each in waits_of(tree, path) if (each.path, each.kind) == (path, kind)]
    return found


def stops(tree: DefinitionTree, path: str) -> list[tuple[str, str]]:
    node = tree.node(path)
    assert node
    return [(each.path, each.kind) for each in stopping(node, waits_of(tree, path))]


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


def test_a_task_that_ran_waits_for_nothing_else() -> None:
    tree = tree_of("task a # state:complete", "trigger a == queued", "time 23:00")
    assert stops(tree, "/s/a") == [("/s/a", "state")]
    assert [each.kind for each in waits_of(tree, "/s/a")] == ["state", "time", "trigger"]
    assert only(tree, "/s/a", "state").text == "/s/a is complete, not queued"


def test_a_family_that_is_not_queued_has_its_other_conditions_too() -> None:
    tree = tree_of("family f # state:active", "time 23:00", "task a # state:queued", "endfamily")
    assert stops(tree, "/s/f") == stops(tree, "/s/f/a") == [("/s/f", "state"), ("/s/f", "time")]


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


def test_alias_does_not_prove_that_a_task_has_its_tokens() -> None:
    tree = tree_of(
        "limit lim 1 # 1 /s/a", "task a # state:complete", "inlimit -n lim", "alias alias0 # state:submitted"
    )
    assert only(tree, "/s/a", "limit").holds is None


@pytest.mark.parametrize(
    ("line", "holds", "text"),
    [
        ("time 17:20", True, "time 17:20; the suite's time is 17:20"),
        ("time 17:19", False, "time 17:19; the suite's time is 17:20"),
        ("time 17:20 # isValid:false", False, "time 17:20, expired; the suite's time is 17:20"),
        ("time 18:00 # free", True, "time 18:00 is free"),
        (
            "time 00:00 23:00 01:00 # nextTimeSlot/18:00",
            False,
            "time 00:00 23:00 01:00, next 18:00; the suite's time is 17:20",
        ),
        (
            "time 00:20 23:00 01:00 # nextTimeSlot/15:20",
            True,
            "time 00:20 23:00 01:00; the suite's time is 17:20",
        ),
        (
            "time 00:20 17:00 01:00 # nextTimeSlot/15:20",
            False,
            "time 00:20 17:00 01:00, next 15:20; the suite's time is 17:20",
        ),
        ("time 17:20 23:00 01:00", True, "time 17:20 23:00 01:00; the suite's time is 17:20"),
        ("time +02:00 # relativeDuration/02:00:30", True, "time +02:00; the suite's time is +02:00"),
        ("time +02:00 # relativeDuration/01:59:59", False, "time +02:00; the suite's time is +01:59"),
        ("time +02:00", False, "time +02:00; the suite's time is +00:00"),
        ("today 08:00", True, "today 08:00; the suite's time is 17:20"),
        ("today 23:00", False, "today 23:00; the suite's time is 17:20"),
        ("cron 17:20", True, "cron 17:20; the suite's time is 17:20"),
        ("cron -w 3 17:20", True, "cron -w 3 17:20; the suite's time is 17:20"),
        ("cron -w 4 17:20", False, "cron -w 4 17:20; the suite's time is 17:20"),
        ("cron -d 6,15 -m 5 17:20", True, "cron -d 6,15 -m 5 17:20; the suite's time is 17:20"),
        ("cron -d 6,15 -m 4 17:20", False, "cron -d 6,15 -m 4 17:20; the suite's time is 17:20"),
        ("cron -d L 17:20", False, "cron -d L 17:20; the suite's time is 17:20"),
        ("cron -w 5L 17:20", None, "cron -w 5L 17:20: watchman does not evaluate it"),
        ("cron -w 3", None, "cron -w 3 cannot be read"),
        ("date 6.5.2026", True, "date 6.5.2026; the suite's date is 6.5.2026"),
        ("date *.5.*", True, "date *.5.*; the suite's date is 6.5.2026"),
        ("date 7.*.*", False, "date 7.*.*; the suite's date is 6.5.2026"),
        ("date 7.*.* # free", True, "date 7.*.* is free"),
        (
            "day wednesday # date:2026-May-06",
            True,
            "day wednesday (2026-May-06); the suite's day is wednesday",
        ),
        (
            "day wednesday # date:2026-May-13",
            False,
            "day wednesday (2026-May-13); the suite's day is wednesday",
        ),
        ("day friday", False, "day friday; the suite's day is wednesday"),
        ("day friday # free", True, "day friday is free"),
        ("day wednesday # free expired", False, "day wednesday has expired until the node is requeued"),
    ],
)
def test_a_time(line: str, holds: bool | None, text: str) -> None:
    wait = only(tree_of("task a # state:queued", line), "/s/a", line.partition(" ")[0])
    assert (wait.holds, wait.text) == (holds, text)


@pytest.mark.parametrize("line", ["time 17:20", "date 6.5.2026", "day wednesday"])
def test_a_time_without_a_calendar_cannot_be_told(line: str) -> None:
    tree = DefinitionTree(f"suite s # state:queued\ntask a # state:queued\n{line}\nendsuite")
    wait = only(tree, "/s/a", line.partition(" ")[0])
    assert (wait.holds, wait.text) == (None, f"{line}: the suite's calendar is unknown")


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
    assert wait.holds is False


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
    wait = only(
        tree_of("task a # state:queued", "task b # state:queued", f"trigger {text}"), "/s/b", "trigger"
    )
    assert (wait.holds, wait.text) == (holds, said)
