"""All that is known of a node, as one value."""

from __future__ import annotations

import pytest

from tests.unit.details.test_generated import TREE
from watchman_cli.details.summary import summarize
from watchman_cli.errors import NoSuchNode


def test_variables_and_where_they_come_from() -> None:
    found = summarize(TREE, "/s/f/g/t")
    known = {each.name: (each.value, each.source, each.path) for each in found.variables}
    assert known["USER"] == ("me", "inherited", "/s/f/g")
    assert known["YMD"] == ("20260301", "repeat", "/s/f")
    assert known["YMD_MM"] == ("3", "generated", "/s/f")
    assert known["TASK"] == ("t", "generated", "/s/f/g/t")
    assert known["PORT"] == ("3141", "server", "/")
    own = summarize(TREE, "/s/f/g/own").variable("ECF_JOB")
    assert own and (own.value, own.source) == ("/x.job", "own")
    assert found.variable("NONE") is None
    assert [each.name for each in found.variables] == sorted(known)


def test_a_task_has_paths_and_a_family_none() -> None:
    task, family = summarize(TREE, "/s/f/g/t"), summarize(TREE, "/s/f/g")
    assert (task.script, task.job, task.output) == (
        "/home/s/f/g/t.ecf", "/home/s/f/g/t.job2", "/out/me/s/f/g/t.2",
    )  # fmt: skip
    assert (family.script, family.job, family.output) == ("", "", "")
    assert (task.try_number, task.job_id, task.status) == (2, "77", "aborted")


def test_the_document() -> None:
    document = summarize(TREE, "/s/f").as_dict()
    assert (document["path"], document["kind"], document["try"]) == ("/s/f", "family", 0)
    assert document["repeats"] == [
        {"name": "YMD", "kind": "date", "value": "20260301", "items": ["20260226", "20260310", "1"]}
    ]


def test_no_such_node() -> None:
    with pytest.raises(NoSuchNode, match=r"^no such node: /s/none$"):
        summarize(TREE, "/s/none")
