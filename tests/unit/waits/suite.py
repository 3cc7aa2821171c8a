"""A suite /s of a few lines, and the conditions of its nodes."""

from __future__ import annotations

from tests.support.definition_tree import DefinitionTree
from watchman_cli.waits.condition import Wait
from watchman_cli.waits.conditions import conditions_of, stopping

CALENDAR = "calendar initTime:2026-May-04 00:00:00 suiteTime:2026-May-06 17:20:00 duration:65:20:00"


def tree_of(
    *lines: str, server: str = "RUNNING", suite: str = "begun:1 state:queued", calendar: str = CALENDAR
) -> DefinitionTree:
    """Return a suite /s with these lines in it."""
    head = f"defs_state NET state>:queued server_state:{server}"
    return DefinitionTree(
        "\n".join(["#5.9.2", head, f"suite s # {suite}", calendar, *lines, "endsuite", "# enddef"])
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
