"""Ranges, as the Monitoring Plugins Development Guidelines define them.

`[@]start:end`, both ends included. A value outside alerts; with `@`, one inside does. `start:` may be left
out where it is 0, `end` where it is infinite, and `~` is minus infinity.
https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from watchman_cli.duration import parse_duration

MEASURES = ("aborted", "late", "queued", "active_for")  # the last in seconds


@dataclass(frozen=True)
class Range:
    """A range of values; `inside` where a value in it alerts, not one outside."""

    start: float
    end: float
    inside: bool = False

    def alerts(self, value: float) -> bool:
        """Return whether a value is one to alert of."""
        return (self.start <= value <= self.end) == self.inside

    def __str__(self) -> str:
        start = "" if self.start == 0 and self.end != math.inf else f"{_number(self.start)}:"
        return ("@" if self.inside else "") + start + _number(self.end)


def parse_range(text: str) -> Range:
    """Return the range in `text`, whose ends are numbers or time spans. Raises ValueError."""
    body = text.removeprefix("@")
    start, colon, end = body.rpartition(":")
    if not body or body == ":":
        raise ValueError(f"invalid range {text!r}: use 10, 10:, ~:10, 10:20 or @10:20")
    low = -math.inf if start == "~" else parse_duration(start) if start else 0.0
    high = parse_duration(end) if end or not colon else math.inf
    if low > high:
        raise ValueError(f"invalid range {text!r}: it begins after its end")
    return Range(low, high, text.startswith("@"))


def parse_limit(text: str) -> tuple[str, Range]:
    """Return the measure and the range in `measure=range`. Raises ValueError."""
    name, equals, limit = text.partition("=")
    if not equals or name not in MEASURES:
        known = f"{', '.join(MEASURES[:-1])} or {MEASURES[-1]}"
        raise ValueError(f"invalid threshold {text!r}: use MEASURE=RANGE; a measure is {known}")
    return name, parse_range(limit)


def _number(value: float) -> str:
    if math.isinf(value):
        return "~" if value < 0 else ""
    return f"{value:.12g}"
