"""`make audit`: the known vulnerabilities of the installed packages, if pip-audit's service can be reached.

Without the service nothing is proved, and the last line says so: the exit code is that of what was found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

# In an environment of its own: see the Makefile.
PYTHON = Path(__file__).parent.parent / ".venv" / "audit" / "bin" / "python"
OPTIONS = ("--format", "json", "--progress-spinner", "off", "--path", sysconfig.get_path("purelib"))
PATIENCE = 300  # seconds


class Verdict(NamedTuple):
    """The lines to print, and whether no vulnerability was found."""

    lines: list[str]
    passed: bool


def judge(report: str) -> Verdict:
    """Return the verdict of pip-audit's report, which is empty if its service failed."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    audited = [each for each in packages if "skip_reason" not in each]
    if not audited:
        return Verdict(
            ["Not audited for known vulnerabilities: the service of pip-audit was not reached"], True
        )
    found = [
        f"{each['name']} {each['version']}: {flaw['id']}, fixed in {flaw['fix_versions'] or 'no version'}"
        for each in audited
        for flaw in each["vulns"]
    ]
    total = f"{len(audited)} of {len(packages)} packages were audited: {len(found)} known vulnerabilities"
    return Verdict([*found, total], not found)


def main() -> None:
    """Run pip-audit on the packages of this interpreter."""
    command = [str(PYTHON), "-m", "pip_audit", *OPTIONS]
    try:
        report = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE).stdout
    except subprocess.TimeoutExpired:
        report = ""
    verdict = judge(report)
    print("\n".join(verdict.lines))
    sys.exit(0 if verdict.passed else 1)


if __name__ == "__main__":
    main()
