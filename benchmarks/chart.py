"""Draws the README's chart from the figures that were kept: `python -m benchmarks.chart` draws it again."""

from __future__ import annotations

from pathlib import Path


def draw(figures: Path, chart: Path) -> None:
    pass
