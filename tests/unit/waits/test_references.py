"""What a path and a name stand for."""

from __future__ import annotations

import pytest

from tests.support.definition_tree import DefinitionTree
from tests.unit.waits.test_evaluate import TREE
from watchman_cli.details.attributes import Queue, Repeat
from watchman_cli.waits.references import (
    Masked,
    _queue_value,
    as_number,
    find_above,
    find_name,
    repeat_value,
    resolve,
    upwards,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", "/s/f/a"),
        ("b", "/s/f/b"),
        ("./a", "/s/f/a"),
        ("../g", "/s/g"),
        ("../g/h/t", "/s/g/h/t"),
        ("../../s/f", "/s/f"),
        ("/s/g", "/s/g"),
        ("../../../s", None),
        ("ghost", None),
        ("g", None),
        ("/none", None),
    ],
)
def test_a_path(path: str, found: str | None) -> None:
    node = TREE.node("/s/f/b")
    assert node
    resolved = resolve(TREE, node, path)
    assert (resolved.path if resolved else None) == found


def test_a_family_finds_what_is_below_it_by_two_names() -> None:
    family = TREE.node("/s/g")
    assert family
    found = resolve(TREE, family, "h/t")
    assert found and found.path == "/s/g/h/t"
    assert resolve(TREE, family, "h") is None


def test_a_name_on_one_node_and_above_it() -> None:
    task = TREE.node("/s/f/b")
    assert task
    assert find_name(TREE, task, "UP") is None
    above = find_above(TREE, task, "UP")
    assert above and above.value == 3
    assert find_above(TREE, task, "NONE") is None
    assert [each.path for each in upwards(TREE, task)] == ["/s/f/b", "/s/f", "/s"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-3", -3),
        ("+5", 5),
        ("007", 7),
        ("2147483647", 2147483647),
        ("2147483648", 0),
        ("x", 0),
        ("", 0),
    ],
)
def test_a_variable_as_a_number(text: str, number: int) -> None:
    assert as_number(text) == number


def test_a_masked_variable_has_no_number() -> None:
    with pytest.raises(Masked):
        as_number("***")


def test_name_of_a_node_may_end_with_any_letter() -> None:
    tree = DefinitionTree("suite sX\n  task a # state:complete\n  task b\nendsuite")
    node = tree.node("/sX/b")
    assert node
    found = [resolve(tree, node, path) for path in ("a", "./a", "../sX/a")]
    assert [each.path if each else None for each in found] == ["/sX/a"] * 3


EVERYTHING = """
suite s
  task t
    event 3 e
    event 4 # set
    event m
    meter m 0 100 # 7
    meter v 0 100 # 8
    edit v '9'
    edit r '10'
    repeat integer r 1 20 # 11
    limit TASK 5 # 12 /s/t
    limit l 5 # 2 /s/t
    queue l 1 2 3 # 1
    queue q 21 22 23 # 1
    edit PASSWORD '***'
endsuite
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("e", 0),
        ("3", 0),
        ("4", 1),
        ("m", 0),  # an event comes before a meter
        ("v", 8),  # a meter before a variable
        ("r", 10),  # a variable before a repeat
        ("TASK", 0),  # a generated variable, which is no number, before a limit
        ("l", 2),  # a limit before a queue
        ("q", 22),
    ],
)
def test_first_attribute_of_a_name_counts(name: str, value: int) -> None:
    tree = DefinitionTree(EVERYTHING)
    node = tree.node("/s/t")
    assert node
    found = find_name(tree, node, name)
    assert found and (found.value, found.repeat) == (value, None)


def test_masked_name_is_unknown() -> None:
    tree = DefinitionTree(EVERYTHING)
    node = tree.node("/s/t")
    assert node
    with pytest.raises(Masked):
        find_name(tree, node, "PASSWORD")


@pytest.mark.parametrize(
    ("repeat", "value"),
    [
        (Repeat("integer", "r", ("1", "5", "1"), 3), 3),
        (Repeat("integer", "r", ("1", "5", "1"), 0), 1),
        (Repeat("integer", "r", ("1", "5", "1"), 6), 5),
        (Repeat("integer", "r", ("5", "1", "-1"), 0), 1),
        (Repeat("integer", "r", ("5", "1", "-1"), 6), 5),
        (Repeat("date", "r", ("20260101", "20260131", "1"), 20260201), 20260131),
        (Repeat("enumerated", "r", ("7", "8", "9"), 0), 7),
        (Repeat("enumerated", "r", ("7", "8", "9"), 2), 9),
        (Repeat("enumerated", "r", ("7", "8", "9"), 3), 9),  # past its end
        (Repeat("enumerated", "r", ("7", "8", "9"), -1), 7),
        (Repeat("enumerated", "r", ("a", "8"), 0), 0),
        (Repeat("enumerated", "r", ("a", "b", "c"), 2), 2),
        (Repeat("enumerated", "r", ("a", "b"), 2), 1),
        (Repeat("datelist", "r", ("20260101", "20260103"), 1), 20260103),
        (Repeat("string", "r", ("7", "8"), 1), 1),  # its index, for any text
        (Repeat("enumerated", "r", (), 4), 4),
        (Repeat("day", "r", ("1",), 6), 6),
    ],
)
def test_value_of_a_repeat(repeat: Repeat, value: int) -> None:
    assert repeat_value(repeat) == value


def test_masked_repeat_has_no_value() -> None:
    with pytest.raises(Masked):
        repeat_value(Repeat("enumerated", "TOKENS", ("***",), 0))
    assert repeat_value(Repeat("string", "r", ("***", "x"), 1)) == 1


@pytest.mark.parametrize(
    ("items", "position", "value"),
    [
        (("7", "x", "9"), 0, 7),
        (("7", "x", "9"), 1, 1),
        (("7", "x", "9"), 2, 9),
        (("7", "x", "9"), 3, 3),
        (("7", "x", "9"), -1, -1),
        ((), 0, 0),
    ],
)
def test_value_of_a_queue(items: tuple[str, ...], position: int, value: int) -> None:
    assert _queue_value(Queue("q", items, position, ())) == value
