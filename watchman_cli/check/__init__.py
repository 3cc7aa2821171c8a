"""Judge a server by its stored snapshot and health record, as a monitoring plugin does."""

from watchman_cli.check.assess import Assessment, Problem, assess
from watchman_cli.check.deadlines import assess_deadlines
from watchman_cli.check.judge import judge
from watchman_cli.check.measure import MeasureName
from watchman_cli.check.quiet import Quiet, silence_of
from watchman_cli.check.ranges import Range, parse_threshold
from watchman_cli.check.state import State, severity, worst
from watchman_cli.check.thresholds import DEFAULT_THRESHOLDS, Thresholds

__all__ = [
    "DEFAULT_THRESHOLDS",
    "Assessment",
    "MeasureName",
    "Problem",
    "Quiet",
    "Range",
    "State",
    "Thresholds",
    "assess",
    "assess_deadlines",
    "judge",
    "parse_threshold",
    "severity",
    "silence_of",
    "worst",
]
