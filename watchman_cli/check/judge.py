"""The one judgement of a server that `list` and the page show: what `check` finds with its default limits."""

from __future__ import annotations

from dataclasses import replace

from watchman_cli.check.assess import Assessment, Limits, assess, severity
from watchman_cli.check.deadlines import assess_deadlines
from watchman_cli.deadlines import listed
from watchman_cli.readback import StoredServer

DEFAULT_LIMITS = Limits()


def judge(status: StoredServer) -> Assessment:
    """Return what is wrong with a server's nodes and with its deadlines, the worst problem first.

    A server without deadlines is judged by its nodes alone.
    """
    found = assess(status, DEFAULT_LIMITS)
    if not listed(status.health.deadlines or ()):
        return found
    problems = (*found.problems, *assess_deadlines(status).problems)
    return replace(
        found, problems=tuple(sorted(problems, key=lambda problem: severity(problem.state), reverse=True))
    )
