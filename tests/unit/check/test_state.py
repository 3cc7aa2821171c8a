"""The order of a plugin's states."""

from __future__ import annotations

from itertools import pairwise

import pytest

from watchman_cli.check.state import State, severity, worst

ORDER = (State.OK, State.WARNING, State.UNKNOWN, State.CRITICAL)


def test_value_is_the_exit_code() -> None:
    assert {each.name: each.value for each in State} == {
        "OK": 0,
        "WARNING": 1,
        "CRITICAL": 2,
        "UNKNOWN": 3,
    }


@pytest.mark.parametrize(("better", "worse"), [*pairwise(ORDER)])
def test_order_of_severity(better: State, worse: State) -> None:
    assert severity(better) < severity(worse)
    assert worst([better, worse]) is worse is worst([worse, better])


def test_no_states_are_ok() -> None:
    assert worst([]) is State.OK
