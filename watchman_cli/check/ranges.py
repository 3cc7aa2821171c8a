"""Ranges, as the Monitoring Plugins Development Guidelines define them.

`[@]start:end`, both ends included. A value outside alerts; with `@`, a value inside alerts. `start:` may be
omitted if it is 0, `end` if it is infinite, and `~` is minus infinity.
https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from watchman_cli.check.measure import MeasureName
from watchman_cli.duration import parse_duration

# The measures that a user can set a range for; the last in seconds.
MEASURES: tuple[MeasureName, ...] = ("aborted", "late", "queued", "active_for")


@dataclass(frozen=True)
class Range:
    """A range of values: one outside it alerts, or one inside it if `inside`."""

    start: float
    end: float
    inside: bool = False

    def alerts(self, value: float) -> bool:
        """Return True if a value must be reported."""
        return (self.start <= value <= self.end) == self.inside

    def __str__(self) -> str:
        start = "" if self.start == 0 and self.end != math.inf else f"{_number(self.start)}:"
        return ("@" if self.inside else "") + start + _number(self.end)


def parse_range(text: str) -> Range:
    """Return the range in `text`, whose ends are numbers or durations. Raises ValueError."""
    body = text.removeprefix("@")
    start, colon, end = body.rpartition(":")
    if not body or body == ":":
        raise ValueError(f"invalid range {text!r}: use 10, 10:, ~:10, 10:20 or @10:20")
    low = -math.inf if start == "~" else parse_duration(start) if start else 0.0
    high = parse_duration(end) if end or not colon else math.inf
    if low > high:
        raise ValueError(f"invalid range {text!r}: it begins after its end")
    return Range(low, high, text.startswith("@"))


def parse_threshold(text: str) -> tuple[MeasureName, Range]:
    """Return the measure and the range in `measure=range`. Raises ValueError."""
    name, equals, limit = text.partition("=")
    for measure in MEASURES:
        if equals and name == measure:
            return measure, parse_range(limit)
    known = f"{', '.join(MEASURES[:-1])} or {MEASURES[-1]}"
    raise ValueError(f"invalid threshold {text!r}: use MEASURE=RANGE; a measure is {known}")


def _number(value: float) -> str:
    if math.isinf(value):
        return "~" if value < 0 else ""
    return f"{value:.12g}"
