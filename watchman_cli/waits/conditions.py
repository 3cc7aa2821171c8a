"""Each condition of a node and of the nodes above it, and whether it is fulfilled: in ecFlow's order.

Sources: libs/node/src/ecflow/node/Node.cpp (`why`, `bottom_up_why`), InLimitMgr.cpp,
libs/attribute/src/ecflow/attribute/{Time,Today,Cron,Date,Day}Attr.cpp, ../core/TimeSeries.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from watchman_cli.details.attributes import Condition, Date, Day, InLimit, Limit, Time
from watchman_cli.details.dates import DAYS, Moment, last_of_month, parse_date, parse_moment
from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.evaluate import Truth, evaluate, junction
from watchman_cli.waits.parse import parse
from watchman_cli.waits.references import resolve, upwards
from watchman_cli.waits.scan import TooLarge, Unreadable
from watchman_cli.waits.syntax import ends_server_when_parsed
from watchman_cli.waits.words import describe_truth

WaitKind = Literal[
    "server", "suspended", "state", "limit", "time", "today", "date", "day", "cron", "complete", "trigger"
]
READY = ("queued", "aborted")  # states from which ecFlow starts a node
_WITH_JOBS = ("aborted", "active", "submitted")  # states of a family in which a task may be active


@dataclass(frozen=True)
class Wait:
    """One condition: `holds` is None if that is unknown, and `text` says why.

    `path` is the node whose condition it is, `/` the server. The last four are of a trigger or a complete.
    """

    path: str
    kind: WaitKind
    holds: bool | None
    text: str
    freed: bool = False
    expression: str = ""
    truth: Truth | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the condition as `--json` prints it."""
        document: dict[str, Any] = {
            "path": self.path, "kind": self.kind, "holds": self.holds, "text": self.text,
        }  # fmt: skip
        if self.kind in ("trigger", "complete"):
            terms = self.truth.as_dict() if self.truth else {"values": {}, "terms": []}
            document |= {
                "freed": self.freed,
                "expression": self.expression,
                "values": terms["values"],
                "terms": terms["terms"],
            }
        return document


class _At(NamedTuple):
    """Where a condition is looked at: the node that has it, and its suite's time."""

    tree: Tree
    node: Node
    now: Moment | None


def conditions_of(tree: Tree, node: Node) -> Iterator[Wait]:
    """Yield the conditions of the server, of each node from the suite down, and of the node itself."""
    if tree.server.state != "RUNNING":
        yield Wait("/", "server", False, f"the server is {_SERVER[tree.server.state]}")
    chain = list(upwards(tree, node))[::-1]
    suite = chain[0]
    now = parse_moment(suite.calendar.suite_time) if suite.calendar else None
    for each in chain:
        yield from _of_node(_At(tree, each, now))


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


def _of_node(at: _At) -> Iterator[Wait]:
    node = at.node
    if node.suspended:
        yield Wait(node.path, "suspended", False, f"{node.path} is suspended")
    elif node.state not in READY:
        yield Wait(node.path, "state", False, f"{node.path} is {node.state}, not queued")
    for attribute in node.attributes:
        if isinstance(attribute, InLimit):
            yield _limit(at, attribute)
    for kind in (Day, Date):
        for attribute in node.attributes:
            if isinstance(attribute, kind):
                yield _day(at, attribute) if isinstance(attribute, Day) else _date(at, attribute)
    for word in ("today", "time", "cron"):
        for attribute in node.attributes:
            if isinstance(attribute, Time) and attribute.kind == word:
                yield _time(at, attribute)
    complete = _expression(at, "complete")
    if complete is not None:
        yield complete
    trigger = _expression(at, "trigger")
    if trigger is not None:
        yield trigger


# ----------------------------------------------------------------------------------- expressions


def _expression(at: _At, kind: Literal["trigger", "complete"]) -> Wait | None:
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


# ---------------------------------------------------------------------------------------- limits


def find_limit(tree: Tree, node: Node, claim: InLimit) -> tuple[Node, Limit] | None:
    """Return the limit that a node claims, and the node that has it; or None."""
    if claim.path:
        owner = resolve(tree, node, claim.path)
        owners = [owner] if owner else []
    else:
        owners = list(upwards(tree, node))
    for each in owners:
        for attribute in each.attributes:
            if isinstance(attribute, Limit) and attribute.name == claim.name:
                return each, attribute
    return None


def _limit(at: _At, claim: InLimit) -> Wait:
    found = find_limit(at.tree, at.node, claim)
    if found is None:
        return Wait(at.node.path, "limit", True, f"there is no limit {claim}; ecFlow ignores it")
    owner, limit = found
    taken = f"{limit.value} of {limit.most} taken"
    name = f"limit {owner.path}:{limit.name}"
    if limit.value + claim.tokens <= limit.most:
        return Wait(at.node.path, "limit", True, f"{name} has room, {taken}")
    holders = ", ".join(limit.holders[:5]) + (
        f" and {len(limit.holders) - 5} more" if len(limit.holders) > 5 else ""
    )
    wanted = f", {claim.tokens} wanted" if claim.tokens != 1 else ""
    by = f" by {holders}" if holders else ""
    has_tokens = _has_tokens(at, limit) if claim.node_only else False
    if has_tokens:
        return Wait(at.node.path, "limit", True, f"{name}: {at.node.path} has its tokens, {taken}")
    unsure = f"; whether {at.node.path} has its own tokens is unknown" if has_tokens is None else ""
    return Wait(at.node.path, "limit", has_tokens, f"{name} is full: {taken}{by}{wanted}{unsure}")


