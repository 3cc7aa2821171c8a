"""All that is known of a node, as one value."""

from __future__ import annotations

import pytest

from tests.support.definition_tree import DefinitionTree
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


def test_paths_of_an_alias() -> None:
    alias = summarize(TREE, "/s/f/g/t/alias0")
    assert (alias.script, alias.job, alias.output) == (
        "/home/s/f/g/t/alias0.usr", "/home/s/f/g/t/alias0.job0", "/out/me/s/f/g/t/alias0.0",
    )  # fmt: skip
    document = alias.as_dict()
    assert [document[name] for name in ("script", "job", "output")] == [alias.script, alias.job, alias.output]


def test_family_has_no_script_even_if_a_user_names_one_for_its_tasks() -> None:
    tree = DefinitionTree("suite s\n edit ECF_SCRIPT '/a.ecf'\n task t\nendsuite")
    assert summarize(tree, "/s").script == "" and summarize(tree, "/s/t").script == "/s/t.ecf"


def test_the_document() -> None:
    document = summarize(TREE, "/s/f").as_dict()
    assert (document["path"], document["kind"], document["try"]) == ("/s/f", "family", 0)
    assert document["repeats"] == [
        {"name": "YMD", "kind": "date", "value": "20260301", "items": ["20260226", "20260310", "1"]}
    ]


def test_no_such_node() -> None:
    with pytest.raises(NoSuchNode, match=r"^no such node: /s/none$"):
        summarize(TREE, "/s/none")


ATTRIBUTES = """
suite s
  task t # try:2 state:aborted dur:00:01:00 flag:late rid:77
    event 3 e
    event 4 # set
    meter m 0 100 # 7
    label l "some text"
    limit lim 5 # 2 /s/a /s/b
    queue q 1 2 3 # 1
    time 10:00
    edit A '1'
endsuite
"""


def test_document_has_each_kind_of_attribute() -> None:
    document = summarize(DefinitionTree(ATTRIBUTES), "/s/t").as_dict()
    names = ("path", "status", "kind", "try", "job_id", "flags", "reason")
    assert {name: document[name] for name in names} == {
        "path": "/s/t", "status": "aborted", "kind": "task", "try": 2, "job_id": "77", "flags": ["late"],
        "reason": "",
    }  # fmt: skip
    assert document["events"] == [
        {"number": 3, "name": "e", "set": False}, {"number": 4, "name": "", "set": True},
    ]  # fmt: skip
    assert document["meters"] == [{"name": "m", "value": 7, "min": 0, "max": 100}]
    assert document["labels"] == [{"name": "l", "text": "some text"}]
    assert document["limits"] == [{"name": "lim", "max": 5, "value": 2, "holders": ["/s/a", "/s/b"]}]
    assert document["queues"] == [{"name": "q", "items": ["1", "2", "3"], "position": 1}]
    assert {"name": "A", "value": "1", "source": "own", "path": "/s/t"} in document["variables"]
    assert "repeats" not in document and "times" not in document


def test_nearest_variable_of_a_name_counts() -> None:
    tree = DefinitionTree(
        "edit A '0' # server\nedit S '0' # server\nsuite s\n edit A '1'\n edit B '1'\n"
        "family f\n  edit A '2'\n"
        "  repeat integer B 5 9\n  task t\n   edit A '3'\n   edit TASK 'own'\nendsuite"
    )
    found = {each.name: (each.value, each.source, each.path) for each in summarize(tree, "/s/f/t").variables}
    assert found["A"] == ("3", "own", "/s/f/t") and found["S"] == ("0", "server", "/")
    assert found["B"] == ("5", "repeat", "/s/f")  # of the nearest node, before a variable above it
    assert found["TASK"] == ("own", "own", "/s/f/t")
