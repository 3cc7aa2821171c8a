"""A silence, and whether it holds for a node or a server at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import cache
from typing import NamedTuple

CONFIGURED = "the configuration"  # who silences if no operator does


class Silence(NamedTuple):
    """No alarms of `path` on `server` and of the nodes below it, from `start` until `until`.

    In `server`, `*` stands for any characters. The path "/" is the whole server: its nodes, its state, and
    the runs that fail to read it. Without `start`, the silence has begun.
    """

    server: str
    until: datetime
    path: str = "/"
    start: datetime | None = None
    who: str = CONFIGURED
    because: str = ""

    def is_at(self, now: datetime) -> bool:
        """Return whether the silence has begun and has not ended."""
        return (self.start is None or self.start <= now) and now < self.until

    def concerns(self, server: str) -> bool:
        """Return whether the silence is of a server, or of nodes of it."""
        return self.server == server or bool(_pattern(self.server).fullmatch(server))

    def covers(self, server: str, path: str | None) -> bool:
        """Return whether the silence is of a node of a server; None is the server itself."""
        if not self.concerns(server):
            return False
        return self.path == "/" or (path is not None and f"{path}/".startswith(f"{self.path}/"))


def silenced(silences: Iterable[Silence], server: str, path: str | None, now: datetime) -> Silence | None:
    """Return the silence of a node, or None; of several, the one that ends last.

    With `path` None, it is the silence of the server itself: failing or halted.
    """
    found = [each for each in silences if each.is_at(now) and each.covers(server, path)]
    return max(found, key=lambda each: each.until, default=None)


def describe(silence: Silence, *, with_path: bool = False) -> str:
    """Return until when, by whom and why."""
    path = f"{silence.path} " if with_path and silence.path != "/" else ""
    until = f"{silence.until.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
    return f"{path}silenced until {until} by {silence.who}: {silence.because}"


@cache
def _pattern(server: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, server.split("*"))), re.S)
