"""Prometheus's own tool, which checks metrics and tests alert rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROMTOOL = Path(__file__).parent.parent.parent / ".venv" / "promtool"


def run_promtool(*arguments: str, stdin: str = "") -> str:
    """Run promtool, which must find nothing wrong; return what it says."""
    if not PROMTOOL.exists():
        raise RuntimeError("promtool is not there: run the tests with `make test`, which fetches it")
    done = subprocess.run(
        [str(PROMTOOL), *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "lint" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout
