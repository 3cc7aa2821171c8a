"""The benchmarks run: a small part of them, from end to end. What they measure is asserted nowhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import chart, environment, results
from benchmarks.measure import Line, Target

ROOT = Path(__file__).parent.parent.parent


def test_a_quick_run_prints_keeps_and_draws(tmp_path: Path) -> None:
    figures = tmp_path / "results.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--quick",
        "--results",
        str(figures),
        "single_server",
        "endurance",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    kept = json.loads(figures.read_text())
    assert list(kept) == ["single_server", "endurance"]
    for line in kept["single_server"]["lines"] + kept["endurance"]["lines"]:
        assert line["what"] in done.stdout
        assert line["ours"]
    chart = ElementTree.parse(tmp_path / "chart.svg").getroot()
    assert chart.tag == "{http://www.w3.org/2000/svg}svg"


def test_an_unknown_benchmark_is_refused() -> None:
    command = [sys.executable, "-m", "benchmarks", "on"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such benchmark: on" in done.stderr


@pytest.mark.parametrize(
    ("target", "ours", "met"),
    [
        (Target(ratio=1.5), [3.0, 2.0, 2.0], True),
        (Target(ratio=0.9), [3.0, 2.0, 2.0], False),
        (Target(value=2), [3.0, 2.0, 2.0], True),
        (Target(value=1.9), [3.0, 2.0, 2.0], False),
        (Target(more=0), [3.0, 2.0, 2.0], True),
        (Target(more=0), [3.0, 2.1, 2.1], False),
        (Target(ratio=1.5, more=-1), [3.0, 2.0, 2.0], False),
    ],
)
def test_a_verdict_is_computed_from_the_medians(target: Target, ours: list[float], met: bool) -> None:
    assert Line("something", "s", ours, [2.0, 2.0, 2.0], target).met is met


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    lines = [
        Line("a", "s", [1.0, 2.0], [2.0, 1.0], Target(ratio=1.5, more=0.25)),
        Line("b", "bytes", [5.0], []),
    ]
    results.keep(tmp_path / "figures", "theme", {"cores": 2}, lines)
    assert list(results.load(tmp_path / "figures")["theme"].values()) == lines


def test_figures_without_a_baseline_make_no_chart(tmp_path: Path) -> None:
    results.keep(tmp_path / "figures", "sizing", {}, [Line("a", "bytes", [5.0])])
    chart.draw(tmp_path / "figures", tmp_path / "chart.svg")
    assert not (tmp_path / "chart.svg").exists()


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 14, 1000])
def test_a_suite_has_the_nodes_that_were_asked_for(nodes: int) -> None:
    words = [line.split()[0] for line in environment.suite("s", nodes).splitlines()]
    assert sum(words.count(kind) for kind in ("suite", "family", "task")) == nodes
    assert words.count("family") == words.count("endfamily")


def test_paths_of_tasks_are_of_tasks_that_are_there() -> None:
    there = {"/s0/" + "/".join(names) for names in environment.tree(1000) if names[-1].startswith("t")}
    chosen = environment.task_paths(1000, 40)
    assert len(set(chosen)) == 10
    assert set(chosen) <= there
