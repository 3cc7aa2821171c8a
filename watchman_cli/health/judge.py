"""A server's notices after a run has read it, or failed to: the part of an update that is about causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from watchman_cli.causes.find import aborted_causes, failing_cause, halted_causes, missed_causes
from watchman_cli.causes.model import Kind, Notices, Rules
from watchman_cli.causes.notices import advance
from watchman_cli.snapshot import RecordUpdate, parse_time

if TYPE_CHECKING:
    from watchman_cli.health.record import Health

FAILING: tuple[Kind, ...] = ("failing",)


def after_good_run(
    rules: Rules,
    health: Health,
    server_state: str,
    changes: Sequence[RecordUpdate] | None,
    content: Callable[[], bytes],
    revisions: tuple[str, str],
) -> Notices:
    """Return the notices after a reading, whose `health` record has the previous ones.

    `changes` are the records that differ from the stored snapshot, or None if they are unknown. `revisions`
    are those of the stored and of the new snapshot, whose bytes `content` returns.
    """
    notices = health.notices or Notices()
    seen = health.collected_time or health.checked_time
    replaced, revision = revisions
    judged = health.notices is not None and notices.revision == replaced
    present = [
        *halted_causes(server_state, seen),
        *missed_causes(health.deadlines),
        *aborted_causes(notices, changes, content, seen, judged=judged),
    ]
    return advance(notices, present, parse_time(seen), rules, revision=revision)


def after_failed_run(rules: Rules, health: Health, report_after: int, now: datetime) -> Notices:
    """Return the notices after a run failed, by its `health` record, which has the previous ones.

    A server is a cause from the run on with which it failed `report_after` times.
    """
    present = []
    if health.failures >= report_after and health.error is not None:
        present.append(failing_cause(health.failing_since or health.checked_time, health.error.message))
    return advance(health.notices or Notices(), present, now, rules, judged=FAILING)
