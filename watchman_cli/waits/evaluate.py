"""The value of an expression: true, false, or unknown, and the values of its references.

Sources: libs/node/src/ecflow/node/ExprAst.{hpp,cpp}. ecFlow counts in 32 bits, which wrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from watchman_cli.details.dates import add_days, from_julian, to_julian
from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.references import Found, Masked, find_above, find_name, resolve
from watchman_cli.waits.syntax import (
    Comparison,
    EventIs,
    Expression,
    FlagOf,
    Instant,
    JulianDay,
    Junction,
    Name,
    NodeIs,
    Not,
    Number,
    Opposite,
    Order,
    Sum,
    Term,
)

CHAIN = "a chain of comparisons, which ends the server that evaluates it"
MASKED = "it depends on a value that is masked"
INSTANT = "it depends on a date with a time, which watchman does not evaluate"


@dataclass(frozen=True)
class Truth:
    """An expression's value: `holds` is None if that is unknown, and `reason` then says why.

    `values` has each reference as it is written, with a dstate or an integer, None if it names nothing.
    """

    expression: str
    holds: bool | None
    operator: Literal["and", "or", "not"] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    terms: tuple[Truth, ...] = ()
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the tree as `--json` prints it."""
        return {
            "operator": self.operator,
            "expression": self.expression,
            "holds": self.holds,
            "values": dict(self.values),
            "terms": [each.as_dict() for each in self.terms],
        }


def evaluate(tree: Tree, node: Node, expression: Expression) -> Truth:
    """Return the worth of an expression of `node`."""
    if isinstance(expression, Junction):
        return junction(
            expression.text,
            expression.operator,
            tuple(evaluate(tree, node, each) for each in expression.operands),
        )
    if isinstance(expression, Not):
        inner = evaluate(tree, node, expression.operand)
        holds = None if inner.holds is None else not inner.holds
        return Truth(expression.text, holds, "not", inner.values, (inner,), inner.reason)
    return _Terms(tree, node).test(expression)


def junction(text: str, operator: Literal["and", "or"], terms: tuple[Truth, ...]) -> Truth:
    """Return the worth of joined expressions: one that decides it is enough, whatever another is."""
    decisive = operator == "or"
    holds: bool | None = not decisive
    reason = ""
    for each in terms:
        if each.holds is decisive:
            holds, reason = decisive, ""
            break
        if each.holds is None and holds is not None:
            holds, reason = None, each.reason
    values = {name: value for each in terms for name, value in each.values.items()}
    return Truth(text, holds, operator, values, terms, reason)


class _Untold(Exception):
    """A term whose value is unknown; says why."""


class _Terms:
    """Evaluates the terms of one comparison, and notes what its references stand for."""

    def __init__(self, tree: Tree, node: Node) -> None:
        self._tree, self._node = tree, node
        self._values: dict[str, Any] = {}

    def test(self, expression: NodeIs | EventIs | Comparison) -> Truth:
        """Return the worth of one comparison."""
        try:
            holds: bool | None = self._holds(expression)
            reason = ""
        except Masked:
            holds, reason = None, MASKED
        except _Untold as error:
            holds, reason = None, str(error)
        return Truth(expression.text, holds, None, self._values, (), reason)

    def _holds(self, expression: NodeIs | EventIs | Comparison) -> bool:
        if isinstance(expression, NodeIs):
            found = resolve(self._tree, self._node, expression.path)
            self._values[expression.path] = found.status if found else None
            status = found.status if found else "unknown"
            return (status == expression.state) is expression.equal
        if isinstance(expression, EventIs):
            return (self._value(expression.name) == int(expression.is_set)) is expression.equal
        if len(expression.rest) > 1:
            for term in (expression.first, *(each[1] for each in expression.rest)):
                self._value(term)
            raise _Untold(CHAIN)
        first = self._value(expression.first)
        if not expression.rest:
            return isinstance(expression.first, Sum) or first != 0  # ecFlow takes every sum for true
        operator, term = expression.rest[0]
        return compare(operator, first, self._value(term))

    def _value(self, term: Term) -> int:
        if isinstance(term, Number):
            return term.value
        if isinstance(term, Name):
            found = self._find(term)
            return found.value if found else 0
        if isinstance(term, Sum):
            return self._sum(term)
        if isinstance(term, Opposite):
            return int(not self._value(term.term))
        if isinstance(term, FlagOf):
            return int(self._flag(term))
        if isinstance(term, JulianDay):
            argument = self._value(term.argument)
            return wrap(to_julian(argument) if term.to_julian else from_julian(argument))
        assert isinstance(term, Instant)
        raise _Untold(INSTANT)

    def _find(self, name: Name) -> Found | None:
        try:
            if name.path is None:
                found = find_above(self._tree, self._node, name.name)
            else:
                node = resolve(self._tree, self._node, name.path)
                found = find_name(self._tree, node, name.name) if node else None
        except Masked:
            self._values[name.text] = None
            raise
        self._values[name.text] = found.value if found else None
        return found

    def _flag(self, term: FlagOf) -> bool:
        node = resolve(self._tree, self._node, term.path) if term.path != "/" else None
        flags = node.flags if node else self._tree.server.flags if term.path == "/" else ()
        known = node is not None or term.path == "/"
        self._values[term.text] = int(term.flag in flags) if known else None
        return term.flag in flags

    def _sum(self, term: Sum) -> int:
        total = self._value(term.first)
        for index, (operator, each) in enumerate(term.rest):
            value = self._value(each)
            if index == 0 and operator in "+-" and (date := self._date_of(term.first)) is not None:
                total = wrap(add_days(date, value if operator == "+" else -value)) if date else 0
            else:
                total = _ARITHMETIC[operator](total, value)
        return total

    def _date_of(self, term: Term) -> int | None:
        """Return the value of a repeat of dates, to which days are added; None for any other term."""
        if not isinstance(term, Name):
            return None
        found = self._find(term)
        repeat = found.repeat if found else None
        return found.value if found and repeat and repeat.kind in ("date", "datelist") else None


def compare(operator: Order, left: int, right: int) -> bool:
    """Return whether a comparison of two numbers holds."""
    return _ORDERS[operator](left, right)


def wrap(number: int) -> int:
    """Return a number as 32 bits hold it."""
    return (number + 2**31) % 2**32 - 2**31


def _divide(left: int, right: int) -> int:
    if right == 0:
        return 0
    quotient = abs(left) // abs(right)
    return wrap(quotient if (left < 0) == (right < 0) else -quotient)


def _modulo(left: int, right: int) -> int:
    if right == 0:
        return 0
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda left, right: wrap(left + right),
    "-": lambda left, right: wrap(left - right),
    "*": lambda left, right: wrap(left * right),
    "/": _divide,
    "%": _modulo,
}
_ORDERS: dict[Order, Callable[[int, int], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
}
