"""Causes and notices for the tests of this folder."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from watchman_cli.causes.model import Cause, Ended, Event, Known, Notices, Rules

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=timezone.utc)
NODE = Cause("aborted", "/s/t", "2026-11-28T11:58:00+00:00")
OTHER = Cause("aborted", "/s/u", "2026-11-28T11:59:00+00:00")
HALTED = Cause("halted", "halted", "2026-11-28T11:59:00+00:00", "server HALTED")
MISSED = Cause("missed", "/s complete by 12:00", "2026-11-28T12:00:00+00:00", "deadline missed: /s")
FAILING = Cause("failing", "failing", "2026-11-28T11:50:00+00:00", "not read: connection refused")
AT_ONCE = Rules(0)
HELD = Rules(120)


def at(seconds: float = 0) -> datetime:
    """Return a time after NOW."""
    return NOW + timedelta(seconds=seconds)


def text(seconds: float = 0) -> str:
    return at(seconds).isoformat(timespec="microseconds")


def told(*causes: Cause, seconds: float = 0) -> Notices:
    """Return notices with causes that were seen and told at a time after NOW."""
    return Notices("r", tuple(Known(cause, text(seconds), text(seconds)) for cause in causes))


def event(number: int = 1, *causes: Cause) -> Event:
    return Event(f"id{number}", text(number), causes or (NODE,), (), ("webhook", "command"))


ENDED = Ended(NODE, text(-60), text())
