"""A condition as `--json` prints it."""

from __future__ import annotations

from tests.unit.waits.suite import only, tree_of
from watchman_cli.waits.condition import Wait


def test_condition_in_json() -> None:
    wait = Wait("/s/a", "limit", None, "unknown")
    assert wait.as_dict() == {"path": "/s/a", "kind": "limit", "holds": None, "text": "unknown"}


def test_trigger_has_its_terms_in_json() -> None:
    found = only(tree_of("task a # state:queued", "trigger /s/a == queued and 1 # free"), "/s/a", "trigger")
    document = found.as_dict()
    assert (document["freed"], document["expression"]) == (True, "/s/a == queued and 1")
    assert document["values"] == {"/s/a": "queued"}
    assert [each["holds"] for each in document["terms"]] == [True, True]


def test_expression_that_cannot_be_read_has_no_terms_in_json() -> None:
    document = Wait("/s/a", "complete", False, "why", expression="a ===").as_dict()
    assert document == {
        "path": "/s/a", "kind": "complete", "holds": False, "text": "why", "freed": False,
        "expression": "a ===", "values": {}, "terms": [],
    }  # fmt: skip
