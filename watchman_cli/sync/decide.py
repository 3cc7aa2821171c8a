"""Decides how a server's answer is used. Pure: the answer, the cache and the scope give the decision."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, NamedTuple

from watchman_cli.ecflow_client import Answer, Statistics
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.handles import why_not_ours
from watchman_cli.sync.instance import why_another, why_unknown
from watchman_cli.sync.reading import Scope

if TYPE_CHECKING:
    from watchman_cli.ecflow_client import Definition

PLUGGED = "nodes were moved, or a client tried to (--plug)"
REPLACED = "nodes were added, removed or replaced"
SAME_PATHS = "two aliases have one path"


class Use(NamedTuple):
    """How an answer to a request for changes is used.

    `way` is the use: merge the changes, take the definition that came in their place, or make a full reading,
    with the cache's handle or with a new one. `reason` says why the changes are not merged. `is_proved` says
    that the server and the client handle are those of the cache.
    """

    way: Literal["merge", "take definition", "read in full", "read with new handle"]
    reason: str | None
    is_proved: bool


def use_answer(answer: Answer, cache: SyncCache, suites: Collection[str]) -> Use:
    """Return how an answer is used; without `suites`, all suites are read and no handle is needed."""
    not_ours = why_handle_unusable(answer, cache, suites)
    unproved = why_another(answer.statistics, cache) or not_ours
    if unproved:
        # The definition of another start of the server is as good as any, if it has all suites.
        if answer.definition is not None and answer.statistics and not suites:
            return Use("take definition", unproved, is_proved=False)
        return Use("read with new handle" if not_ours else "read in full", unproved, is_proved=False)
    if answer.definition is not None:
        return Use("take definition", REPLACED, is_proved=True)
    if was_plugged(answer, cache, suites):
        return Use("read in full", PLUGGED, is_proved=True)
    if answer.required is not None or answer.changes is None:
        return Use("read in full", str(answer.required or "the server sent no changes"), is_proved=True)
    return Use("merge", None, is_proved=True)


def why_handle_unusable(answer: Answer, cache: SyncCache, suites: Collection[str]) -> str | None:
    """Return why the cache's handle cannot be used, or None. Without `suites` no handle is needed."""
    return why_not_ours(answer, cache.handle, cache.marker, suites) if suites else None


def was_plugged(answer: Answer, cache: SyncCache, suites: Collection[str]) -> bool:
    """Return whether nodes were moved since the cache was made, or a client tried to.

    A refused `--plug` restores the nodes of an archived suite. It changes a number of the whole server, but
    no number of a handle (PlugCmd.cpp, `restore`).
    """
    count = answer.statistics.plug_count if answer.statistics else 0
    return bool(suites) and count != cache.plug_count


def changed_paths(answer: Answer, cache: SyncCache | None, suites: Collection[str]) -> set[str] | None:
    """Return the paths of the nodes in an answer's changes, or None if it does not prove all changes."""
    changes = answer.changes
    if cache is None or changes is None or use_answer(answer, cache, suites).way != "merge":
        return None
    if changes.has_new_calendar(cache.begin_times):
        return None
    changed = {node.path for node in changes.nodes}
    changed |= {change.path for change in changes.mementos if not change.has_only_calendar}
    return changed | {"/"} if changes.state or changes.details else changed


def can_use_handle(cache: SyncCache | None, scope: Scope) -> bool:
    """Return whether the cache names a client handle that was registered for the scope's suites."""
    return cache is not None and bool(cache.handle and cache.marker) and cache.target == scope.target


def why_not_cached(definition: "Definition", statistics: Statistics) -> str | None:
    """Return why the next run cannot sync from a definition, or None."""
    if definition.has_duplicate_paths:  # a change names its node by the path
        return SAME_PATHS
    return why_unknown(statistics) if statistics.instance is None else None
