"""The output of a monitoring plugin: a line with performance data, then the nodes that cause the state.

The format is the Monitoring Plugins Development Guidelines', which Nagios, Icinga, Naemon and others read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from watchman_cli.check import (
    Assessment,
    MeasureName,
    Problem,
    Range,
    State,
    Thresholds,
    severity,
    worst,
)
from watchman_cli.duration import format_duration, format_lasting
from watchman_cli.output.tree import describe_status
from watchman_cli.silences import describe as describe_silence
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import printable

NODES_SHOWN = 20  # for one server, or for all together: monitoring systems cut long outputs
NAMED = 600  # characters in the first line for the names of servers that are not OK
REASON = 60  # characters in it for the reason of one server
ABORT_REASON = 120  # characters for the reason that a job gave when it aborted
# Nagios and Naemon keep 8 KB of an output. Performance data that they cut is lost or wrong.
DATA_LIMIT = 4000  # bytes
WIDEST = 1e7  # the value that space is reserved for, so that the form stays the same from run to run
_UNITS: dict[MeasureName, str] = {"active_for": "s"}
_HIGHEST: tuple[MeasureName, ...] = ("active_for",)  # measures whose total is the highest value, not the sum
_SINGLE = ("failing", "HALTED", "SHUTDOWN")  # a server has one of them
_ALWAYS_SHOWN: tuple[MeasureName, ...] = ("aborted", "late")  # in the summary of a server that is OK


Reasons = Mapping[str, Mapping[str, str]]  # of aborts, by the server and the node's path


def render(
    assessments: Sequence[Assessment], thresholds: Thresholds, together: bool, reasons: Reasons | None = None
) -> str:
    """Return the output for one server, or for several `together`: the worst server first."""
    reasons = reasons or {}
    state = worst(each.state for each in assessments)
    if together:
        assessments = sorted(assessments, key=lambda each: severity(each.state), reverse=True)
        summary = _summarize_all(assessments)
        nodes = nodes_for_each(assessments)
        lines = [
            line
            for each in assessments
            for line in (f"{each.state.name}: {_summarize(each)}", *_causes(each, nodes, reasons))
        ]
        data = _performance_data_together(assessments, thresholds)
    else:
        summary = _summarize(assessments[0])
        lines = list(_causes(assessments[0], NODES_SHOWN, reasons))
        data = " ".join(_performance_data(assessments[0], thresholds))
    return "\n".join([first_line(state, summary) + (f" | {data}" if data else ""), *map(_text, lines)])


def nodes_for_each(assessments: Sequence[Assessment]) -> int:
    """Return how many nodes are shown of each of several servers; of a single one all that fit."""
    return max(1, NODES_SHOWN // max(1, sum(each.state is not State.OK for each in assessments)))


def nodes_shown(assessment: Assessment, limit: int) -> tuple[list[StatusRecord], int]:
    """Return at most `limit` of the nodes that cause the problems, each once, and the number of others."""
    nodes = list(dict.fromkeys(node for problem in assessment.problems for node in problem.nodes))
    return nodes[:limit], len(nodes[limit:])


def first_line(state: State, summary: str) -> str:
    """Return the line for a state, without performance data."""
    return f"WATCHMAN {state.name} - {_text(summary)}"


def describe(problem: Problem) -> str:
    """Return a problem in a few words."""
    return problem.text if problem.measure is None else _words(problem.measure.name, problem.measure.value)


def describe_quiet(assessment: Assessment) -> list[str]:
    """Return the silenced causes in words, one for each kind."""
    counts: Counter[str] = Counter()
    for each in assessment.quiet:
        counts[each.kind] += each.number
    return [f"{'' if kind in _SINGLE else f'{count} '}{kind} silenced" for kind, count in counts.items()]


def _text(line: str) -> str:
    """Return a line without the character that would begin performance data."""
    return printable(line).replace("|", "/")


def _summarize(assessment: Assessment) -> str:
    stored = assessment.stored
    words = [describe(problem) for problem in assessment.problems]
    if not words and assessment.summary:
        words = [assessment.summary]
    elif not words:
        words = [_words(each.name, each.value) for each in assessment.measures if each.name in _ALWAYS_SHOWN]
    words += describe_quiet(assessment)
    if stored.age is not None:
        words.append(f"collected {format_duration(stored.age)} ago")
    return f"{stored.server}: {', '.join(words)}"


def _words(name: MeasureName, value: float) -> str:
    return f"active {format_lasting(value)}" if name == "active_for" else f"{value:.0f} {name}"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _summarize_all(assessments: Sequence[Assessment]) -> str:
    """Return the number of servers in each state, and the names of those that are not OK, the worst first.

    If they do not fit, the reasons are left out, and then the last names.
    """
    states = Counter(each.state for each in assessments)
    counts = ", ".join(f"{states[each]} {each.name}" for each in State if states[each])
    text = f"{len(assessments)} {'server' if len(assessments) == 1 else 'servers'}: {counts}"
    bad = [each for each in assessments if each.state is not State.OK]
    if not bad:
        return text
    names = [each.stored.server for each in bad]
    with_reasons = [
        f"{name} ({_shortened(describe(each.problems[0]), REASON)})"
        for name, each in zip(names, bad, strict=True)
    ]
    named = with_reasons if len(", ".join(with_reasons)) <= NAMED else names
    fitting = sum(end <= NAMED for end in accumulate(len(name) + 2 for name in named))
    more = f" and {len(named) - fitting} more" if len(named) > fitting else ""
    return f"{text}: {', '.join(named[:fitting])}{more}"


def _causes(assessment: Assessment, limit: int, reasons: Reasons) -> Iterator[str]:
    """Yield the problems' lines, a line for each of `limit` nodes, and the number of other nodes."""
    for problem in assessment.problems:
        yield from problem.lines
    for silence in dict.fromkeys(each.silence for each in assessment.quiet):
        yield f"{silence.path}: {describe_silence(silence)}"
    shown, others = nodes_shown(assessment, limit)
    of_server = reasons.get(assessment.stored.server, {})
    for node in shown:
        assert assessment.stored.snapshot is not None
        line = f"{node.path}: {describe_status(node, assessment.stored.snapshot.collected_time)}"
        reason = " ".join(of_server.get(node.path, "").split())
        yield f"{line}: {_shortened(reason, ABORT_REASON)}" if reason else line
    if others:
        yield f"and {others} more"


