"""The answer to why a node waits."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from tests.unit.waits.suite import tree_of
from watchman_cli.errors import NoSuchNode
from watchman_cli.waits.result import explain

TIME = datetime(2026, 5, 6, 17, 20, tzinfo=timezone.utc)
TREE = tree_of("task a # state:aborted", "task b # state:queued", "trigger a == complete", server="HALTED")


def test_an_answer() -> None:
    answer = explain(TREE, "/s/b", TIME)
    assert (answer.path, answer.status, answer.server_state) == ("/s/b", "queued", "HALTED")
    assert [each.kind for each in answer.waits] == ["server", "trigger"]
    assert [each.path for each in answer.in_the_end] == ["/s/a"]
    assert answer.stopped_by == answer.waits


def test_the_document() -> None:
    document = explain(TREE, "/s/b", TIME).as_dict()
    assert list(document) == ["path", "status", "server_state", "collected_time", "waits", "in_the_end"]
    assert [document[name] for name in ("path", "status", "server_state")] == ["/s/b", "queued", "HALTED"]
    assert document["collected_time"] == "2026-05-06T17:20:00+00:00"
    assert document["waits"][0] == {
        "path": "/",
        "kind": "server",
        "holds": False,
        "text": "the server is halted",
    }
    assert document["waits"][1] == {
        "path": "/s/b", "kind": "trigger", "holds": False, "freed": False, "expression": "a == complete",
        "text": "a == complete does not hold: a is aborted", "values": {"a": "aborted"}, "terms": [],
    }  # fmt: skip
    assert document["in_the_end"] == [{"path": "/s/a", "kind": "aborted", "text": "/s/a is aborted"}]


def test_no_such_node() -> None:
    with pytest.raises(NoSuchNode, match=r"^no such node: /s/none$"):
        explain(TREE, "/s/none", TIME)
