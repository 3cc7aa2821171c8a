"""The output of a monitoring plugin: a line with performance data, then the nodes that are to blame.

It is that of the Monitoring Plugins Development Guidelines, which Nagios, Icinga, Naemon and others read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from watchman_cli.check import Assessment, Limits, Problem, State, worst
from watchman_cli.duration import format_duration, format_lasting
from watchman_cli.output.tree import describe_status
from watchman_cli.text import printable

NODES_SHOWN = 20  # of one server: monitoring systems cut long outputs
_UNITS = {"active_for": "s"}


def render(found: Sequence[Assessment], limits: Limits, together: bool) -> str:
    """Return what is printed of one server, or of several `together`."""
    state = worst(each.state for each in found)
    if together:
        states = Counter(each.state for each in found)
        counts = ", ".join(f"{states[each]} {each.name}" for each in State if states[each])
        many = "server" if len(found) == 1 else "servers"
        summary = f"{len(found)} {many}: {counts}"
        lines = [line for each in found for line in (f"{each.state.name}: {_summary(each)}", *_causes(each))]
    else:
        summary = _summary(found[0])
        lines = list(_causes(found[0]))
    data = " ".join(
        item
        for each in found
        for item in _performance_data(each, limits, f"{each.status.server} " if together else "")
    )
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


def _causes(found: Assessment) -> Iterator[str]:
    """Yield a line for each detail and each node that is to blame, and how many more nodes there are."""
    for problem in found.problems:
        yield from problem.details
    assert found.status.snapshot is not None or not found.measures
    nodes = list(dict.fromkeys(node for problem in found.problems for node in problem.nodes))
    for node in nodes[:NODES_SHOWN]:
        assert found.status.snapshot is not None
        yield f"{node.path}: {describe_status(node, found.status.snapshot.collected_time)}"
    if len(nodes) > NODES_SHOWN:
        yield f"and {len(nodes) - NODES_SHOWN} more"


def _performance_data(found: Assessment, limits: Limits, prefix: str) -> Iterator[str]:
    def item(name: str, value: float, unit: str, *ranges: object) -> str:
        label = printable(prefix + name).replace("'", "_").replace("=", "_")
        label = f"'{label}'" if " " in label else label
        warning, critical = ("" if each is None else str(each) for each in ranges)
        return f"{label}={value:.0f}{unit};{warning};{critical};0;"

    for each in found.measures:
        yield item(each.name, each.value, _UNITS.get(each.name, ""), *limits.of(each.name))
    if found.status.age is not None:
        yield item("age", max(0.0, found.status.age), "s", None, None)
