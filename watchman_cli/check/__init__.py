"""Judging what the store holds of a server, as a monitoring plugin does: OK, WARNING, CRITICAL, UNKNOWN."""

from watchman_cli.check.assess import Assessment, Limits, Problem, State, assess, worst
from watchman_cli.check.deadlines import assess_deadlines
from watchman_cli.check.ranges import Range, parse_limit

__all__ = [
    "Assessment",
    "Limits",
    "Problem",
    "Range",
    "State",
    "assess",
    "assess_deadlines",
    "parse_limit",
    "worst",
]
