"""From a health record's deadlines to one state and its reasons."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.support.stored_servers import GOOD, IDLE, NOW, status
from watchman_cli.check import Assessment, State, assess_deadlines
from watchman_cli.deadlines import CycleState, DeadlineState, Matches
from watchman_cli.snapshot import MAX_SKEW

NAME = "/s complete by 12:00 UTC"
READ = NOW + timedelta(seconds=42)
DUE = NOW - timedelta(minutes=10)  # 12:00; the snapshot is read 42 seconds after NOW


def deadline(state: CycleState = "missed", matches: Matches = Matches(1, 1), **more: object) -> DeadlineState:
    known = DeadlineState(NAME, DUE, state, "other", NOW, matches)
    return known._replace(**more)  # type: ignore[arg-type]


def assessed(*states: DeadlineState, names: tuple[str, ...] = ()) -> Assessment:
    record = GOOD._replace(deadlines=states)
    return assess_deadlines(status(IDLE, health=record), names)


def test_server_without_deadlines_is_unknown() -> None:
    found = assessed()
    (problem,) = found.problems
    assert (found.state, found.measures, found.summary) == (State.UNKNOWN, (), "")
    assert found.stored == status(IDLE, health=GOOD)
    assert problem.text == "no run has judged a deadline yet; set `deadlines` in the configuration"


@pytest.mark.parametrize("state", ["met", "pending"])
@pytest.mark.parametrize(
    ("number", "summary"), [(1, "1 deadline, none missed"), (2, "2 deadlines, none missed")]
)
def test_deadlines_that_are_not_missed(state: CycleState, number: int, summary: str) -> None:
    later = DUE + timedelta(hours=1) if state == "pending" else DUE
    found = assessed(*[deadline(state, due=later)] * number)
    assert (found.state, found.problems, found.summary) == (State.OK, (), summary)
    assert [(each.name, each.value) for each in found.measures] == [("missed", 0), ("unknown", 0)]


def test_missed_and_unknown_are_counted_each_with_its_lines() -> None:
    found = assessed(deadline(), deadline("met"), deadline("unknown"), deadline(matches=Matches(0, 0)))
    line = f"{NAME}: due 2026-11-24 12:00 UTC, "
    assert [(each.state, each.text, each.lines) for each in found.problems] == [
        (
            State.CRITICAL,
            "2 of 4 deadlines missed",
            (line + "it is not complete", line + "there is no such node"),
        ),
        (
            State.UNKNOWN,
            "1 of 4 deadlines unknown",
            (line + "unknown: the server was not read in time",),
        ),
    ]
    assert [(each.name, each.value) for each in found.measures] == [("missed", 2), ("unknown", 1)]
    assert (found.state, found.summary) == (State.CRITICAL, "4 deadlines, none missed")


@pytest.mark.parametrize(
    ("state", "text", "reason"),
    [
        (deadline(reached=NOW), "missed", "reached 10 min late"),
        (deadline(matches=Matches(3, 2)), "missed", "2 of 3 nodes are not complete"),
        (deadline(matches=Matches(1, 0)), "missed", "it was already complete before the cycle began"),
        (
            deadline("pending", judged=NOW - timedelta(minutes=20)),
            "unknown",
            "but the server was not read since 2026-11-24 11:50 UTC",
        ),
        (
            deadline("met", judged=NOW + timedelta(minutes=5)),
            "unknown",
            "but the last snapshot is of 2026-11-24 12:15 UTC, in the future: compare the hosts' clocks",
        ),
    ],
)
def test_reason(state: DeadlineState, text: str, reason: str) -> None:
    (problem,) = assessed(state).problems
    assert problem.text == f"1 of 1 deadline {text}"
    assert problem.lines == (f"{NAME}: due 2026-11-24 12:00 UTC, {reason}",)


def test_snapshot_of_now_by_clocks_that_differ_a_little_is_not_in_the_future() -> None:
    read = NOW + timedelta(seconds=42)
    for ahead, state in ((180, State.OK), (181, State.UNKNOWN)):
        assert assessed(deadline("met", judged=read + timedelta(seconds=ahead))).state is state


def test_only_deadlines_of_the_last_run_and_of_the_configuration_count() -> None:
    other = deadline(configured=False)
    assert "no run has judged" in assessed(other).problems[0].text
    assert assessed(other, names=(NAME,)).problems[0].text == "1 of 1 deadline missed"


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        (DUE, "it is not complete"),
        (DUE - timedelta(seconds=1), "but the server was not read since 2026-11-24 11:59 UTC"),
        (READ + MAX_SKEW, "it is not complete"),
        (READ + MAX_SKEW + timedelta(seconds=1),
         "but the last snapshot is of 2026-11-24 12:13 UTC, in the future: compare the hosts' clocks"),
    ],
)  # fmt: skip
def test_time_of_the_last_snapshot_at_its_bounds(judged: datetime, reason: str) -> None:
    (problem,) = assessed(deadline(judged=judged)).problems
    assert problem.lines == (f"{NAME}: due 2026-11-24 12:00 UTC, {reason}",)
