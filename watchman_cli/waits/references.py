"""What a path and a name in an expression stand for, as ecFlow looks them up.

Sources: libs/node/src/ecflow/node/Node.cpp (`findReferencedNode`, `findExprVariableValue`), NodeMemento.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from watchman_cli.details.attributes import Event, Limit, Meter, Queue, Repeat
from watchman_cli.details.generated import generated_variables
from watchman_cli.details.node import Node, Tree

MASKED = "***"
# The kinds of details that expressions and claims are, or refer to: without one of them, they seem to name
# nothing. A node may wait for a time as well.
REFERRED = ("events", "inlimits", "limits", "meters", "queues", "repeats", "triggers", "variables")
NEEDED = (*REFERRED, "times")
STATES = (
    "unknown",
    "complete",
    "queued",
    "aborted",
    "submitted",
    "active",
    "suspended",
)  # each at its number
_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
LEAST, MOST = -(2**31), 2**31 - 1


class Masked(Exception):
    """A variable whose value is not kept."""


class Found(NamedTuple):
    """What a name stands for: its value as a number, and the repeat, if it is one."""

    value: int
    repeat: Repeat | None = None


def resolve(tree: Tree, node: Node, path: str) -> Node | None:
    """Return the node that a path in an expression of `node` means, or None."""
    if path.startswith("/"):
        return tree.node(path)
    names = path.split("/")
    above = node.parent
    if names[0] == ".":
        return tree.node(_join(above, names[1:]))
    if names[0] == "..":
        while names and names[0] == "..":
            if above == "/":
                return None
            above = above.rpartition("/")[0] or "/"
            names = names[1:]
        return tree.node(_join(above, names))
    found = tree.node(_join(above, names)) if above != "/" or len(names) > 1 else None
    if found is None and len(names) > 1:
        return tree.node(_join(node.path, names))
    return found


def _join(above: str, names: list[str]) -> str:
    return "/".join([above.rstrip("/"), *names])


def find_name(tree: Tree, node: Node, name: str) -> Found | None:
    """Return the value of a name on one node, or None. Raises Masked."""
    for attribute in node.attributes:
        if isinstance(attribute, Event) and attribute.name == name:
            return Found(int(attribute.is_set))
    for attribute in node.attributes:
        if isinstance(attribute, Event) and attribute.is_called(name):
            return Found(int(attribute.is_set))
    for attribute in node.attributes:
        if isinstance(attribute, Meter) and attribute.name == name:
            return Found(attribute.value)
    if name in node.variables:
        return Found(as_number(node.variables[name]))
    for attribute in node.attributes:
        if isinstance(attribute, Repeat) and attribute.name == name:
            return Found(repeat_value(attribute), attribute)
    generated = generated_variables(tree, node)
    if name in generated:
        return Found(as_number(generated[name]))
    for attribute in node.attributes:
        if isinstance(attribute, Limit) and attribute.name == name:
            return Found(attribute.value)
    for attribute in node.attributes:
        if isinstance(attribute, Queue) and attribute.name == name:
            return Found(_queue_value(attribute))
    return None


def find_above(tree: Tree, node: Node, name: str) -> Found | None:
    """Return the value of a name on this node, else on the nearest one above it. Raises Masked."""
    for each in upwards(tree, node):
        found = find_name(tree, each, name)
        if found is not None:
            return found
    return None


def upwards(tree: Tree, node: Node) -> Iterator[Node]:
    """Yield a node, and those above it up to its suite."""
    each: Node | None = node
    while each is not None:
        yield each
        each = tree.node(each.parent)  # None above a suite


def as_number(text: str) -> int:
    """Return a variable's value as ecFlow counts with it: a 32-bit integer, else 0. Raises Masked."""
    if text == MASKED:
        raise Masked
    number = int(text) if _INTEGER.fullmatch(text) else 0
    return number if LEAST <= number <= MOST else 0


def repeat_value(repeat: Repeat) -> int:
    """Return a repeat's value in an expression; past its end, the last valid one (RepeatAttr.cpp).

    Raises Masked.
    """
    if repeat.items == (MASKED,):
        raise Masked
    if repeat.kind in ("integer", "date"):
        start, end = int(repeat.items[0]), int(repeat.items[1])
        return max(min(start, end), min(max(start, end), repeat.position))
    index = max(0, min(repeat.position, len(repeat.items) - 1))
    if repeat.kind in ("enumerated", "datelist") and repeat.items and _INTEGER.fullmatch(repeat.items[index]):
        return as_number(repeat.items[index])
    return index if repeat.items and repeat.kind != "day" else repeat.position


def _queue_value(queue: Queue) -> int:
    item = queue.items[queue.position] if 0 <= queue.position < len(queue.items) else ""
    return as_number(item) if _INTEGER.fullmatch(item) else queue.position
