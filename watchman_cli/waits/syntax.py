"""What a trigger or a complete is made of, once it is parsed. Each part knows its own text.

Sources: libs/node/src/ecflow/node/ExprParser.cpp (the grammar), ExprAst.cpp (the values).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Union

StateWord = Literal["complete", "aborted", "queued", "active", "submitted", "unknown"]
FlagWord = Literal["late", "zombie", "archived"]
Arithmetic = Literal["+", "-", "*", "/", "%"]
Order = Literal["==", "!=", ">=", "<=", ">", "<"]


class Number(NamedTuple):
    """A whole number from 0 to 2147483647."""

    text: str
    value: int


class Instant(NamedTuple):
    """A date with a time, as ecFlow has it since 5.12: 20260101T000000."""

    text: str


class Name(NamedTuple):
    """An event, meter, variable, repeat, limit or queue; on this node or above it if `path` is None."""

    text: str
    path: str | None
    name: str


class FlagOf(NamedTuple):
    """Whether a node has a flag."""

    text: str
    path: str
    flag: FlagWord


class JulianDay(NamedTuple):
    """A date as a number of days (`to_julian`), or such a number as a date."""

    text: str
    to_julian: bool
    argument: Name | Number


class Sum(NamedTuple):
    """Terms from left to right: no operator comes before another."""

    text: str
    first: Term
    rest: tuple[tuple[Arithmetic, Term], ...]


class Opposite(NamedTuple):
    """A `not` on the right side of a comparison: 1 if its term is 0, else 0."""

    text: str
    term: Term


Term = Union[Number, Instant, Name, FlagOf, JulianDay, Sum, Opposite]


class NodeIs(NamedTuple):
    """A node's state, equal to a word or not."""

    text: str
    path: str
    equal: bool
    state: StateWord


class EventIs(NamedTuple):
    """An event, set or clear."""

    text: str
    name: Name
    equal: bool
    is_set: bool


class Comparison(NamedTuple):
    """A term that is compared with another; with no other it is a test by itself.

    More than one comparison in a row is a chain: ecFlow accepts it, and evaluating it ends the server.
    """

    text: str
    first: Term
    rest: tuple[tuple[Order, Term], ...]


class Not(NamedTuple):
    """The opposite of an expression."""

    text: str
    operand: Expression


class Junction(NamedTuple):
    """Expressions joined by one word; `plain` if they are comparisons and none is in brackets."""

    text: str
    operator: Literal["and", "or"]
    operands: tuple[Expression, ...]
    plain: bool = False


Expression = Union[NodeIs, EventIs, Comparison, Not, Junction]


def ends_server_when_parsed(expression: Expression) -> bool:
    """Return whether ecFlow aborts when it reads the expression (5.9.2: ExprParser.cpp, `doCreateAst`).

    It does at a sum before a chain of comparisons, and at a sum alone among three or more comparisons that
    are joined by `and`.
    """
    if isinstance(expression, Not):
        return ends_server_when_parsed(expression.operand)
    if isinstance(expression, Junction):
        sums = any(_is_sum_alone(each) for each in expression.operands)
        if expression.plain and len(expression.operands) > 2 and sums:
            return True
        return any(ends_server_when_parsed(each) for each in expression.operands)
    return (
        isinstance(expression, Comparison) and len(expression.rest) > 1 and isinstance(expression.first, Sum)
    )


def _is_sum_alone(expression: Expression) -> bool:
    inner = expression.operand if isinstance(expression, Not) else expression
    return isinstance(inner, Comparison) and not inner.rest and isinstance(inner.first, Sum)
