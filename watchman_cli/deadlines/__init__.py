"""Deadlines: from what the configuration wants of some nodes by a time of day, to whether it was so.

In come a Deadline, what the health record says of it (DeadlineState), and a snapshot's records; out comes the
new state. Nothing here knows servers, stores or the clock.
"""

from watchman_cli.deadlines.cycle import Cycle, current_cycle, next_cycle
from watchman_cli.deadlines.judge import judge
from watchman_cli.deadlines.model import (
    DAYS,
    Deadline,
    DeadlineState,
    Matches,
    listed,
    new_misses,
    parse_time_of_day,
    states_of,
    unreported,
    with_all_reported,
)
from watchman_cli.deadlines.nodes import count_changes, count_matches

__all__ = [
    "DAYS",
    "Cycle",
    "Deadline",
    "DeadlineState",
    "Matches",
    "count_changes",
    "count_matches",
    "current_cycle",
    "judge",
    "listed",
    "new_misses",
    "next_cycle",
    "parse_time_of_day",
    "states_of",
    "unreported",
    "with_all_reported",
]
