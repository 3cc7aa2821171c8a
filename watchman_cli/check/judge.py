"""Judge a server by its nodes and deadlines with the default thresholds, as `list` and the page show it."""

from __future__ import annotations

from dataclasses import replace

from watchman_cli.check.assess import Assessment, assess, sort_problems
from watchman_cli.check.deadlines import assess_deadlines
from watchman_cli.check.thresholds import DEFAULT_THRESHOLDS
from watchman_cli.deadlines import listed
from watchman_cli.readback import StoredServer


def judge(stored: StoredServer) -> Assessment:
    """Return the problems of a server's nodes and deadlines, the worst first.

    A server without deadlines is judged by its nodes alone.
    """
    assessment = assess(stored, DEFAULT_THRESHOLDS)
    if not listed(stored.health.deadlines):
        return assessment
    deadlines = assess_deadlines(stored)
    problems = sort_problems((*assessment.problems, *deadlines.problems))
    return replace(assessment, problems=problems, quiet=(*assessment.quiet, *deadlines.quiet))
