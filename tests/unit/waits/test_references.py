"""What a path and a name stand for."""

from __future__ import annotations

import pytest

from tests.unit.waits.test_evaluate import TREE
from watchman_cli.waits.references import Masked, as_number, find_above, find_name, resolve, upwards


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
