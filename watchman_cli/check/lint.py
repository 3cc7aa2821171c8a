"""Judge the expressions of a server's nodes: from what `lint` finds to one state and the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from watchman_cli.check.assess import Assessment, Problem, sort_problems, why_unusable
from watchman_cli.check.measure import Measure
from watchman_cli.check.state import State
from watchman_cli.errors import WatchmanError
from watchman_cli.readback import StoredServer
from watchman_cli.waits.lint import Finding, FindingKind

LONGEST = 200  # characters of a finding
_STATES: dict[FindingKind, State] = {
    "ends-server": State.CRITICAL,
    "unreadable": State.WARNING,
    "never": State.WARNING,
    "dead-reference": State.WARNING,
}


def assess_lint(
    stored: StoredServer, max_age: float, most: int, find: Callable[[str], Sequence[Finding]]
) -> Assessment:
    """Return a problem for each kind of finding, with a line for each of the first `most` findings.

    `find` returns the findings of a server by its name, or raises WatchmanError.
    An expression that ends the server is critical, since it may be evaluated at any time. A server whose
    details cannot be read, or are of a snapshot older than `max_age` seconds, cannot be judged.
    """
    unusable = why_unusable(stored, max_age)
    if unusable is not None:
        return Assessment(stored, (unusable,))
    try:
        findings = find(stored.server)
    except WatchmanError as error:
        return Assessment(stored, (Problem(State.UNKNOWN, str(error)),))
    counts = Counter(each.kind for each in findings)
    left = most
    problems = []
    for kind, state in _STATES.items():
        if counts[kind]:
            lines = [_line(each) for each in findings if each.kind == kind][:left]
            left -= len(lines)
            if len(lines) < counts[kind]:
                lines.append(f"and {counts[kind] - len(lines)} more: {kind}")
            problems.append(Problem(state, f"{counts[kind]} {kind}", lines=tuple(lines)))
    measures = (Measure("findings", len(findings)), Measure("ends_server", counts["ends-server"]))
    return Assessment(stored, sort_problems(problems), measures, "lint finds nothing")


def _line(finding: Finding) -> str:
    text = f"{finding.path}: {finding.kind}: {finding.text}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
