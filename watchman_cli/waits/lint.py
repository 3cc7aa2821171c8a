"""Expressions and claims that cannot be what their author meant: ecFlow is silent about most of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from watchman_cli.details.attributes import Condition, InLimit
from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.conditions import whole_text
from watchman_cli.waits.limits import find_limit
from watchman_cli.waits.parse import parse
from watchman_cli.waits.references import STATES, Masked, find_above, find_name, resolve
from watchman_cli.waits.scan import Unreadable
from watchman_cli.waits.syntax import (
    Comparison,
    EventIs,
    Expression,
    FlagOf,
    JulianDay,
    Junction,
    Name,
    NodeIs,
    Not,
    Number,
    Opposite,
    Sum,
    Term,
    ends_server_when_parsed,
)

FindingKind = Literal["dead-reference", "never", "ends-server", "unreadable"]
MAX_CASES = 4096  # combinations of states that are tried to find out if an expression can ever hold


@dataclass(frozen=True)
class Finding:
    """Something wrong with an expression or a claim of one node."""

    path: str
    kind: FindingKind
    expression: str
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as `--json` prints it."""
        return {"path": self.path, "kind": self.kind, "expression": self.expression, "text": self.text}


def lint(tree: Tree) -> Iterator[Finding]:
    """Yield what is wrong with each node, in their order."""
    for node in walk(tree):
        yield from lint_node(tree, node)


def walk(tree: Tree) -> Iterator[Node]:
    """Yield every node, in the order of the definition."""
    pending = list(reversed(tree.children("/")))
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(tree.children(node.path))


def lint_node(tree: Tree, node: Node) -> Iterator[Finding]:
    """Yield what is wrong with one node's expressions and claims."""
    for kind in ("trigger", "complete"):
        parts = node.conditions(kind)
        if parts:
            yield from _expression(tree, node, kind, parts)
    for attribute in node.attributes:
        if isinstance(attribute, InLimit) and find_limit(tree, node, attribute) is None:
            text = f"there is no limit {attribute}"
            yield Finding(node.path, "dead-reference", f"inlimit {attribute}", text)


def _expression(tree: Tree, node: Node, kind: str, parts: list[Condition]) -> Iterator[Finding]:
    text = whole_text(parts)
    parsed: list[Expression] = []
    for part in parts:
        try:
            parsed.append(parse(part.text))
        except Unreadable as error:
            yield Finding(
                node.path, "unreadable", text, f"the {kind} cannot be read, so it is never true: {error}"
            )
            return
    if any(map(ends_server_when_parsed, parsed)):
        yield Finding(node.path, "ends-server", text, f"reading the {kind} ends the server")
    comparisons = [each for expression in parsed for each in comparisons_in(expression)]
    for comparison in comparisons:
        if isinstance(comparison, Comparison) and len(comparison.rest) > 1:
            yield Finding(
                node.path, "ends-server", text, f"{comparison.text}: a chain of comparisons ends the server"
            )
    for comparison in comparisons:
        yield from (
            Finding(node.path, "dead-reference", text, each) for each in _dead(tree, node, comparison)
        )
    if kind == "trigger" and not _can_hold(parsed, parts):
        yield Finding(node.path, "never", text, f"the {kind} can never hold")


def comparisons_of(text: str) -> Iterator[NodeIs | EventIs | Comparison]:
    """Yield the comparisons of an expression's text, in their order; none if it cannot be read."""
    with suppress(Unreadable):
        yield from comparisons_in(parse(text))


def comparisons_in(expression: Expression) -> Iterator[NodeIs | EventIs | Comparison]:
    """Yield the comparisons of an expression, in their order."""
    if isinstance(expression, Junction):
        for each in expression.operands:
            yield from comparisons_in(each)
    elif isinstance(expression, Not):
        yield from comparisons_in(expression.operand)
    else:
        yield expression


def names_in(comparison: NodeIs | EventIs | Comparison) -> Iterator[Name]:
    """Yield the names of events, meters, variables and others in a comparison."""
    if isinstance(comparison, EventIs):
        yield comparison.name
    elif isinstance(comparison, Comparison):
        for term in (comparison.first, *(each for _, each in comparison.rest)):
            yield from (each for each in _leaves(term) if isinstance(each, Name))


def _leaves(term: Term) -> Iterator[Term]:
    if isinstance(term, Sum):
        for each in (term.first, *(each for _, each in term.rest)):
            yield from _leaves(each)
    elif isinstance(term, Opposite):
        yield from _leaves(term.term)
    elif isinstance(term, JulianDay):
        yield from _leaves(term.argument)
    else:
        yield term


def _dead(tree: Tree, node: Node, comparison: NodeIs | EventIs | Comparison) -> Iterator[str]:
    """Yield what each reference that names nothing is."""
    if isinstance(comparison, NodeIs) and resolve(tree, node, comparison.path) is None:
        yield f"{comparison.path}: there is no such node"
    for name in names_in(comparison):
        try:
            if name.path is None:
                if find_above(tree, node, name.name) is None:
                    yield f"{name.text}: neither this node nor one above it has that name"
                continue
            owner = resolve(tree, node, name.path)
            if owner is None:
                yield f"{name.text}: there is no node {name.path}"
            elif find_name(tree, owner, name.name) is None:
                yield f"{name.text}: {owner.path} has nothing of that name"
        except Masked:  # it is there
            continue
    if isinstance(comparison, Comparison):
        for term in (comparison.first, *(each for _, each in comparison.rest)):
            for each in _leaves(term):
                if isinstance(each, FlagOf) and each.path != "/" and resolve(tree, node, each.path) is None:
                    yield f"{each.text}: there is no node {each.path}"


# --------------------------------------------------------------------------- can it ever hold?


def _can_hold(parsed: list[Expression], parts: list[Condition]) -> bool:
    """Return whether some states of the nodes fulfil a trigger; True if that cannot be decided.

    Only states are tried: each node in one state at a time. A comparison of numbers that has a name may hold.
    """
    paths = sorted(
        {
            each.path
            for expression in parsed
            for each in comparisons_in(expression)
            if isinstance(each, NodeIs)
        }
    )
    if len(STATES) ** len(paths) > MAX_CASES:
        return True
    for states in product(STATES, repeat=len(paths)):
        case = dict(zip(paths, states, strict=True))
        holds = _may_hold(parsed[0], case)
        for expression, part in zip(parsed[1:], parts[1:], strict=True):
            right = _may_hold(expression, case)
            holds = (holds or right) if part.part == "or" else (holds and right)
        if holds:
            return True
    return False


def _may_hold(expression: Expression, case: dict[str, str], wanted: bool = True) -> bool:
    """Return whether an expression may be `wanted`, with the nodes in these states."""
    if isinstance(expression, Not):
        return _may_hold(expression.operand, case, not wanted)
    if isinstance(expression, Junction):
        every = (expression.operator == "and") is wanted
        found = (_may_hold(each, case, wanted) for each in expression.operands)
        return all(found) if every else any(found)
    if isinstance(expression, NodeIs):
        return ((case[expression.path] == expression.state) is expression.equal) is wanted
    if isinstance(expression, Comparison) and len(expression.rest) == 1:
        first, (operator, second) = expression.first, expression.rest[0]
        if isinstance(first, Number) and isinstance(second, Number):
            from watchman_cli.waits.evaluate import compare

            return compare(operator, first.value, second.value) is wanted
    if isinstance(expression, Comparison) and not expression.rest and isinstance(expression.first, Number):
        return bool(expression.first.value) is wanted
    return True
