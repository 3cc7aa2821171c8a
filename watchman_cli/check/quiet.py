"""The causes of alarms that are silenced: they are counted apart, and are not problems."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import NamedTuple

from watchman_cli.readback import StoredServer
from watchman_cli.silences import Silence, silenced
from watchman_cli.snapshot import StatusRecord


class Quiet(NamedTuple):
    """Silenced causes of one kind, such as aborted, late, failing or missed: their number and silence."""

    kind: str
    number: int
    silence: Silence


def silence_of(stored: StoredServer, path: str | None) -> Silence | None:
    """Return the silence of a node when the server was read back, or None; `path` None is the server."""
    return silenced(stored.silences, stored.server, path, stored.read_time)


def nodes_filter(stored: StoredServer) -> Callable[[str], Silence | None] | None:
    """Return the silence of each node, or None if no silence holds."""
    active = [each for each in stored.silences if each.is_at(stored.read_time)]
    if not active:
        return None
    return cache(lambda path: silenced(active, stored.server, path, stored.read_time))


def count_quiet(kind: str, silences: Iterable[Silence]) -> list[Quiet]:
    """Return the silenced causes of one kind, whose silences are given: one for each silence."""
    counts: dict[Silence, int] = {}
    for each in silences:
        counts[each] = counts.get(each, 0) + 1
    return [Quiet(kind, count, silence) for silence, count in counts.items()]


def quiet_nodes(
    kind: str, records: Collection[StatusRecord], find: Callable[[str], Silence | None]
) -> list[Quiet]:
    """Return the silenced ones of some nodes."""
    return count_quiet(kind, [found for each in records if (found := find(each.path)) is not None])
