"""The deadlines of a server, judged by one more reading of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from watchman_cli.deadlines import Deadline, count_changes, count_matches, judge, states_of
from watchman_cli.health import Health
from watchman_cli.snapshot import parse_time
from watchman_cli.sync.reading import Reading


def judge_deadlines(
    deadlines: Iterable[Deadline], before: Health, reading: Reading, snapshot: Callable[[], bytes]
) -> list[dict[str, Any]]:
    """Return the state of each deadline, as it stands in the health record, of which the last is `before`.

    The snapshot is asked for only where what changed is not enough. Raises what it raises.
    """
    states = {state.deadline: state for state in states_of(before.deadlines or ())}
    collected = parse_time(reading.read_time)
    judged = []
    for deadline in deadlines:
        state = states.get(str(deadline))
        if reading.changes is not None and state is not None:
            matches = count_changes(deadline, state.matches, reading.changes)
        else:
            matches = count_matches(deadline, snapshot())
        judged.append(judge(deadline, state, matches, collected).as_json())
    return judged
