"""Draws the README's chart from the figures that were kept: `python -m benchmarks.chart` draws it again.

Its background is transparent, and its few colours are readable on white and on black.
"""

from __future__ import annotations

import statistics
import textwrap
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.measure import Line

INK = "#767b81"
MET, MISSED = "#3b82c4", "#c4612f"
LEFT = 0.56  # of the width, for what the bars are of
WIDTH = 80  # characters of a line of it
BAR = 0.27  # inches of height for a line


def draw(figures: Path, chart: Path) -> None:
    """Draw each line that is compared with something and has a target, its ratio on a common scale.

    Without such a line, draw nothing.
    """
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot, rcParams

    rcParams.update({"svg.hashsalt": "watchman", "font.size": 9, "text.color": INK, "axes.labelcolor": INK})
    groups = {name: lines for name, lines in _chosen(figures).items() if lines}
    if not groups:
        return
    rows = sum(len(lines) + 1 for lines in groups.values())
    figure = pyplot.figure(figsize=(10.5, BAR * rows + 1))
    axes = figure.add_axes((LEFT, 0.6 / (BAR * rows + 1), 0.92 - LEFT, BAR * rows / (BAR * rows + 1)))
    row = 0
    for name, lines in groups.items():
        axes.text(
            -0.01, row, name, transform=axes.get_yaxis_transform(), ha="right", va="center", weight="bold"
        )
        for number, line in enumerate(lines, row + 1):
            _bar(axes, number, line)
        row += len(lines) + 1
    axes.set_ylim(row - 0.3, -0.7)
    axes.set_xscale("log")
    axes.set_xlim(left=0.0005)
    axes.set_xticks([0.001, 0.01, 0.1, 1, 10], ["0.001", "0.01", "0.1", "1", "10"])
    axes.set_yticks([])
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.tick_params(colors=INK, which="both")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)
    legend = "times the baseline: a bar is the median, a line the least to the greatest, a mark the target"
    figure.text(0.92, 0.02, legend, ha="right")
    figure.savefig(chart, transparent=True, metadata={"Date": None})
    pyplot.close(figure)


def _chosen(figures: Path) -> dict[str, list[Line]]:
    kept = {name: list(lines.values()) for name, lines in results.load(figures).items()}
    load = kept.get("server_load", [])
    largest = load[-1].what.partition(" nodes")[0] if load else ""
    return {
        "One server, against a bare sync": _compared(kept.get("single_server", [])),
        "Many servers, against one process": _compared(kept.get("many_servers", [])),
        "Commands that do little": _compared(kept.get("commands", [])),
        "Changes, metrics and deadlines, against a run without": _compared(kept.get("readers", [])),
        "Cost for the server, against a bare sync": [
            line
            for line in _compared(load)
            if line.what.startswith(f"{largest} nodes") and line.unit != "requests"
        ],
    }


def _compared(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.ratios and line.target]


def _bar(axes: Any, row: int, line: Line) -> None:
    median = statistics.median(line.ratios)
    colour = MET if line.met else MISSED
    axes.barh(row, median, height=0.55, left=0, color=colour)
    axes.plot([min(line.ratios), max(line.ratios)], [row, row], color=INK, linewidth=1)
    if line.target and line.target.ratio is not None:
        axes.plot([line.target.ratio] * 2, [row - 0.4, row + 0.4], color=INK, linewidth=2)
    transform = axes.get_yaxis_transform()
    what = textwrap.fill(line.what, WIDTH)
    axes.text(-0.01, row, what, transform=transform, ha="right", va="center", linespacing=1)
    axes.text(1.01, row, f"{median:.3g}", transform=transform, ha="left", va="center")


if __name__ == "__main__":
    here = Path(__file__).parent
    draw(here / "results.json", here / "chart.svg")
