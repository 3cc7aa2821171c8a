"""What is silenced is counted apart, and is no problem."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.stored_servers import FAILING, IDLE, NOW, SUITE, status, thresholds
from watchman_cli.check import State, assess, assess_deadlines
from watchman_cli.check.quiet import Quiet, count_quiet, silence_of
from watchman_cli.deadlines import DeadlineState, Matches
from watchman_cli.health import Health
from watchman_cli.output.check import render
from watchman_cli.readback import StoredServer
from watchman_cli.silences import Silence

HOUR = timedelta(hours=1)
WHOLE = Silence("o/*", NOW + HOUR, "/", None, "ops@login01", "new disks")
TASK = Silence("o/r", NOW + HOUR, "/s/f", None, "ops@login01", "tests")


def with_silences(stored: StoredServer, *silences: Silence) -> StoredServer:
    return replace(stored, silences=silences)


@pytest.mark.parametrize(
    ("stored", "silence", "state", "kinds"),
    [
        (status(SUITE), TASK, State.WARNING, {"aborted": 1}),  # a late node is elsewhere
        (status(SUITE), WHOLE, State.OK, {"aborted": 1, "late": 1}),
        (status(SUITE), WHOLE._replace(until=NOW), State.CRITICAL, {}),
        (status(SUITE), WHOLE._replace(server="o/other"), State.CRITICAL, {}),
        (status(IDLE), WHOLE, State.OK, {}),
        (status(IDLE, server="HALTED"), WHOLE, State.OK, {"HALTED": 1}),
        (status(IDLE, server="HALTED"), TASK, State.CRITICAL, {}),
        (status(IDLE, health=FAILING), WHOLE, State.OK, {"failing": 1}),
        (status(IDLE, age=181, health=FAILING), WHOLE, State.OK, {"failing": 1}),
        (status(None, health=FAILING), WHOLE, State.OK, {"failing": 1}),
        (status(IDLE, age=181, health=FAILING), TASK, State.CRITICAL, {}),
        (status(IDLE, age=181), WHOLE, State.UNKNOWN, {}),  # no run is made: that is not the server
        (status(None, health=Health()), WHOLE, State.UNKNOWN, {}),
        (status(IDLE, health=Health()), WHOLE, State.UNKNOWN, {}),
    ],
)
def test_silenced_causes_do_not_alarm(
    stored: StoredServer, silence: Silence, state: State, kinds: dict[str, int]
) -> None:
    found = assess(with_silences(stored, silence), thresholds())
    assert found.state is state
    assert {each.kind: each.number for each in found.quiet} == kinds
    assert all(each.silence is silence for each in found.quiet)


def test_output_of_check() -> None:
    silenced = with_silences(status(SUITE), WHOLE)
    first, line = render([assess(silenced, thresholds())], thresholds(), together=False).splitlines()
    words, _, data = first.partition(" | ")
    assert words == (
        "WATCHMAN OK - o/r: 0 aborted, 0 late, 1 aborted silenced, 1 late silenced, collected 42 s ago"
    )
    assert data.startswith("aborted=0;;0;0; late=0;0;;0; queued=0;") and data.endswith(" silenced=2;;;0;")
    assert line.startswith("/: silenced until 20") and line.endswith(" UTC by ops@login01: new disks")
    together = render([assess(silenced, thresholds())], thresholds(), together=True)
    assert "'o/r silenced'=2;;;0;" in together


def test_silenced_deadline() -> None:
    due = NOW - HOUR
    state = DeadlineState("/s/f complete by 06:00", due, "missed", "other", NOW, Matches(1, 1), misses=1)
    stored = status(IDLE, health=Health(checked_time=NOW.isoformat(), ok=True, deadlines=(state,)))
    assert assess_deadlines(stored).state is State.CRITICAL
    found = assess_deadlines(with_silences(stored, TASK))
    assert (found.state, [(each.kind, each.number) for each in found.quiet]) == (State.OK, [("missed", 1)])


def test_silenced_deadline_that_is_unknown() -> None:
    due = NOW - HOUR
    states = [
        DeadlineState(f"{path} complete by 06:00", due, "unknown", "other", NOW, Matches(1, 1))
        for path in ("/s/f", "/s/g", "/s/f/t")
    ]
    stored = status(IDLE, health=Health(checked_time=NOW.isoformat(), ok=True, deadlines=tuple(states)))
    found = assess_deadlines(with_silences(stored, TASK))
    (problem,) = found.problems
    assert (problem.state, problem.text) == (State.UNKNOWN, "1 of 3 deadlines unknown")
    assert [line.partition(":")[0] for line in problem.lines] == ["/s/g complete by 06"]
    assert (found.quiet, found.summary) == ((Quiet("unknown", 2, TASK),), "3 deadlines")


def test_one_entry_for_each_silence() -> None:
    assert [each.number for each in count_quiet("aborted", [TASK, WHOLE, TASK])] == [2, 1]


def test_silence_of_a_server() -> None:
    assert silence_of(with_silences(status(IDLE), TASK, WHOLE), None) is WHOLE
    assert silence_of(with_silences(status(IDLE), TASK), None) is None
