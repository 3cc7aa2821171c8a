"""An expression's worth in words: only the terms that make it false are named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchman_cli.waits.evaluate import Truth


def describe_truth(truth: Truth) -> str:
    """Return why an expression does not hold; the expression itself if it holds."""
    if truth.holds is True:
        return f"{truth.expression} holds"
    if truth.holds is None:
        return f"{truth.expression} is unknown: {truth.reason}"
    return "; ".join(_describe(each) for each in missing_terms(truth))


def missing_terms(truth: Truth) -> Iterator[Truth]:
    """Yield the terms that make an expression false: comparisons, and negations as a whole."""
    if truth.operator in (None, "not"):
        yield truth
        return
    for each in truth.terms:
        if each.holds is not True:
            yield from missing_terms(each)


def _describe(term: Truth) -> str:
    if term.holds is None:
        return f"{term.expression} is unknown: {term.reason}"
    values = "; ".join(f"{name} {_value(value)}" for name, value in term.values.items())
    return f"{term.expression} does not hold: {values}" if values else f"{term.expression} does not hold"


def _value(value: Any) -> str:
    return "names nothing" if value is None else f"is {value}"
