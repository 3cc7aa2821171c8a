"""The output of a monitoring plugin: a line with performance data, then the nodes that are to blame.

It is that of the Monitoring Plugins Development Guidelines, which Nagios, Icinga, Naemon and others read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from watchman_cli.check import Assessment, Limits, Problem, Range, State, severity, worst
from watchman_cli.duration import format_duration, format_lasting
from watchman_cli.output.tree import describe_status
from watchman_cli.text import printable

NODES_SHOWN = 20  # of one server, or of all together: monitoring systems cut long outputs
NAMED = 600  # characters of the first line for the servers that are not OK
REASON = 60  # characters of it for why one is not
# Nagios and Naemon keep 8 KB of an output, and what they cut of performance data is lost or wrong.
DATA_LIMIT = 4000  # bytes
WIDEST = 1e7  # by which the room for a value is reckoned, so that the form does not change from run to run
_UNITS = {"active_for": "s"}
_HIGHEST = ("active_for",)  # measures of which the highest counts, where that of others is the sum


def render(found: Sequence[Assessment], limits: Limits, together: bool) -> str:
    """Return what is printed of one server, or of several `together`: the worst server first."""
    state = worst(each.state for each in found)
    if together:
        found = sorted(found, key=lambda each: severity(each.state), reverse=True)
        summary = _summary_of_all(found)
        nodes = max(1, NODES_SHOWN // max(1, sum(each.state is not State.OK for each in found)))
        lines = [
            line for each in found for line in (f"{each.state.name}: {_summary(each)}", *_causes(each, nodes))
        ]
        data = _data_of_all(found, limits)
    else:
        summary = _summary(found[0])
        lines = list(_causes(found[0], NODES_SHOWN))
        data = " ".join(_performance_data(found[0], limits))
    return "\n".join([first_line(state, summary) + (f" | {data}" if data else ""), *map(_text, lines)])


def first_line(state: State, summary: str) -> str:
    """Return the line for a state, without performance data."""
    return f"WATCHMAN {state.name} - {_text(summary)}"


def describe(problem: Problem) -> str:
    """Return why a server is not OK, in a few words."""
    return problem.text if problem.measure is None else _words(problem.measure.name, problem.measure.value)


def _text(line: str) -> str:
    """Return a line without what would begin performance data."""
    return printable(line).replace("|", "/")


def _summary(found: Assessment) -> str:
    status, values = found.status, {each.name: each.value for each in found.measures}
    words = [describe(problem) for problem in found.problems]
    if not words and found.summary:
        words = [found.summary]
    elif not words:
        words = [_words(name, values[name]) for name in ("aborted", "late")]
    if status.age is not None:
        words.append(f"collected {format_duration(status.age)} ago")
    return f"{status.server}: {', '.join(words)}"


def _words(name: str, value: float) -> str:
    return f"active {format_lasting(value)}" if name == "active_for" else f"{value:.0f} {name}"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _summary_of_all(found: Sequence[Assessment]) -> str:
    """Return how many servers have each state, and the names of those that are not OK, the worst first.

    Why they are not is left out if it does not fit, and then the last names.
    """
    states = Counter(each.state for each in found)
    counts = ", ".join(f"{states[each]} {each.name}" for each in State if states[each])
    text = f"{len(found)} {'server' if len(found) == 1 else 'servers'}: {counts}"
    bad = [each for each in found if each.state is not State.OK]
    if not bad:
        return text
    names = [each.status.server for each in bad]
    with_reasons = [
        f"{name} ({_shortened(describe(each.problems[0]), REASON)})"
        for name, each in zip(names, bad, strict=True)
    ]
    named = with_reasons if len(", ".join(with_reasons)) <= NAMED else names
    fitting = sum(end <= NAMED for end in accumulate(len(name) + 2 for name in named))
    more = f" and {len(named) - fitting} more" if len(named) > fitting else ""
    return f"{text}: {', '.join(named[:fitting])}{more}"


def _causes(found: Assessment, limit: int) -> Iterator[str]:
    """Yield a line for each detail and `limit` nodes that are to blame, and how many more nodes there are."""
    for problem in found.problems:
        yield from problem.details
    assert found.status.snapshot is not None or not found.measures
    nodes = list(dict.fromkeys(node for problem in found.problems for node in problem.nodes))
    for node in nodes[:limit]:
        assert found.status.snapshot is not None
        yield f"{node.path}: {describe_status(node, found.status.snapshot.collected_time)}"
    if len(nodes) > limit:
        yield f"and {len(nodes) - limit} more"


def _data_of_all(found: Sequence[Assessment], limits: Limits) -> str:
    """Return the performance data of several servers: of each one if that fits, else of all together."""
    names = tuple(dict.fromkeys(measure.name for each in found for measure in each.measures))
    longest = [
        _item(f"{each.status.server} {name}", WIDEST, _UNITS.get(name, ""), *limits.of(name))
        for each in found
        for name in (*names, "age")
    ]
    if len(" ".join(longest).encode()) <= DATA_LIMIT:
        return " ".join(
            item for each in found for item in _performance_data(each, limits, f"{each.status.server} ")
        )
    states = Counter(each.state for each in found)
    items = [_item(f"servers_{state.name.lower()}", states[state], "", None, None) for state in State]
    for name in names:
        values = [measure.value for each in found for measure in each.measures if measure.name == name]
        value = max(values) if name in _HIGHEST else sum(values)
        items.append(_item(name, value, _UNITS.get(name, ""), None, None))
    ages = [each.status.age for each in found if each.status.age is not None]
    return " ".join([*items, *([_item("age", max(ages), "s", None, None)] if ages else [])])


def _performance_data(found: Assessment, limits: Limits, prefix: str = "") -> Iterator[str]:
    for each in found.measures:
        yield _item(prefix + each.name, each.value, _UNITS.get(each.name, ""), *limits.of(each.name))
    if found.status.age is not None:
        yield _item(f"{prefix}age", found.status.age, "s", None, None)


def _item(name: str, value: float, unit: str, *ranges: Range | None) -> str:
    label = re.sub(r"['=|]", "_", printable(name))
    label = f"'{label}'" if " " in label else label
    warning, critical = ("" if each is None else str(each) for each in ranges)
    return f"{label}={max(0.0, value):.0f}{unit};{warning};{critical};0;"
