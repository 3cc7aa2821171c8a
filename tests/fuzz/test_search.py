"""The search of `make fuzz`, and that no other run of the tests searches at random."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

from hypothesis import settings

from tests.fuzz.__main__ import Search, search

ROOT = Path(__file__).parents[2]


def test_rounds_are_run_while_there_is_time() -> None:
    left = iter([True, True, False])
    assert search(lambda seed: 0, count(1).__next__, lambda: next(left)) == Search(3)


def test_one_round_is_run_without_time() -> None:
    assert search(lambda seed: 0, count(1).__next__, lambda: False) == Search(1)


def test_a_round_that_fails_ends_the_search_and_names_its_seed() -> None:
    assert search(lambda seed: 7 * (seed == 3), count(1).__next__, lambda: True) == Search(2, (3, 7))


PLANTED = """
from pathlib import Path
from hypothesis import given, settings, strategies as st

@settings(max_examples=int(Path("most").read_text()))
@given(st.integers())
def test_planted(number):
    with open("tried", "a") as file:
        print(number, file=file)
    assert number < 1_000_000_007
"""


def run_planted(folder: Path, most: int, *options: str) -> tuple[int, list[str]]:
    """Run a test that a large number breaks; return its exit code, and what it tried."""
    (folder / "test_planted.py").write_text(PLANTED)
    (folder / "most").write_text(str(most))
    (folder / "tried").write_text("")
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(folder)]
    command += ["-p", "tests.fuzz.plugin", "-p", "no:cacheprovider", *options, "test_planted.py"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    environment.pop("CI", None)  # with which Hypothesis says more
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ("@reproduce_failure" in done.stdout) == bool(done.returncode and options), done
    return done.returncode, (folder / "tried").read_text().split()


def test_a_seed_repeats_a_search(tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate((5, 5, 6)):
        folder = tmp_path / str(number)  # with no example that is kept
        folder.mkdir()
        found.append(run_planted(folder, 20, f"--fuzz-seed={seed}"))
    assert found[0] == found[1] != found[2]


def test_the_next_search_begins_with_the_example_that_failed(tmp_path: Path) -> None:
    assert run_planted(tmp_path, 1, "--fuzz-seed=6")[0] == 0
    assert run_planted(tmp_path, 1000, "--fuzz-seed=5")[0] == 1
    code, tried = run_planted(tmp_path, 1, "--fuzz-seed=6")
    assert code == 1 and tried[0] == "1000000007"


def test_every_other_run_tries_the_same_examples(tmp_path: Path) -> None:
    first = run_planted(tmp_path, 20)
    run_planted(tmp_path, 1000, "--fuzz-seed=5")  # what a search keeps is not for them
    assert run_planted(tmp_path, 20) == first
    assert settings.default and settings.default.derandomize and settings.default.database is None
