"""Nodes by what they have."""

from __future__ import annotations

import pytest

from tests.unit.waits.suite import tree_of
from watchman_cli.waits.find import Kind, as_document, search

TREE = tree_of(
    "edit HOST 'login01'",
    "limit lim 5 # 3 /s/a",
    "family f # state:queued",
    "edit HOST 'login02'",
    "repeat date YMD 20260101 20260105 1 # 20260103",
    "task a # state:queued",
    "edit PORT '31'",
    'label info "" # "step 5 of 9"',
    "inlimit lim 2",
    "trigger ../b == complete and ../b:V > 3",
    "endfamily",
    "task b # state:queued",
    "trigger f/a == complete or (",
    "complete f == complete",
)


@pytest.mark.parametrize(
    ("kind", "wanted", "found"),
    [
        ("variable", "HOST=login01", [("/s", "HOST=login01")]),
        ("variable", "HOST=login*", [("/s", "HOST=login01"), ("/s/f", "HOST=login02")]),
        ("variable", "HOST", [("/s", "HOST=login01"), ("/s/f", "HOST=login02")]),
        ("variable", "*=31", [("/s/f/a", "PORT=31")]),
        ("variable", "HOST=login", []),
        ("label", "step", [("/s/f/a", "info: step 5 of 9")]),
        ("label", "step*9", [("/s/f/a", "info: step 5 of 9")]),
        ("label", "info", [("/s/f/a", "info: step 5 of 9")]),
        ("label", "none", []),
        ("limit", "lim", [("/s", "limit lim: 3 of 5 taken"), ("/s/f/a", "inlimit lim 2")]),
        ("limit", "li", []),
        ("repeat", "Y*", [("/s/f", "repeat date YMD: 20260103")]),
        ("trigger_on", "/s/b", [("/s/f/a", "trigger ../b == complete and ../b:V > 3")]),
        ("trigger_on", "/s/*", [
            ("/s/f/a", "trigger ../b == complete and ../b:V > 3"), ("/s/b", "complete f == complete"),
        ]),
        ("trigger_on", "/s*", []),  # a star stands for no slash
        ("trigger_on", "/s/f/a", []),  # the text cannot be read
    ],
)  # fmt: skip
def test_search(kind: Kind, wanted: str, found: list[tuple[str, str]]) -> None:
    assert [(each.path, each.text) for each in search(TREE, "o/r", kind, wanted)] == found


def test_a_result_for_a_program() -> None:
    (found,) = search(TREE, "o/r", "repeat", "YMD")
    assert found.as_dict() == {"server": "o/r", "path": "/s/f", "text": "repeat date YMD: 20260103"}
    assert as_document([found]) == {"found": [found.as_dict()]}
