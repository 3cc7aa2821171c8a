"""From a snapshot and a health record to one state and its reasons."""

from __future__ import annotations

import pytest

from tests.support.stored_servers import FAILING, IDLE, SUITE, TASK, status, thresholds
from watchman_cli.check import Problem, State, Thresholds, assess
from watchman_cli.check.assess import sort_problems
from watchman_cli.health import Health
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import StatusRecord


def test_aborted_family_is_a_cause_if_no_node_below_it_is() -> None:
    alone = [record for record in SUITE if record != TASK]
    found = assess(status(alone), thresholds())
    assert [node.path for node in found.problems[0].nodes] == ["/s/f"]


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (thresholds("aborted=1"), State.WARNING),  # late by its default
        (thresholds("aborted=1 late=1"), State.OK),
        (thresholds("aborted=0 late=1"), State.WARNING),
        (thresholds("late=1", "aborted=0"), State.CRITICAL),
        (thresholds("late=1", "aborted=1 active_for=2h"), State.CRITICAL),
        (thresholds("late=1 active_for=2h", "aborted=1 active_for=3h"), State.WARNING),
        (thresholds("late=1 aborted=1 queued=3:"), State.WARNING),
        (thresholds("late=1 aborted=1 queued=@2:2"), State.WARNING),
        (thresholds(path="/s/h"), State.OK),
        (thresholds(path="/s/g"), State.WARNING),
        (thresholds(path="/no/such"), State.UNKNOWN),
        (thresholds(max_age=41), State.UNKNOWN),
    ],
)
def test_state_by_thresholds(given: Thresholds, state: State) -> None:
    assert assess(status(SUITE), given).state is state


def test_nodes_beyond_the_threshold_are_the_causes() -> None:
    found = assess(status(SUITE, age=0), thresholds("late=1 aborted=1 active_for=1h"))
    assert [node.path for node in found.problems[0].nodes] == ["/s/g/runs"]


@pytest.mark.parametrize(
    ("stored", "state", "text"),
    [
        (status(IDLE, server="HALTED"), State.CRITICAL, "server HALTED"),
        (status(IDLE, server="SHUTDOWN"), State.WARNING, "server SHUTDOWN"),
        (status(IDLE, health=FAILING), State.WARNING, "2 runs failed: it | fails"),
        (status(IDLE, health=Health()), State.UNKNOWN, "never read"),
        (status(IDLE, age=180.1), State.UNKNOWN, "no run has read it since"),
        (status(IDLE, age=180.1, health=FAILING), State.CRITICAL, "2 runs failed: it | fails"),
        (
            status(IDLE, age=-180.1),
            State.UNKNOWN,
            "the snapshot was collected in the future: compare the hosts' clocks",
        ),
        (status(None), State.UNKNOWN, "no snapshot"),
        (status(None, health=FAILING), State.CRITICAL, "no snapshot; 2 runs failed: it | fails"),
    ],
)
def test_one_problem(stored: StoredServer, state: State, text: str) -> None:
    (problem,) = assess(stored, thresholds()).problems
    assert (problem.state, problem.text, problem.measure, problem.nodes) == (state, text, None, ())


@pytest.mark.parametrize("age", [180, -180])
def test_max_age_is_inclusive(age: float) -> None:
    assert assess(status(IDLE, age=age), thresholds()).state is State.OK


def test_missing_node_is_unknown() -> None:
    assessment = assess(status(IDLE), Thresholds("/no such"))
    assert assessment.problems == (Problem(State.UNKNOWN, "no such node: '/no such'"),)
    assert (assessment.measures, assessment.summary) == ((), "")


def test_unusable_snapshot_has_no_measures() -> None:
    assessment = assess(status(SUITE, age=999), thresholds())
    assert (assessment.measures, len(assessment.problems)) == ((), 1)


def test_problems_have_their_measure_and_nodes_the_worst_first() -> None:
    stored = status(SUITE, health=FAILING, server="HALTED")
    assessment = assess(stored, thresholds())
    assert assessment.stored is stored and assessment.state is State.CRITICAL
    assert [(each.state, each.text, each.measure and each.measure.name) for each in assessment.problems] == [
        (State.CRITICAL, "server HALTED", None),
        (State.CRITICAL, "", "aborted"),
        (State.WARNING, "2 runs failed: it | fails", None),
        (State.WARNING, "", "late"),
    ]
    assert [[node.path for node in each.nodes] for each in assessment.problems] == [
        [],
        ["/s/f/t"],
        [],
        ["/s/g/runs"],
    ]
    assert [each.name for each in assessment.measures] == ["aborted", "late", "queued", "active_for"]


def test_equally_bad_problems_keep_their_order() -> None:
    first, second = Problem(State.UNKNOWN, "first"), Problem(State.UNKNOWN, "second")
    worst, least = Problem(State.CRITICAL), Problem(State.WARNING)
    assert sort_problems([least, first, worst, second]) == (worst, first, second, least)


def test_nodes_below_another_path_are_not_judged() -> None:
    records = [
        StatusRecord("/", "aborted"),
        StatusRecord("/a", "complete"),
        StatusRecord("/ab", "aborted"),
    ]
    assert assess(status(records), Thresholds("/a")).state is State.OK
    assert assess(status(records), Thresholds("/ab")).state is State.CRITICAL
