"""The processes that have the ecFlow bindings, one of each release for all tests of this process."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.release import Release

AGENT = Path(__file__).with_name("ecflow_agent.py")
ECFLOW_PYTHON = os.environ.get("WATCHMAN_ECFLOW_PYTHON", "/usr/bin/python3")

_agents: dict[Release, subprocess.Popen[str]] = {}
_asking = threading.Lock()


def ask_agent(release: Release, request: Sequence[Any]) -> tuple[str, Any]:
    """Return what ecflow_agent.py answers to a request: ("ok", result) or ("error", text)."""
    with _asking:
        agent = _agents.get(release)
        if agent is None or agent.poll() is not None:
            agent = _agents[release] = _start(release)
        assert agent.stdin and agent.stdout
        agent.stdin.write(json.dumps(request) + "\n")
        agent.stdin.flush()
        kind, result = json.loads(agent.stdout.readline())
        return kind, result


def _start(release: Release) -> subprocess.Popen[str]:
    """Start an agent, which ends with this process, when its standard input does."""
    python = "/usr/bin/python3" if release.root else ECFLOW_PYTHON
    return subprocess.Popen(
        release.command(python, str(AGENT)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
