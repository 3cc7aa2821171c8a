"""Why a node waits, for a person: what stops it, its trigger as a tree, and the ends of the chain."""

from __future__ import annotations

from collections.abc import Iterator

from watchman_cli.output.format import colourize
from watchman_cli.status import NodeStatus
from watchman_cli.text import printable
from watchman_cli.waits import End, Wait, Why
from watchman_cli.waits.evaluate import Truth

ENDS_SHOWN = 20
_TRUTHS = {True: "yes", False: "no", None: "?"}


def render(why: Why, colour: bool) -> Iterator[str]:
    """Yield the lines of an answer."""
    status = colourize(why.status, why.status, colour)
    yield f"{printable(why.path)}: {status}, as of {why.collected_time:%Y-%m-%d %H:%M:%S} UTC"
    if not why.stopped_by:
        yield "It waits for nothing that watchman knows of."
    else:
        yield "It waits for:"
    for wait in why.stopped_by:
        yield from _wait(wait, why.path, colour)
    if why.in_the_end:
        yield "In the end it waits for:"
        for end in why.in_the_end[:ENDS_SHOWN]:
            yield f"  {_end(end, colour)}"
        if len(why.in_the_end) > ENDS_SHOWN:
            yield f"  and {len(why.in_the_end) - ENDS_SHOWN} more"
    if why.cut:
        yield "There is more behind it: the chain is longer than it was followed."


def _wait(wait: Wait, path: str, colour: bool) -> Iterator[str]:
    owner = "" if wait.path in (path, "/") or wait.text.startswith(wait.path) else f"{printable(wait.path)}: "
    if wait.truth is None:
        yield f"  {owner}{printable(wait.text)}"
        return
    yield f"  {owner}{wait.kind} {printable(wait.expression)}"
    yield from _tree(wait.truth, "    ", colour)


def _tree(truth: Truth, indent: str, colour: bool) -> Iterator[str]:
    """Yield a line for each term, with its truth and what it refers to."""
    mark = _TRUTHS[truth.holds]
    shown = colourize(mark, NodeStatus.complete if truth.holds else NodeStatus.aborted, colour)
    if truth.operator is None:
        yield f"{indent}{shown}  {printable(truth.expression)}{_values(truth)}"
        return
    words = {"and": "all of", "or": "any of", "not": "not"}
    yield f"{indent}{shown}  {words[truth.operator]}"
    for each in truth.terms:
        yield from _tree(each, indent + "     ", colour)


def _values(truth: Truth) -> str:
    if truth.holds is None:
        return f"  ({printable(truth.reason)})"
    words = [
        f"{printable(name)} names nothing" if value is None else f"{printable(name)} is {value}"
        for name, value in truth.values.items()
    ]
    return f"  ({', '.join(words)})" if words else ""


def _end(end: End, colour: bool) -> str:
    text = printable(end.text)
    return (
        colourize(text, end.kind, colour)
        if end.kind in ("aborted", "suspended", "active", "submitted")
        else text
    )
