"""The sync cache that a reading leaves for the next run. Pure."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from watchman_cli.ecflow_client import Instance, Statistics
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.instance import seen

if TYPE_CHECKING:
    from watchman_cli.sync.patch import Suspended


class Facts(NamedTuple):
    """The facts about a reading: `asked` is the time of its request, and `same_clock` says that this host and
    the server have one clock. `numbers` are state_change_no and modify_change_no.
    """

    asked: datetime
    same_clock: bool
    target: list[Any]
    statistics: Statistics
    numbers: tuple[int, int]
    nodes: int
    suspended: "Suspended"
    begin_times: dict[str, str]
    handle: int = 0
    marker: str = ""


def make_cache(previous: SyncCache | None, facts: Facts, instance: Instance) -> SyncCache:
    """Return a reading's cache; the snapshot's revision is set when the snapshot is written."""
    first_seen, told_apart = seen(previous, instance, facts.asked, facts.same_clock)
    return SyncCache(
        instance=instance,
        stats_count=facts.statistics.stats_count,
        group_count=facts.statistics.group_count,
        plug_count=facts.statistics.plug_count,
        state_change_no=facts.numbers[0],
        modify_change_no=facts.numbers[1],
        nodes=facts.nodes,
        revision="",
        target=facts.target,
        read_time=facts.asked.isoformat(timespec="microseconds"),
        first_seen=first_seen,
        told_apart=told_apart,
        suspended=dict(facts.suspended),
        begin_times=facts.begin_times,
        rate=round(change_rate(previous, facts, instance), 3),
        handle=facts.handle,
        marker=facts.marker,
    )


def change_rate(previous: SyncCache | None, facts: Facts, instance: Instance) -> float:
    """Return the changes that the server counts in a second, or 0 if the rate is unknown.

    It is unknown after a restart, after nodes were added or removed, and with a handle: the server counts the
    changes of all suites.
    """
    if previous is None or facts.handle or previous.instance != instance:
        return 0.0
    state_change_no, modify_change_no = facts.numbers
    if previous.modify_change_no != modify_change_no:
        return 0.0
    seconds = previous.seconds_since(facts.asked)
    return max(0, state_change_no - previous.state_change_no) / max(1.0, seconds)
