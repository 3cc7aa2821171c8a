"""Whether the server that answers is still the start of it that was read before.

What tells two starts apart is the second in which each began (`Up since`): before ecFlow 5.16 there is no
process number, and in a container each start may have the same one. Two starts within one second look alike,
and other clients' requests move the counters of the second past those of the first.

But only a server that was read within the second of its start can be followed by one that looks alike. If
the server's clock had passed that second when it was read, every later start began in a later one. So it is
enough to prove that.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from watchman_cli.ecflow_client import Instance, Statistics
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.records import since_of

RESTARTED = "the server was restarted"
JUST_STARTED = "the server was last read in the first seconds of its start"
CLOCKS_DIFFER = timedelta(hours=1)  # no two hosts' clocks differ more
APART = timedelta(seconds=10)  # between two readings by this clock: more than a second by any other


def why_another(statistics: Statistics | None, cache: SyncCache) -> str | None:
    """Return why this may be another start of the server than the cache's; None if it is that one."""
    if statistics is None or statistics.instance is None:
        return why_unknown(statistics)
    if statistics.instance != cache.instance:
        return RESTARTED
    # Each start counts its requests from zero.
    if statistics.stats_count <= cache.stats_count or statistics.group_count <= cache.group_count:
        return f"{RESTARTED}, or its statistics were reset"
    return None


def why_unknown(statistics: Statistics | None) -> str:
    """Return the parts that are missing in statistics that do not show the start of the server."""
    missing = ", ".join(statistics.missing) if statistics else "all of it"
    return f"the server's statistics do not show which start of it this is (not understood: {missing})"


def seen(before: SyncCache | None, instance: Instance, asked: datetime, same_clock: bool) -> tuple[str, bool]:
    """Return since when this instance is known, ISO 8601, and whether it is told apart from later starts."""
    first_seen, told_apart = asked.isoformat(timespec="microseconds"), False
    if before is not None and before.instance == instance:
        first_seen, told_apart = before.first_seen, before.told_apart
    return first_seen, told_apart or is_told_apart(
        instance.up_since, asked, datetime.fromisoformat(first_seen), same_clock
    )


def is_told_apart(up_since: str, asked: datetime, first_seen: datetime, same_clock: bool) -> bool:
    """Return whether every later start of a server will have another `Up since`.

    `asked` is when the server was asked, and `first_seen` when it answered with this `Up since` for the first
    time, both by this host's clock. With `same_clock` the server goes by that clock, too.
    """
    if asked - first_seen >= APART:  # whatever its clock says, it went on meanwhile
        return True
    started = since_of(0, up_since)
    if started is None:
        return False
    return asked - datetime.fromisoformat(started) >= (timedelta(seconds=1) if same_clock else CLOCKS_DIFFER)
