"""Nodes by their attributes: a variable, a label, a limit, a repeat, or a trigger on another node."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from watchman_cli.details.attributes import Condition, InLimit, Label, Limit, Repeat, Variable
from watchman_cli.details.generated import repeat_text
from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.lint import comparisons_of, names_in, walk
from watchman_cli.waits.references import resolve
from watchman_cli.waits.syntax import NodeIs

Kind = Literal["variable", "label", "trigger_on", "limit", "repeat"]


@dataclass(frozen=True)
class Found:
    """A node that has what was looked for, and the words for it."""

    server: str
    path: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return the node as `watchman find --json` prints it."""
        return {"server": self.server, "path": self.path, "text": self.text}


def search(tree: Tree, server: str, kind: Kind, wanted: str) -> Iterator[Found]:
    """Yield the nodes of a server that have something; `*` in `wanted` stands for any text."""
    find = _FINDERS[kind](wanted)
    for node in walk(tree):
        for text in find(tree, node):
            yield Found(server, node.path, text)


def pattern(text: str, any_sign: str = ".*") -> re.Pattern[str]:
    """Return the regular expression of a text in which `*` stands for any signs."""
    return re.compile(any_sign.join(map(re.escape, text.split("*"))), re.S)


Finder = Callable[[Tree, Node], Iterator[str]]


def _variable(wanted: str) -> Finder:
    name, equals, value = wanted.partition("=")
    return partial(_find_variable, pattern(name), pattern(value) if equals else pattern("*"))


def _find_variable(name: re.Pattern[str], value: re.Pattern[str], _: Tree, node: Node) -> Iterator[str]:
    for each in node.attributes:
        if isinstance(each, Variable) and name.fullmatch(each.name) and value.fullmatch(each.value):
            yield f"{each.name}={each.value}"


def _label(wanted: str) -> Finder:
    return partial(_find_label, pattern(f"*{wanted}*"))


def _find_label(wanted: re.Pattern[str], _: Tree, node: Node) -> Iterator[str]:
    for each in node.attributes:
        if isinstance(each, Label) and (wanted.fullmatch(each.text) or wanted.fullmatch(each.name)):
            yield f"{each.name}: {each.text}"


def _limit(wanted: str) -> Finder:
    return partial(_find_limit, pattern(wanted))


def _find_limit(name: re.Pattern[str], _: Tree, node: Node) -> Iterator[str]:
    for each in node.attributes:
        if isinstance(each, Limit) and name.fullmatch(each.name):
            yield f"limit {each.name}: {each.value} of {each.most} taken"
        elif isinstance(each, InLimit) and name.fullmatch(each.name):
            yield f"inlimit {each} {each.tokens}"


def _repeat(wanted: str) -> Finder:
    return partial(_find_repeat, pattern(wanted))


def _find_repeat(name: re.Pattern[str], _: Tree, node: Node) -> Iterator[str]:
    for each in node.attributes:
        if isinstance(each, Repeat) and name.fullmatch(each.name):
            yield f"repeat {each.kind} {each.name}: {repeat_text(each)}"


def _trigger_on(wanted: str) -> Finder:
    return partial(_find_trigger_on, pattern(wanted, "[^/]*"))


def _find_trigger_on(path: re.Pattern[str], tree: Tree, node: Node) -> Iterator[str]:
    for each in node.attributes:
        if isinstance(each, Condition) and any(map(path.fullmatch, _paths(tree, node, each.text))):
            yield f"{each.kind} {each.text}"


def _paths(tree: Tree, node: Node, text: str) -> Iterator[str]:
    """Yield the absolute paths of the nodes that an expression refers to."""
    for comparison in comparisons_of(text):
        paths = [comparison.path] if isinstance(comparison, NodeIs) else []
        paths += [name.path for name in names_in(comparison) if name.path is not None]
        for each in paths:
            found = resolve(tree, node, each)
            if found is not None:
                yield found.path


_FINDERS: dict[Kind, Callable[[str], Finder]] = {
    "variable": _variable,
    "label": _label,
    "trigger_on": _trigger_on,
    "limit": _limit,
    "repeat": _repeat,
}


def as_document(found: list[Found]) -> dict[str, Any]:
    """Return the document of `watchman find --json`."""
    return {"found": [each.as_dict() for each in found]}
