"""The counts and deadlines of a health record, so that its readers need not look at each node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from watchman_cli import snapshot
from watchman_cli.errors import StoreError
from watchman_cli.health.record import Health
from watchman_cli.snapshot import RecordUpdate, parse_time

if TYPE_CHECKING:  # imported only if a server has deadlines
    from watchman_cli.deadlines import Deadline, DeadlineState


def with_counts(
    health: Health,
    previous: Health,
    changes: Sequence[RecordUpdate] | None,
    content: Callable[[], bytes],
    deadlines: Sequence[Deadline],
    *,
    count: bool,
) -> Health:
    """Return a record with the counts, if they are wanted, and the deadlines of the snapshot it describes.

    `changes` lead to that snapshot from the one that `previous` was counted from. If they are None, `content`
    is counted: it returns the snapshot's bytes, and is called once at most. Raises the errors of `content`.
    """
    content = cache(content)
    counts: Mapping[str, int] | None = None
    states: tuple[DeadlineState, ...] = ()
    if count:
        if changes is not None and previous.counts is not None:
            counts = snapshot.count_changes(previous.counts, changes, content)
        else:
            counts = snapshot.count_nodes(content())
    if deadlines or previous.deadlines:
        from watchman_cli.deadlines import judge_all

        assert health.collected_time
        collected = parse_time(health.collected_time)
        states = judge_all(deadlines, previous.deadlines, changes, content, collected)
    if (counts, states) == (health.counts, health.deadlines):
        return health  # a copy takes longer than this look
    return health._replace(counts=counts, deadlines=states)


def count_again(
    health: Health, revision: str, content: Callable[[], bytes], deadlines: Sequence[Deadline]
) -> Health:
    """Return a record that is counted from the stored snapshot of this revision, not from another one.

    If the snapshot cannot be read, the record stays: the next run that reads the server counts.
    """
    if health.counts is None and not health.deadlines:
        return health
    try:
        value = content()
        snapshot.prove((value,), revision)
    except (StoreError, snapshot.NotWhole):
        return health
    counts = None if health.counts is None else snapshot.count_nodes(value)
    states = health.deadlines
    if states:
        from watchman_cli.deadlines import match_again

        states = match_again(deadlines, states, value)
    return health._replace(counts=counts, deadlines=states, counted_revision=revision)
