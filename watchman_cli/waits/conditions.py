"""Each condition of a node and of the nodes above it, and whether it is fulfilled: in ecFlow's order.

Source: libs/node/src/ecflow/node/Node.cpp (`why`, `bottom_up_why`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from watchman_cli.details.attributes import Condition, Date, Day, InLimit, Time
from watchman_cli.details.dates import parse_moment
from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.condition import At, Wait
from watchman_cli.waits.evaluate import Truth, evaluate, junction
from watchman_cli.waits.limits import limit_condition
from watchman_cli.waits.parse import parse
from watchman_cli.waits.references import upwards
from watchman_cli.waits.scan import TooLarge, Unreadable
from watchman_cli.waits.syntax import ends_server_when_parsed
from watchman_cli.waits.times import date_condition, day_condition, time_condition
from watchman_cli.waits.words import describe_truth

READY = ("queued", "aborted")  # states from which ecFlow starts a node


def conditions_of(tree: Tree, node: Node) -> Iterator[Wait]:
    """Yield the conditions of the server, of each node from the suite down, and of the node itself."""
    if tree.server.state != "RUNNING":
        yield Wait("/", "server", False, f"the server is {_SERVER[tree.server.state]}")
    chain = list(upwards(tree, node))[::-1]
    suite = chain[0]
    now = parse_moment(suite.calendar.suite_time) if suite.calendar else None
    for each in chain:
        yield from _of_node(At(tree, each, now))


def stopping(node: Node, waits: Sequence[Wait]) -> list[Wait]:
    """Return the conditions that stop the node: not those that a freed trigger or a complete makes void.

    A task that runs or has run waits for nothing else.
    """
    completed = {each.path for each in waits if each.kind == "complete" and (each.holds or each.freed)}
    is_task = node.kind in ("task", "alias")
    done = is_task and any(each.kind == "state" and each.path == node.path for each in waits)
    return [
        each
        for each in waits
        if each.holds is not True
        and not each.freed
        and each.kind != "complete"
        and not (each.kind == "trigger" and each.path in completed)
        and not (done and each.path == node.path and each.kind != "state")
    ]


_SERVER = {"HALTED": "halted", "SHUTDOWN": "shut down", "RUNNING": "running"}


def _of_node(at: At) -> Iterator[Wait]:
    node = at.node
    if node.suspended:
        yield Wait(node.path, "suspended", False, f"{node.path} is suspended")
    elif node.state not in READY:
        yield Wait(node.path, "state", False, f"{node.path} is {node.state}, not queued")
    for attribute in node.attributes:
        if isinstance(attribute, InLimit):
            yield limit_condition(at, attribute)
    for attribute in node.attributes:
        if isinstance(attribute, Day):
            yield day_condition(at, attribute)
    for attribute in node.attributes:
        if isinstance(attribute, Date):
            yield date_condition(at, attribute)
    for word in ("today", "time", "cron"):
        for attribute in node.attributes:
            if isinstance(attribute, Time) and attribute.kind == word:
                yield time_condition(at, attribute)
    complete = _expression(at, "complete")
    if complete is not None:
        yield complete
    trigger = _expression(at, "trigger")
    if trigger is not None:
        yield trigger


# ----------------------------------------------------------------------------------- expressions


def _expression(at: At, kind: Literal["trigger", "complete"]) -> Wait | None:
    parts = at.node.conditions(kind)
    if not parts:
        return None
    freed = any(each.free for each in parts)
    text = whole_text(parts)
    try:
        truth = evaluate_parts(at.tree, at.node, parts)
    except Unreadable as error:
        holds = (
            None if isinstance(error, TooLarge) else False
        )  # ecFlow takes a text that it cannot read for false
        return Wait(at.node.path, kind, holds, f"the {kind} cannot be read: {error}", freed, text)
    return Wait(at.node.path, kind, truth.holds, describe_truth(truth), freed, text, truth)


def whole_text(parts: Sequence[Condition]) -> str:
    """Return the text of an expression of several lines, each in brackets."""
    text = parts[0].text
    for part in parts[1:]:
        text = f"({text}) {part.part or 'and'} ({part.text})"
    return text


def evaluate_parts(tree: Tree, node: Node, parts: Sequence[Condition]) -> Truth:
    """Return the worth of an expression of several lines: each is a group, joined from the left.

    Raises Unreadable.
    """
    truth = _evaluate(tree, node, parts[0].text)
    for number, part in enumerate(parts[1:], 2):
        right = _evaluate(tree, node, part.text)
        truth = junction(whole_text(parts[:number]), "or" if part.part == "or" else "and", (truth, right))
    return truth


def _evaluate(tree: Tree, node: Node, text: str) -> Truth:
    expression = parse(text)
    if ends_server_when_parsed(expression):
        raise TooLarge("reading it ends the server")
    return evaluate(tree, node, expression)
