"""Deadlines: nodes that must have a status by a time of day, and whether they had it.

A Deadline, its last DeadlineState and a snapshot's records make the new state. Nothing here knows servers,
stores or the clock.
"""

from watchman_cli.deadlines.cycle import Cycle, current_cycle, next_cycle
from watchman_cli.deadlines.judge import judge, judge_all
from watchman_cli.deadlines.model import (
    DAYS,
    AtStart,
    CycleState,
    Deadline,
    DeadlineState,
    Matches,
    listed,
    new_misses,
    parse_time_of_day,
    path_of,
    states_of,
    unreported,
    with_all_reported,
)
from watchman_cli.deadlines.nodes import count_changes, count_matches, match_again

__all__ = [
    "DAYS",
    "AtStart",
    "Cycle",
    "CycleState",
    "Deadline",
    "DeadlineState",
    "Matches",
    "count_changes",
    "count_matches",
    "current_cycle",
    "judge",
    "judge_all",
    "listed",
    "match_again",
    "new_misses",
    "next_cycle",
    "parse_time_of_day",
    "path_of",
    "states_of",
    "unreported",
    "with_all_reported",
]
