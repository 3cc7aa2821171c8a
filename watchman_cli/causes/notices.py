"""Decide which causes begin and end: from a server's notices and its present causes to its new notices."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from watchman_cli.causes.model import Cause, Ended, Event, Kind, Known, Notices, Rules
from watchman_cli.snapshot import parse_time

ENDED_KEPT = timedelta(minutes=5)  # in which runs post an end again
EVENTS_KEPT = timedelta(days=1)  # for a receiver that takes none
# The health record has room for so many. The others are told as these end.
MAX_ABORTED = 1000
MAX_SIZE = 200_000  # characters of the aborted nodes' paths, and of the causes of all events
KINDS: tuple[Kind, ...] = ("failing", "halted", "missed", "aborted")


class Told(NamedTuple):
    """The causes that are told as beginning and as ended by one update."""

    began: tuple[Cause, ...] = ()
    ended: tuple[Ended, ...] = ()


def advance(
    notices: Notices,
    present: Iterable[Cause],
    now: datetime,
    rules: Rules,
    *,
    judged: Collection[Kind] = KINDS,
    revision: str | None = None,
    event_id: str = "",
) -> Notices:
    """Return the notices after the causes of the `judged` kinds were found to be `present`, at `now`.

    Causes of other kinds stay as they are: nothing is known of them. `revision` is that of the judged
    snapshot; None keeps it. A new event gets `event_id`, or a random one.
    """
    time = now.isoformat(timespec="microseconds")
    found = {cause.key: cause for cause in present}
    known: list[Known] = []
    ended: list[Ended] = []
    for each in notices.known:
        if each.cause.kind not in judged:
            known.append(each)
        elif each.cause.key in found:
            del found[each.cause.key]
            known.append(_tell(each, now, time, rules))
        elif each.told:
            ended.append(Ended(each.cause, each.seen, max(time, each.seen)))
    new = (_tell(Known(cause, time), now, time, rules) for cause in found.values())
    known = _limited([*known, *new])
    lasting = {each.cause.key for each in known}
    recent = [
        each
        for each in notices.ended
        if abs(now - parse_time(each.until)) < ENDED_KEPT and each.cause.key not in lasting
    ]
    new_notices = Notices(
        notices.revision if revision is None else revision,
        tuple(known),
        (*recent, *ended)[-MAX_ABORTED:],
        notices.events,
    )
    return _with_event(new_notices, told_between(notices, new_notices), now, time, rules, event_id)


def told_between(previous: Notices | None, notices: Notices | None) -> Told:
    """Return the causes that are told by the update that replaces some notices by others."""
    if notices is None or previous is notices:
        return Told()
    before = previous or Notices()
    told = {each.cause.key for each in before.told}
    over = set(before.ended)
    return Told(
        tuple(each.cause for each in notices.told if each.cause.key not in told),
        tuple(each for each in notices.ended if each not in over),
    )


def _tell(known: Known, now: datetime, time: str, rules: Rules) -> Known:
    """Return a cause that lasts, as told if it is time."""
    if known.told:
        return known
    lasted = (now - parse_time(known.seen)).total_seconds()
    held = known.cause.kind != "missed" and lasted < rules.hold
    return known if held or rules.is_silenced(known.cause) else known._replace(told=time)


def _limited(known: Iterable[Known]) -> list[Known]:
    """Return the causes that are kept: all but the aborted nodes for which there is no room."""
    kept, number, size = [], 0, 0
    for each in known:
        if each.cause.kind == "aborted":
            number, size = number + 1, size + len(each.cause.name)
            if number > MAX_ABORTED or size > MAX_SIZE:
                continue
        kept.append(each)
    return kept


def _with_event(
    notices: Notices, told: Told, now: datetime, time: str, rules: Rules, event_id: str
) -> Notices:
    """Return the notices with an event for what is told, and without events that are too old."""
    events = [each for each in notices.events if abs(now - parse_time(each.time)) < EVENTS_KEPT]
    if rules.receivers and (told.began or told.ended):
        events.append(Event(event_id or secrets.token_hex(8), time, *told, rules.receivers))
    size, kept = 0, 0
    for event in reversed(events):
        size += sum(len(cause.name) + len(cause.text) + 100 for cause in event.began)
        size += sum(len(each.cause.name) + len(each.cause.text) + 150 for each in event.ended)
        if kept and size > MAX_SIZE:
            break
        kept += 1
    return notices._replace(events=tuple(events[len(events) - kept :]))
