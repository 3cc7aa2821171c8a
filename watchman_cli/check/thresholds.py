"""Thresholds: the ranges of a measure's value that are OK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman_cli.check.measure import MeasureName
from watchman_cli.check.ranges import Range
from watchman_cli.check.state import State

NO_ABORTED, NO_LATE = Range(0, 0), Range(0, 0)


@dataclass(frozen=True)
class Thresholds:
    """The oldest snapshot and the values that are OK; `max_age` is in seconds.

    A value outside its range in `warning` or `critical` is a problem. If neither has a range for `aborted`,
    any aborted node is CRITICAL. If neither has a range for `late`, any late node is a WARNING.
    """

    path: str = "/"
    max_age: float = 180.0
    warning: Mapping[MeasureName, Range] = field(default_factory=dict)
    critical: Mapping[MeasureName, Range] = field(default_factory=dict)

    def for_measure(self, name: MeasureName) -> tuple[Range | None, Range | None]:
        """Return the ranges of a measure for WARNING and for CRITICAL."""
        warning, critical = self.warning.get(name), self.critical.get(name)
        if warning is None and critical is None:
            if name == "late":
                return NO_LATE, None
            if name == "aborted":
                return None, NO_ABORTED
        return warning, critical

    def judge(self, name: MeasureName, value: float) -> State:
        """Return the state of a measure with this value."""
        warning, critical = self.for_measure(name)
        if critical is not None and critical.alerts(value):
            return State.CRITICAL
        return State.WARNING if warning is not None and warning.alerts(value) else State.OK


DEFAULT_THRESHOLDS = Thresholds()