def _has_tokens(at: _At, limit: Limit) -> bool | None:
    """Return whether a node has taken its tokens of a limit for all tasks below it; None if that is unknown.

    It has since a job below it was submitted (Submittable::update_limits), and is then a holder. The server
    keeps that in the inlimit, and does not send a change of it. So both must agree.
    """
    is_holder, job = at.node.path in limit.holders, _job_below(at.tree, at.node)
    if is_holder:
        return True if job == "real" else None
    return False if job is None else None


def _job_below(tree: Tree, node: Node) -> Literal["real", "unsure"] | None:
    """Return whether a task, or one below a node, has a job; `unsure` if its state may have been set by hand.

    A task that is set to active takes no tokens, and has no job's id.
    """
    found: Literal["unsure"] | None = None
    left = [node]
    while left:
        each = left.pop()
        if each.kind != "task":
            left += [child for child in tree.children(each.path) if child.state in _WITH_JOBS]
        elif each.state == "submitted" or (each.state == "active" and each.job_id):
            return "real"
        elif each.state == "active":
            found = "unsure"
    return found


# ----------------------------------------------------------------------------------------- times


def _unknown(at: _At, kind: WaitKind, what: str) -> Wait:
    return Wait(at.node.path, kind, None, f"{what}: the suite's calendar is unknown")


def _day(at: _At, day: Day) -> Wait:
    what = f"day {day.name}"
    if day.expired:
        return Wait(at.node.path, "day", False, f"{what} has expired until the node is requeued")
    if day.free:
        return Wait(at.node.path, "day", True, f"{what} is free")
    if at.now is None:
        return _unknown(at, "day", what)
    today = DAYS[at.now.weekday]
    holds = at.now.date == parse_date(day.date) if day.date else today == day.name
    return Wait(
        at.node.path, "day", holds, f"{what}{day.date and f' ({day.date})'}; the suite's day is {today}"
    )


def _date(at: _At, date: Date) -> Wait:
    what = "date " + ".".join(str(each or "*") for each in (date.day, date.month, date.year))
    if date.free:
        return Wait(at.node.path, "date", True, f"{what} is free")
    if at.now is None:
        return _unknown(at, "date", what)
    year, month, day = at.now.date // 10000, at.now.date // 100 % 100, at.now.date % 100
    wanted = zip((date.day, date.month, date.year), (day, month, year), strict=True)
    holds = all(each in (0, now) for each, now in wanted)
    return Wait(at.node.path, "date", holds, f"{what}; the suite's date is {day}.{month}.{year}")


def _time(at: _At, time: Time) -> Wait:
    what = f"{time.kind} {time.text}"
    if time.free:
        return Wait(at.node.path, time.kind, True, f"{what} is free")
    try:
        *options, _ = slots = time.text.split()
        first = next(index for index, word in enumerate(slots) if ":" in word)
    except (ValueError, StopIteration):
        return Wait(at.node.path, time.kind, None, f"{what} cannot be read")
    relative = slots[first].startswith("+")
    now = _minutes(time.relative or "00:00") if relative else at.now and at.now.hour * 60 + at.now.minute
    if now is None:
        return _unknown(at, time.kind, what)
    clock = f"{'+' if relative else ''}{now // 60:02}:{now % 60:02}"
    holds: bool | None = _in_slot(time, [_minutes(each) for each in slots[first:]], now)
    if time.kind == "cron" and options and holds:
        holds = None if at.now is None else _cron_day(slots[:first], at.now)
    if holds is None:
        return Wait(at.node.path, time.kind, None, f"{what}: watchman does not evaluate it")
    coming = f", next {time.next_slot}" if time.next_slot and not holds else ""
    expired = ", expired" if not time.valid and not holds else ""
    return Wait(at.node.path, time.kind, holds, f"{what}{coming}{expired}; the suite's time is {clock}")


def _minutes(text: str) -> int:
    hours, minutes = text.lstrip("+").split(":")[:2]
    return int(hours) * 60 + int(minutes)


def _in_slot(time: Time, slots: list[int], now: int) -> bool:
    if len(slots) < 3:
        after = time.kind == "today" and now > slots[0]  # also if it has expired
        return after or (time.valid and now == slots[0])
    if not time.valid:
        return False
    following = _minutes(time.next_slot) if time.next_slot else slots[0]
    step = slots[2]
    return following <= now <= slots[1] and step > 0 and (now - following) % step == 0


def _cron_day(options: Sequence[str], now: Moment) -> bool | None:
    """Return whether a cron's days of the week, days of the month and months are all today's."""
    lists = dict(zip(options[::2], options[1::2], strict=False))
    today = {"-w": now.weekday, "-d": now.date % 100, "-m": now.date // 100 % 100}
    for option, text in lists.items():
        if option not in today:
            return None
        days = text.split(",")
        if any("L" in each for each in days):
            if option == "-d" and days == ["L"]:
                if today["-d"] != last_of_month(now.date):
                    return False
                continue
            return None
        if str(today[option]) not in days:
            return False
    return True
