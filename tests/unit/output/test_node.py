"""All that is known of a node, for a person."""

from __future__ import annotations

from tests.unit.waits.suite import tree_of
from watchman_cli.details.summary import summarize
from watchman_cli.output.node import render

TREE = tree_of(
    "limit lim 5 # 3 /s/a",
    "repeat integer R 1 9 4",
    "task a # state:aborted flag:late try:2 rid:77 abort<:no such file>abort",
    "edit V '5'",
    "event ready # set",
    "event 7",
    "meter m 0 100 90 # 45",
    'label info "" # "step 5"',
    "queue q x y # 1 complete active",
)


def test_a_task() -> None:
    lines = list(render(summarize(TREE, "/s/a"), False))
    assert lines[:12] == [
        "/s/a: task, aborted, late",
        "  try       2",
        "  job       77",
        "  aborted   no such file",
        "  script    /s/a.ecf",
        "  job file  /s/a.job2",
        "  output    /s/a.2",
        "  event     ready: set",
        "  event     7: clear",
        "  meter     m: 45 of 100",
        "  label     info: step 5",
        "  queue     q: item 1 of 2",
    ]
    variables = [line.split(maxsplit=1) for line in lines[13:]]
    assert ["V", "5"] in variables and ["R", "1  (repeat, /s)"] in variables


def test_a_suite() -> None:
    lines = list(render(summarize(TREE, "/s"), False))
    assert lines[:3] == ["/s: suite, queued", "  limit     lim: 3 of 5 taken, by /s/a", "  repeat    R: 1"]
