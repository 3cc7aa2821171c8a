"""The variables that ecFlow generates: they are never sent, and each client computes them.

Sources: libs/node/src/ecflow/node/{SuiteGenVariables,FamGenVariables,Submittable,Task,Alias}.cpp,
libs/attribute/src/ecflow/attribute/RepeatAttr.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from watchman_cli.details.attributes import Repeat
from watchman_cli.details.dates import (
    DAYS,
    MONTH_NAMES,
    Moment,
    day_of_year,
    parse_moment,
    to_julian,
    weekday,
)
from watchman_cli.details.node import Node, Tree

HIDDEN = "***"  # the value of a variable that is a secret
_REFERENCE = re.compile(r"%(\w+)(?::([^%]*))?%", re.ASCII)
MAX_EXPANSIONS = 50  # of one text: a variable may refer to itself


def generated_variables(tree: Tree, node: Node) -> dict[str, str]:
    """Return the variables that ecFlow generates for a node, its repeat's parts among them."""
    if node.kind == "suite":
        found = _of_suite(node)
    elif node.kind == "family":
        found = {"FAMILY": node.path.split("/", 2)[2], "FAMILY1": node.name}
    else:
        found = _of_task(tree, node)
    for attribute in node.attributes:
        if isinstance(attribute, Repeat):
            found |= _of_repeat(attribute)
    return found


def repeat_text(repeat: Repeat) -> str:
    """Return a repeat's value as a variable: its word, or its number; past its end the last one."""
    if repeat.kind in ("enumerated", "string", "datelist"):
        index = max(0, min(repeat.position, len(repeat.items) - 1))
        return repeat.items[index] if repeat.items else ""
    if repeat.kind == "day":
        return str(repeat.position)
    start, end = int(repeat.items[0]), int(repeat.items[1])
    return str(max(min(start, end), min(max(start, end), repeat.position)))


def lookup(tree: Tree, node: Node, name: str) -> str | None:
    """Return the value that counts for a node: from the node upwards, then the server's; or None."""
    each: Node | None = node
    while each is not None:
        if name in each.variables:
            return each.variables[name]
        for attribute in each.attributes:
            if isinstance(attribute, Repeat) and attribute.name == name:
                return repeat_text(attribute)
        generated = generated_variables(tree, each)
        if name in generated:
            return generated[name]
        each = tree.node(each.parent)  # None above a suite
    return tree.server.variables.get(name)


def expand(tree: Tree, node: Node, text: str) -> str:
    """Return a text with `%NAME%` and `%NAME:default%` replaced by the values that count for a node."""
    for _ in range(MAX_EXPANSIONS):
        match = _REFERENCE.search(text)
        if match is None:
            break
        value = _user_value(tree, node, match[1])
        if value is None:
            value = match[2]
        if value is None:
            break
        text = text[: match.start()] + value + text[match.end() :]
    return text


def _user_value(tree: Tree, node: Node, name: str) -> str | None:
    """Return a variable that users set, from the node upwards, then the server's; or None."""
    each: Node | None = node
    while each is not None:
        if name in each.variables:
            return each.variables[name]
        each = tree.node(each.parent)  # None above a suite
    return tree.server.variables.get(name)


def _of_suite(node: Node) -> dict[str, str]:
    found = {"SUITE": node.name}
    now = parse_moment(node.calendar.suite_time) if node.calendar else None
    if now is None:
        return found
    date = now.date
    year, month, day = date // 10000, date // 100 % 100, date % 100
    day_name, month_name = DAYS[now.weekday], MONTH_NAMES[month - 1]
    number = day_of_year(date)
    return found | {
        "ECF_DATE": f"{date}",
        "YYYY": f"{year}",
        "MM": f"{month:02}",
        "DD": f"{day:02}",
        "DOW": f"{now.weekday}",
        "DOY": f"{number}",
        "DATE": f"{day:02}.{month:02}.{year}",
        "DAY": day_name,
        "MONTH": month_name,
        "ECF_CLOCK": f"{day_name}:{month_name}:{now.weekday}:{number}",
        "TIME": _digits(now, ""),
        "ECF_TIME": _digits(now, ":"),
        "ECF_JULIAN": f"{to_julian(date)}",
    }


def _digits(now: Moment, between: str) -> str:
    return f"{now.hour:02}{between}{now.minute:02}"


def _of_task(tree: Tree, node: Node) -> dict[str, str]:
    home = _user_value(tree, node, "ECF_HOME") or ""
    out = _user_value(tree, node, "ECF_OUT")
    outputs = expand(tree, node, out) if out else home
    extension = ".usr" if node.kind == "alias" else _user_value(tree, node, "ECF_EXTN") or ".ecf"
    own: Mapping[str, str] = node.variables
    made = {
        "TASK": node.parent.rpartition("/")[2] if node.kind == "alias" else node.name,
        "ECF_NAME": node.path,
        "ECF_TRYNO": str(node.try_number),
        "ECF_RID": node.job_id,
        "ECF_PASS": HIDDEN,  # the job's password, which is never kept
        "ECF_SCRIPT": f"{home}{node.path}{extension}",
        "ECF_JOB": f"{home}{node.path}.job{node.try_number}",
        "ECF_JOBOUT": f"{outputs}{node.path}.{node.try_number}",
    }
    return {name: own.get(name, value) for name, value in made.items()}


def _of_repeat(repeat: Repeat) -> dict[str, str]:
    if repeat.kind not in ("date", "datelist") or not repeat.name:
        return {}
    if repeat.kind == "date":
        start, end = int(repeat.items[0]), int(repeat.items[1])
        past = not min(start, end) <= repeat.position <= max(start, end)
        date = repeat.position
    else:
        past = not 0 <= repeat.position < len(repeat.items)
        date = 0 if past else int(repeat.items[repeat.position])
    parts = ("YYYY", "MM", "DD", "DOW", "JULIAN")
    if past:
        return {f"{repeat.name}_{part}": "" for part in parts}
    values = (date // 10000, date // 100 % 100, date % 100, weekday(date), to_julian(date))
    return {f"{repeat.name}_{part}": str(value) for part, value in zip(parts, values, strict=True)}
