"""The variables that ecFlow generates, and how a name is looked up."""

from __future__ import annotations

import pytest

from tests.support.definition_tree import DefinitionTree
from watchman_cli.details.attributes import Repeat
from watchman_cli.details.generated import expand, generated_variables, lookup, repeat_text
from watchman_cli.details.parse import parse_attribute

TREE = DefinitionTree(
    """\
defs_state NET server_state:RUNNING
edit ECF_HOME '/home' # server
edit PORT '3141' # server
suite s # state:queued
calendar initTime:2026-Mar-01 00:00:00 suiteTime:2026-Mar-05 09:04:07
edit ECF_OUT '/out/%USER%'
edit USER 'op'
edit LOOP '%LOOP%'
family f # state:queued
repeat date YMD 20260226 20260310 1 # 20260301
family g # state:queued
edit USER 'me'
task t # state:aborted try:2 rid:77
alias alias0 # state:queued
endalias
task own # state:queued
edit ECF_JOB '/x.job'
edit ECF_EXTN '.py'
endfamily
endfamily
endsuite
"""
)


def of(path: str) -> dict[str, str]:
    node = TREE.node(path)
    assert node
    return generated_variables(TREE, node)


def test_a_suites_variables() -> None:
    assert of("/s") == {
        "SUITE": "s", "ECF_DATE": "20260305", "YYYY": "2026", "MM": "03", "DD": "05", "DOW": "4", "DOY": "64",
        "DATE": "05.03.2026", "DAY": "thursday", "MONTH": "march", "ECF_CLOCK": "thursday:march:4:64",
        "TIME": "0904", "ECF_TIME": "09:04", "ECF_JULIAN": "2461105",
    }  # fmt: skip


def test_a_familys_variables() -> None:
    assert of("/s/f/g") == {"FAMILY": "f/g", "FAMILY1": "g"}
    assert {name: of("/s/f")[f"YMD_{name}"] for name in ("YYYY", "MM", "DD", "DOW")} == {
        "YYYY": "2026", "MM": "3", "DD": "1", "DOW": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("repeat", "parts"),
    [
        ("date D 20260226 20260310 1", ["2026", "2", "26", "4", "2461098"]),
        ("date D 20260226 20260310 1 # 20260310", ["2026", "3", "10", "2", "2461110"]),
        ("date D 20260226 20260310 1 # 20260311", [""] * 5),  # past its end
        ("date D 20260310 20260226 -1 # 20260225", [""] * 5),
        ('datelist D "20260226" "20260310" # 1', ["2026", "3", "10", "2", "2461110"]),
        ('datelist D "20260226" "20260310" # 2', [""] * 5),
    ],
)
def test_parts_of_a_repeated_date(repeat: str, parts: list[str]) -> None:
    tree = DefinitionTree(f"suite s\n repeat {repeat}\nendsuite")
    node = tree.node("/s")
    assert node
    found = generated_variables(tree, node)
    assert [found[f"D_{name}"] for name in ("YYYY", "MM", "DD", "DOW", "JULIAN")] == parts


def test_paths_of_a_task_without_a_home() -> None:
    tree = DefinitionTree("suite s\n task t # state:queued\nendsuite")
    node = tree.node("/s/t")
    assert node
    found = generated_variables(tree, node)
    assert [found[name] for name in ("ECF_SCRIPT", "ECF_JOB", "ECF_JOBOUT")] == [
        "/s/t.ecf", "/s/t.job0", "/s/t.0",
    ]  # fmt: skip


def test_a_tasks_variables() -> None:
    found = of("/s/f/g/t")
    assert found["ECF_NAME"] == "/s/f/g/t"
    assert found["ECF_JOBOUT"] == "/out/me/s/f/g/t.2"
    assert (found["ECF_JOB"], found["ECF_SCRIPT"]) == ("/home/s/f/g/t.job2", "/home/s/f/g/t.ecf")
    assert (found["ECF_TRYNO"], found["ECF_RID"], found["ECF_PASS"], found["TASK"]) == ("2", "77", "***", "t")


def test_what_a_node_sets_itself_replaces_what_is_computed() -> None:
    found = of("/s/f/g/own")
    assert (found["ECF_JOB"], found["ECF_SCRIPT"]) == ("/x.job", "/home/s/f/g/own.py")


def test_an_alias() -> None:
    found = of("/s/f/g/t/alias0")
    assert (found["TASK"], found["ECF_SCRIPT"]) == ("t", "/home/s/f/g/t/alias0.usr")


def test_a_name_is_looked_up_from_the_node_upwards() -> None:
    task = TREE.node("/s/f/g/t")
    assert task
    names = ("USER", "YMD", "YMD_DD", "FAMILY1", "SUITE", "PORT", "NONE")
    assert [lookup(TREE, task, name) for name in names] == ["me", "20260301", "1", "g", "s", "3141", None]


def test_expansion_ends() -> None:
    task = TREE.node("/s/f/g/t")
    assert task
    assert expand(TREE, task, "%USER%-%NONE:x%-%PORT%") == "me-x-3141"
    assert expand(TREE, task, "%NONE%") == "%NONE%"
    assert expand(TREE, task, "%LOOP%") == "%LOOP%"


def test_a_repeats_text() -> None:
    lines = {
        "repeat integer R 1 9 4 # 13": "9", "repeat integer R 9 1 -4 # 5": "5",
        'repeat enumerated E "07" "x" # 1': "x", 'repeat string S "a" # 4': "a", "repeat day 2 # 3": "3",
        "repeat date D 20260101 20260105 1 # 20260106": "20260105",
        'repeat datelist L "20260101" "20260201" # 1': "20260201", "repeat string S": "",
    }  # fmt: skip
    for line, text in lines.items():
        repeat = parse_attribute(line)
        assert isinstance(repeat, Repeat) and repeat_text(repeat) == text
