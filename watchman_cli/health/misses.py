"""The missed deadlines of a health record: those that are new, and those that were not reported yet."""

from __future__ import annotations

from watchman_cli.health.record import Health


def new_misses(previous: Health, health: Health) -> tuple[str, ...]:
    """Return the deadlines that were missed between two records, in words."""
    if not health.deadlines:
        return ()
    from watchman_cli import deadlines

    return tuple(state.deadline for state in deadlines.new_misses(previous.deadlines, health.deadlines))


def describe_misses(health: Health) -> tuple[str, ...]:
    """Return a line for each deadline with a miss that was not reported yet."""
    if not health.deadlines:
        return ()
    from watchman_cli.deadlines import unreported

    states = unreported(health.deadlines)
    return tuple(f"deadline missed: {state.deadline}; {state.why_missed}" for state in states)


def with_misses_reported(health: Health) -> Health:
    """Return the record after all its misses were reported."""
    if not health.deadlines:
        return health
    from watchman_cli.deadlines import with_all_reported

    return health._replace(deadlines=with_all_reported(health.deadlines))
