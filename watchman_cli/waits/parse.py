"""Parses a trigger or a complete as ecFlow does: ordered choice, the first match counts.

The grammar is ExprParser.cpp's. Its two `||` there, between words, mean one of them or each in turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from watchman_cli.waits.scan import NAME, Scanner, TooLarge, Unreadable
from watchman_cli.waits.syntax import (
    Arithmetic,
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

MAX_LENGTH = 20_000  # characters
MAX_NUMBER = 2**31 - 1
_INSTANT = re.compile(r"\d{8}T\d{6}", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
_NOT = re.compile(r"not |!|~")
_AND = re.compile(r"and(?:\s*&&)?(?:\s*AND)?|&&(?:\s*AND)?|AND", re.ASCII)
_OR = re.compile(r"or(?:\s*\|\|)?(?:\s*OR)?|\|\|(?:\s*OR)?|OR", re.ASCII)
_EQUALITY = re.compile(r"==|eq|ne|!=")
_ORDER = re.compile(r"==|eq|ne|!=|ge|le|gt|lt|>=|<=|<|>")
_STATE = re.compile("complete|aborted|queued|active|submitted|unknown")
_EVENT = re.compile(r"set(?:\s*clear)?|clear", re.ASCII)
_FLAG = re.compile(r"<flag>\s*(late|zombie|archived)", re.ASCII)
_ARITHMETIC = re.compile(r"[-+/*%]")
_JULIAN = re.compile(r"cal::(date_to_julian|julian_to_date)")
_ORDERS: dict[str, Order] = {"eq": "==", "ne": "!=", "ge": ">=", "le": "<=", "gt": ">", "lt": "<"}


def parse(text: str) -> Expression:
    """Return the expression in a text. Raises Unreadable."""
    if len(text) > MAX_LENGTH:
        raise TooLarge(f"it is longer than {MAX_LENGTH} characters")
    parser = _Parser(text)
    try:
        found = parser.whole()
    except RecursionError:
        raise TooLarge("it is nested too deeply") from None
    parser.skip()
    if found is None or parser.at < len(text):
        raise Unreadable(f"ecFlow cannot read it from character {parser.furthest + 1} on")
    return found


def _join(text: str, word: Literal["and", "or"], left: Expression, right: Expression) -> Junction:
    """Return both sides joined; a right side with the same word is not a level of its own."""
    joined = (
        isinstance(right, Junction)
        and not right.plain
        and right.operator == word
        and text.endswith(right.text)
    )
    operands = right.operands if joined and isinstance(right, Junction) else (right,)
    return Junction(text, word, (left, *operands))


class _Parser(Scanner):
    """Reads the parts of an expression; a method that finds nothing there returns None."""

    # ------------------------------------------------------------------------- and, or, not

    def whole(self) -> Expression | None:
        """Read comparisons joined by `and`, or a group; all that follows is their right side."""
        starts = [self.at]
        heads: list[Expression] = []
        words: list[Literal["and", "or"]] = []
        while (head := self.first(self._conjunction, self._group)) is not None:
            heads.append(head)
            before = self.at
            if self.take(_AND):
                words.append("and")
            elif self.take(_OR):
                words.append("or")
            else:
                break
            starts.append(self.at)
        else:
            if not heads:
                return None
            self.at = before  # an `and` or `or` with nothing behind it
            words.pop()
        found = heads.pop()
        for start, word, head in zip(
            reversed(starts[: len(words)]), reversed(words), reversed(heads), strict=True
        ):
            found = _join(self.since(start), word, head, found)
        return found

    def _conjunction(self) -> Expression | None:
        start = self.at
        operands: list[Expression] = []
        while (operand := self._negatable(self._comparison)) is not None:
            operands.append(operand)
            before = self.at
            if not self.take(_AND):
                break
        else:
            if not operands:
                return None
            self.at = before
        return (
            operands[0]
            if len(operands) == 1
            else Junction(self.since(start), "and", tuple(operands), plain=True)
        )

    def _group(self) -> Expression | None:
        return self._negatable(lambda: self.deeper(self.whole))

    def _negatable(self, inside: Callable[[], Expression | None]) -> Expression | None:
        start = self.at
        negated = self.take(_NOT) is not None
        found = inside()
        return Not(self.since(start), found) if found is not None and negated else found

    # -------------------------------------------------------------------------- comparisons

    def _comparison(self) -> Expression | None:
        found: Expression | None = self.first(self._node_is, self._event_is, self._sums)
        return found

    def _node_is(self) -> Expression | None:
        start = self.at
        path = self.path()
        operator = self.take(_EQUALITY) if path is not None else None
        state = self.take(_STATE) if operator else None
        if path is None or operator is None or state is None:
            return None
        word: str = state[0]
        return NodeIs(self.since(start), path, operator[0] in ("==", "eq"), word)  # type: ignore[arg-type]

    def _event_is(self) -> Expression | None:
        start = self.at
        name = self._name()
        operator = self.take(_EQUALITY) if name else None
        event = self.take(_EVENT) if operator else None
        if name is None or operator is None or event is None:
            return None
        return EventIs(self.since(start), name, operator[0] in ("==", "eq"), event[0] == "set")

    def _sums(self) -> Expression | None:
        start = self.at
        first = self._sum()
        if first is None:
            return None
        rest: list[tuple[Order, Term]] = []
        while True:
            before = self.at
            operator = self.take(_ORDER)
            term = self._right_side() if operator else None
            if operator is None or term is None:
                self.at = before
                return Comparison(self.since(start), first, tuple(rest))
            word = operator[0]
            rest.append((_ORDERS.get(word, word), term))  # type: ignore[arg-type]

    def _right_side(self) -> Term | None:
        start = self.at
        negated = self.take(_NOT) is not None
        found = self._sum()
        return Opposite(self.since(start), found) if found is not None and negated else found

    def _sum(self) -> Term | None:
        start = self.at
        first = self._factor()
        if first is None:
            return None
        rest: list[tuple[Arithmetic, Term]] = []
        while True:
            before = self.at
            operator = self.take(_ARITHMETIC)
            factor = self._factor() if operator else None
            if operator is None or factor is None:
                self.at = before
                return Sum(self.since(start), first, tuple(rest)) if rest else first
            rest.append((operator[0], factor))  # type: ignore[arg-type]

    def _factor(self) -> Term | None:
        if match := self.take(_INSTANT):
            return Instant(match[0])
        found: Term | None = self.first(
            self._number,
            self._name,
            lambda: self.deeper(self._sum),
            self._flag,
            self._own_name,
            self._julian,
        )
        return found

    def _number(self) -> Number | None:
        match = self.take(_NUMBER)
        if match is None:
            return None
        if len(match[0]) > 10 or int(match[0]) > MAX_NUMBER:
            raise TooLarge(f"a number is above {MAX_NUMBER}; ecFlow fails at it")
        return Number(match[0], int(match[0]))

    def _name(self) -> Name | None:
        start = self.at
        path = self.path()
        name = self.take(NAME) if path is not None and self.taken(":") else None
        return Name(self.since(start), path, name[0]) if name else None

    def _own_name(self) -> Name | None:
        start = self.at
        name = self.take(NAME) if self.taken(":") else None
        return Name(self.since(start), None, name[0]) if name else None

    def _flag(self) -> FlagOf | None:
        start = self.at
        path = self.path()
        if path is None and self.taken("/"):
            path = "/"
        flag = self.take(_FLAG) if path is not None else None
        if path is None or flag is None:
            return None
        word: str = flag[1]
        return FlagOf(self.since(start), path, word)  # type: ignore[arg-type]

    def _julian(self) -> JulianDay | None:
        start = self.at
        function = self.take(_JULIAN)
        argument: Name | Number | None = None
        if function and self.taken("("):
            argument = self.first(self._name, self._number)
        if function is None or argument is None or not self.taken(")"):
            return None
        return JulianDay(self.since(start), function[1] == "date_to_julian", argument)
