"""The judgement that `list` and the page show: nodes and deadlines together."""

from __future__ import annotations

from datetime import timedelta

from tests.support.stored_servers import GOOD, IDLE, NOW, SUITE, status
from watchman_cli.check import State, assess, judge
from watchman_cli.check.thresholds import DEFAULT_THRESHOLDS
from watchman_cli.deadlines import DeadlineState, Matches

MISSED = DeadlineState(
    "/s complete by 06:00 UTC", NOW - timedelta(hours=1), "missed", "other", NOW, Matches(1, 1), misses=1
)


def test_server_without_deadlines_is_judged_by_its_nodes() -> None:
    for records in (IDLE, SUITE):
        assert judge(status(records)) == assess(status(records), DEFAULT_THRESHOLDS)


def test_deadlines_join_the_nodes_problems_the_worst_first() -> None:
    stored = status(IDLE, server="SHUTDOWN", health=GOOD._replace(deadlines=(MISSED,)))
    found = judge(stored)
    assert [(each.state, each.text) for each in found.problems] == [
        (State.CRITICAL, "1 of 1 deadline missed"),
        (State.WARNING, "server SHUTDOWN"),
    ]
    assert [each.name for each in found.measures] == ["aborted", "late", "queued", "active_for"]


def test_deadline_that_another_configuration_has_is_not_judged() -> None:
    other = MISSED._replace(configured=False)
    stored = status(IDLE, health=GOOD._replace(deadlines=(other,)))
    assert judge(stored).state is State.OK
