"""The figures: as a table to read, and as JSON to keep."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, Target


def table(title: str, lines: Sequence[Line]) -> Any:
    """A row for each line: both medians, the ratio with its spread, and whether the target is met."""
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    made.add_column("what", overflow="fold")
    for head in ("baseline", "watchman", "ratio [min..max]", "target", "met"):
        made.add_column(head, justify="right", no_wrap=True)
    for line in lines:
        met = {None: "", True: "yes", False: "NO"}[line.met]
        base = quantity(statistics.median(line.baseline), line.unit) if line.baseline else ""
        ours = quantity(statistics.median(line.ours), line.unit)
        made.add_row(line.what, base, ours, spread(line.ratios), bounds(line), met)
    return made


def spread(ratios: Sequence[float]) -> str:
    """A ratio's median, least and greatest."""
    if not ratios:
        return ""
    numbers = (statistics.median(ratios), min(ratios), max(ratios))
    return "{} [{}..{}]".format(
        *(f"{number:.2f}" if number >= 0.1 else f"{number:.4f}" for number in numbers)
    )


def bounds(line: Line) -> str:
    """A target in words."""
    target = line.target or Target()
    words = []
    if target.ratio is not None:
        words.append(f"{target.ratio:g} times")
    if target.value is not None:
        words.append(quantity(target.value, line.unit))
    if target.more is not None:
        words.append(f"{quantity(target.more, line.unit)} more" if target.more else "no more")
    return f"≤ {', '.join(words)}" if words else ""


def quantity(value: float, unit: str) -> str:
    """A number with its unit, for a person."""
    if unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.{1 if value < 0.02 else 0}f} ms"
    if unit == "bytes":
        for size, name in ((1e6, "MB"), (1e3, "KB")):
            if value >= size:
                return f"{value / size:.1f} {name}"
        return f"{value:.0f} B"
    return f"{value:g}"


def keep(path: Path, theme: str, circumstances: dict[str, Any], lines: Sequence[Line]) -> None:
    """Put a theme's figures into the file, in place of those that it had."""
    document = json.loads(path.read_text()) if path.exists() else {}
    document[theme] = {**circumstances, "lines": [_as_json(line) for line in lines]}
    path.write_text(json.dumps(document, indent=1) + "\n")


def load(path: Path) -> dict[str, dict[str, Line]]:
    """The lines that are kept, by their theme and then by what was measured."""
    return {
        theme: {each["what"]: _from_json(each) for each in kept["lines"]}
        for theme, kept in json.loads(path.read_text()).items()
    }


def _as_json(line: Line) -> dict[str, Any]:
    """A line with its samples, and what the table shows of them."""
    samples = {name: [float(f"{x:.6g}") for x in getattr(line, name)] for name in ("ours", "baseline")}
    shown = {"ratio": spread(line.ratios), "bounds": bounds(line), "met": line.met}
    return {**asdict(line), **samples, **shown}


def _from_json(kept: dict[str, Any]) -> Line:
    target = Target(**kept["target"]) if kept["target"] else None
    return Line(kept["what"], kept["unit"], kept["ours"], kept["baseline"], target)
