"""`make mutants`: how many small mistakes in the code the unit tests notice, and which they do not.

mutmut changes one thing at a time in the modules that pyproject.toml names, and runs the tests that reach it.
A survivor is accepted only if tests/survivors.yaml says why its function may have one.

    python -m tests.mutants [PATTERN ...]      such as 'watchman_cli.sync.*'; without one, all modules
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
REASONS = ROOT / "tests" / "survivors.yaml"
GOAL = 90  # percent of all mutants
ALIVE = {0: "survived", 5: "no tests", 33: "no tests", 35: "suspicious"}  # by mutmut's exit code of a mutant


def verdicts(patterns: list[str]) -> Iterator[tuple[str, str | None]]:
    """Yield the name of each mutant that was tried, and why it is alive, if it is."""
    for path in sorted((ROOT / "mutants").rglob("*.meta")):
        for name, code in json.loads(path.read_text())["exit_code_by_key"].items():
            if code is not None and (not patterns or any(fnmatch(name, each) for each in patterns)):
                yield name, ALIVE.get(code)


def function_of(mutant: str) -> str:
    """Return the dotted name of the function that a mutant changes."""
    module, _, function = mutant.rpartition("__mutmut_")[0].rpartition(".x")
    return f"{module}.{function[1:].replace('ǁ', '.')}"  # after `_`, or `ǁ` before the name of a class


def main() -> int:
    """Try the mutants, print a row per module and each survivor without a reason; 1 below the goal."""
    patterns = sys.argv[1:]
    tried = subprocess.run([sys.executable, "-m", "mutmut", "run", *patterns], cwd=ROOT, check=False)
    if tried.returncode:
        return tried.returncode
    accepted = yaml.safe_load(REASONS.read_text()) or {}
    total: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    unexplained: list[str] = []
    for name, status in verdicts(patterns):
        function = function_of(name)
        module = name.partition(".x")[0]
        total[module] += 1
        killed[module] += status is None
        if status and function not in accepted:
            unexplained.append(f"{status}: {name}")
    print("\n".join(unexplained))
    for module in sorted(total):
        share = 100 * killed[module] / total[module]
        print(f"{module:<50} {killed[module]:>5} of {total[module]:>5} {share:6.1f} %")
    percent = 100 * killed.total() / max(1, total.total())
    print(f"{killed.total()} of {total.total()} mutants are killed: {percent:.1f} % (goal: {GOAL} %)")
    return int(percent < GOAL)


if __name__ == "__main__":
    sys.exit(main())