def _performance_data_together(assessments: Sequence[Assessment], thresholds: Thresholds) -> str:
    """Return the performance data of several servers: each server's data if it fits, else totals."""
    names = tuple(dict.fromkeys(measure.name for each in assessments for measure in each.measures))
    longest = [
        _item(f"{each.stored.server} {name}", WIDEST, _UNITS.get(name, ""), *thresholds.for_measure(name))
        for each in assessments
        for name in names
    ]
    longest += [_item(f"{each.stored.server} age", WIDEST, "", None, None) for each in assessments]
    longest += [_item(f"{each.stored.server} silenced", WIDEST, "", None, None) for each in assessments]
    if len(" ".join(longest).encode()) <= DATA_LIMIT:
        return " ".join(
            item
            for each in assessments
            for item in _performance_data(each, thresholds, f"{each.stored.server} ")
        )
    states = Counter(each.state for each in assessments)
    items = [_item(f"servers_{state.name.lower()}", states[state], "", None, None) for state in State]
    for name in names:
        values = [measure.value for each in assessments for measure in each.measures if measure.name == name]
        value = max(values) if name in _HIGHEST else sum(values)
        items.append(_item(name, value, _UNITS.get(name, ""), None, None))
    ages = [each.stored.age for each in assessments if each.stored.age is not None]
    if ages:
        items.append(_item("age", max(ages), "s", None, None))
    silenced = sum(quiet.number for each in assessments for quiet in each.quiet)
    if silenced:
        items.append(_item("silenced", silenced, "", None, None))
    return " ".join(items)


def _performance_data(assessment: Assessment, thresholds: Thresholds, prefix: str = "") -> Iterator[str]:
    for each in assessment.measures:
        ranges = thresholds.for_measure(each.name)
        yield _item(prefix + each.name, each.value, _UNITS.get(each.name, ""), *ranges)
    if assessment.stored.age is not None:
        yield _item(f"{prefix}age", assessment.stored.age, "s", None, None)
    if assessment.quiet:
        yield _item(f"{prefix}silenced", sum(each.number for each in assessment.quiet), "", None, None)


def _item(name: str, value: float, unit: str, *ranges: Range | None) -> str:
    label = re.sub(r"['=|]", "_", printable(name))
    label = f"'{label}'" if " " in label else label
    warning, critical = ("" if each is None else str(each) for each in ranges)
    return f"{label}={max(0.0, value):.0f}{unit};{warning};{critical};0;"
