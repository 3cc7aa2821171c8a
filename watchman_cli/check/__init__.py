"""Judging what the store holds of a server, as a monitoring plugin does: OK, WARNING, CRITICAL, UNKNOWN."""

from watchman_cli.check.assess import Assessment, Limits, Problem, State, assess, severity, worst
from watchman_cli.check.deadlines import assess_deadlines
from watchman_cli.check.judge import judge
from watchman_cli.check.ranges import Range, parse_limit

__all__ = [
    "Assessment",
    "Limits",
    "Problem",
    "Range",
    "State",
    "assess",
    "assess_deadlines",
    "judge",
    "parse_limit",
    "severity",
    "worst",
]
