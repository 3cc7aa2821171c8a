"""Reads one server by the protocol: one request where that is enough, with the proof that it is.

A server's change numbers begin again when it is restarted, and may then pass for those of before.
So each request brings the server's statistics too, which distinguish its starts.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from watchman_cli.ecflow_client import (
    Answer,
    Changes,
    Client,
    Definition,
    Drop,
    EcflowError,
    FullSync,
    Limits,
    ListHandles,
    Register,
    Statistics,
    Stats,
    Sync,
    TooSlow,
)
from watchman_cli.ecflow_client.work import UNBOUNDED
from watchman_cli.snapshot import HEAD_SIZE, NotWhole, parse_head, records_of
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.handles import own_mark, passing_mark, prefix_of, stale_handles, why_not_ours
from watchman_cli.sync.instance import seen, why_another, why_unknown
from watchman_cli.sync.patch import PatchError, patch
from watchman_cli.sync.reading import Reading, Scope
from watchman_cli.sync.records import encode_records, since_of, states_under_suspended

PLUGGED = "nodes were moved, or a client tried to (--plug)"


class _NotIncremental(Exception):
    """The changes since the cached numbers cannot be used; says why."""


class SyncSession:
    """One attempt to read one server."""

    def __init__(self, client: Client, limits: Limits, scope: Scope, answered: Callable[[], None]) -> None:
        self._client = client
        self._limits = limits
        self._work = limits.work or UNBOUNDED
        self._scope = scope
        self._answered = answered
        self._asked_time = ""
        self._stale: list[int] = []

    def read(self, cache: SyncCache | None, snapshot: Callable[[], bytes], reason: str | None) -> Reading:
        """Return what the server holds now.

        With a `cache`, only what changed is asked for, and put into the records of `snapshot()`, the value in
        the store. Raises EcflowError.
        """
        try:
            if cache is None or reason:
                return self._read_in_full(cache, reason)
            return self._read_changes(cache, snapshot)
        finally:
            self._drop(self._stale)

    def changed_since(self, numbers: tuple[int, int], cache: SyncCache | None) -> set[str] | None:
        """Return the paths of the nodes that changed since these numbers; None where nodes were moved.

        Raises EcflowError.
        """
        handle = cache.handle if cache else 0
        answer = self._ask([Stats(), *self._listing(), Sync(*numbers, handle)])
        if cache is None or why_another(answer.statistics, cache) or self._why_not_ours(answer, cache):
            return None
        if self._was_plugged(answer, cache):
            return None
        changes = answer.changes
        if changes is None or changes.has_new_calendar(cache.begin_times):
            return None
        changed = {node.path for node in changes.nodes}
        return changed | {"/"} if changes.state or changes.details else changed

    def has_several_lines(self, cache: SyncCache | None) -> bool:
        """Return whether a text in the server's definition has several lines. Raises EcflowError."""
        sync = Sync(0, 0, cache.handle) if cache and cache.handle else FullSync()
        answer = self._ask([Stats(), *self._listing(), sync])
        return answer.definition is not None and answer.definition.has_several_lines

    # ------------------------------------------------------------------------- what changed

    def _read_changes(self, cache: SyncCache, snapshot: Callable[[], bytes]) -> Reading:
        sync = Sync(cache.state_change_no, cache.modify_change_no, cache.handle)
        try:
            answer = self._ask([Stats(), *self._listing(), sync])
        except TooSlow:  # as a full reading may not
            if time.monotonic() > self._limits.deadline:
                raise
            return self._read_in_full(cache, "the changes would take too long to decode")
        not_ours = self._why_not_ours(answer, cache)
        try:
            statistics = self._check_instance(cache, answer.statistics)
            handle = cache.handle
            if not_ours:
                raise _NotIncremental(not_ours)
            self._find_stale(answer, cache, handle)
            if answer.definition is not None:
                reason = "nodes were added, removed or replaced"
                return self._full(answer.definition, statistics, reason, cache, handle)
            if self._was_plugged(answer, cache):
                raise _NotIncremental(PLUGGED)
            if answer.required is not None or answer.changes is None:
                raise _NotIncremental(str(answer.required))
            return self._incremental(cache, statistics, answer.changes, snapshot)
        except (_NotIncremental, PatchError, NotWhole) as error:
            # A whole definition of another start of the server is as good as any.
            if answer.definition is not None and answer.statistics and not self._scope.suites:
                return self._full(answer.definition, answer.statistics, str(error), cache, 0)
            if not_ours:
                return self._read_suites(cache, str(error))
            return self._read_in_full(cache, str(error))

    def _check_instance(self, cache: SyncCache, statistics: Statistics | None) -> Statistics:
        """Return the statistics if they prove that the server is that of the cache, not started since."""
        why = why_another(statistics, cache)
        if why:
            raise _NotIncremental(why)
        assert statistics
        return statistics

    def _why_not_ours(self, answer: Answer, cache: SyncCache) -> str | None:
        """Return why the handle of the cache cannot be used; None if it can, or if all suites are read."""
        if not self._scope.suites:
            return None
        return why_not_ours(answer, cache.handle, cache.marker, self._scope.suites)

    def _was_plugged(self, answer: Answer, cache: SyncCache) -> bool:
        """Return whether nodes were moved since, or a client tried to.

        A refused `--plug` restores the nodes of an archived suite, and moves no number of a handle, but one
        of the whole server (PlugCmd.cpp, `restore`).
        """
        count = answer.statistics.plug_count if answer.statistics else 0
        return bool(self._scope.suites) and count != cache.plug_count

    def _incremental(
        self, cache: SyncCache, statistics: Statistics, changes: Changes, snapshot: Callable[[], bytes]
    ) -> Reading:
        value = snapshot()
        records = records_of(value, cache.revision)
        patched = patch(records, changes, cache.suspended, cache.begin_times, self._work)
        numbers = changes.state_change_no, changes.modify_change_no
        unchanged = not patched.changes and changes.server_state is None
        head_state = _server_state(value)
        now = self._cache(cache, statistics, numbers, cache.nodes, cache.handle, cache.marker)
        return Reading(
            mode="unchanged" if unchanged else "incremental",
            reason=None,
            read_time=self._asked_time,
            server_state=changes.server_state or head_state,
            server_version=cache.instance.version,
            nodes=cache.nodes,
            pieces=None if unchanged else patched.pieces,
            cache=replace(now, suspended=patched.suspended, begin_times=cache.begin_times),
            up_since=_up_since(statistics),
            vitals=statistics.vitals,
            numbers=numbers,
            changes=patched.changes,
        )

    # ------------------------------------------------------------------- the whole definition

    def _read_in_full(self, cache: SyncCache | None, reason: str | None) -> Reading:
        if not self._scope.suites:
            return self._read_server(cache, reason)
        if cache is not None and cache.handle and cache.marker and cache.target == self._scope.target:
            # Asked from the numbers 0 and 0, the server answers with the whole of the handle's suites.
            answer = self._ask([Stats(), ListHandles(), Sync(0, 0, cache.handle)])
            if answer.definition is not None and not self._why_not_ours(answer, cache):
                statistics = _known(answer)
                return self._full(answer.definition, statistics, reason, cache, cache.handle)
        return self._read_suites(cache, reason)

    def _read_server(self, cache: SyncCache | None, reason: str | None) -> Reading:
        """Read all suites; a handle that was kept in a time with `suites` is dropped."""
        answer = self._ask([Stats(), ListHandles(), FullSync()])
        self._find_stale(answer, cache, 0)
        if answer.definition is None:
            raise EcflowError("the server sent no definition")
        return self._full(answer.definition, _known(answer), reason, cache, 0)

    def _read_suites(self, cache: SyncCache | None, reason: str | None) -> Reading:
        """Register a handle for the suites, and read them with it, in one request."""
        scope = self._scope
        mark = own_mark(scope.marker) if scope.keep_handle else passing_mark(scope.marker)
        # The server hands a new handle to the second command of a group only (GroupCTSCmd.cpp).
        answer = self._ask([Register((mark, *scope.suites)), FullSync(), Stats(), ListHandles()])
        handle = answer.registered or 0
        self._find_stale(answer, cache, handle)
        if not scope.keep_handle:
            self._stale.append(handle)
        if answer.definition is None:
            raise EcflowError("the server sent no definition")
        if not scope.keep_handle:
            return self._full(answer.definition, _known(answer), reason, cache, 0)
        return self._full(answer.definition, _known(answer), reason, cache, handle, mark)

    def _full(
        self,
        definition: Definition,
        statistics: Statistics,
        reason: str | None,
        before: SyncCache | None,
        handle: int,
        mark: str = "",
    ) -> Reading:
        """Return the reading of a whole definition; `mark` is the handle's, if it is a new one."""
        numbers = definition.state_change_no, definition.modify_change_no
        nodes = len(definition.paths)
        cache = None
        if definition.has_duplicate_paths:  # a change names its node by the path
            reason = "two aliases have one path"
        elif statistics.instance is None:
            reason = why_unknown(statistics)
        else:
            mark = mark or (before.marker if before and handle else "")
            cache = self._cache(before, statistics, numbers, nodes, handle, mark)
            suspended = states_under_suspended(definition, self._work)
            cache = replace(cache, suspended=suspended, begin_times=definition.begin_times)
        return Reading(
            mode="full",
            reason=reason,
            read_time=self._asked_time,
            server_state=definition.server_state,
            server_version=definition.version,
            nodes=nodes,
            pieces=encode_records(definition, self._work),
            cache=cache,
            up_since=_up_since(statistics),
            vitals=statistics.vitals,
            numbers=numbers,
        )

    # ------------------------------------------------------------------------------ the rest

    def _ask(self, commands: Sequence[Any]) -> Answer:
        self._asked_time = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        answer = self._client.ask(commands, self._limits)
        self._answered()
        return answer

    def _listing(self) -> list[ListHandles]:
        return [ListHandles()] if self._scope.suites else []

    def _find_stale(self, answer: Answer, cache: SyncCache | None, handle: int) -> None:
        """Note this watchman's handles that nobody uses: of a killed run, or of other suites."""
        if not self._scope.leased:  # the handle that is kept is in use
            return
        prefixes = {prefix_of(self._scope.marker), prefix_of(cache.marker if cache else "")} - {""}
        self._stale += stale_handles(answer.handles or (), prefixes, handle)

    def _drop(self, handles: list[int]) -> None:
        """Give handles back; somebody else may just have done so, and the reading does not depend on it."""
        if handles:
            try:
                self._client.ask([Drop(handle) for handle in handles], self._limits)
            except EcflowError:
                pass

    def _cache(
        self,
        before: SyncCache | None,
        statistics: Statistics,
        numbers: tuple[int, int],
        nodes: int,
        handle: int,
        mark: str,
    ) -> SyncCache:
        """Return a new cache; the snapshot's revision, the states and the calendars are yet to be set."""
        assert statistics.instance
        asked = datetime.fromisoformat(self._asked_time)
        same_clock = self._client.on_this_host and statistics.instance.host == socket.gethostname()
        first_seen, told_apart = seen(before, statistics.instance, asked, same_clock)
        # It is unknown for some suites, since the server counts the changes of all, and after new nodes.
        rate = 0.0
        if before is not None and (before.instance, before.modify_change_no, 0) == (
            statistics.instance, numbers[1], handle
        ):  # fmt: skip
            seconds = before.seconds_since(asked)
            rate = max(0, numbers[0] - before.state_change_no) / max(1.0, seconds)
        return SyncCache(
            instance=statistics.instance,
            stats_count=statistics.stats_count,
            group_count=statistics.group_count,
            plug_count=statistics.plug_count,
            state_change_no=numbers[0],
            modify_change_no=numbers[1],
            nodes=nodes,
            revision="",
            target=self._scope.target,
            read_time=self._asked_time,
            first_seen=first_seen,
            told_apart=told_apart,
            suspended={},
            begin_times={},
            rate=round(rate, 3),
            handle=handle,
            marker=mark,
        )


def _known(answer: Answer) -> Statistics:
    """Return an answer's statistics; those of a server that said nothing, where there are none."""
    return answer.statistics or Statistics(None, ("statistics",), "", 0, 0, {})


def _up_since(statistics: Statistics) -> str | None:
    return since_of(0, statistics.instance.up_since) if statistics.instance else None


def _server_state(value: bytes) -> str:
    head = parse_head(value[:HEAD_SIZE])
    assert head  # records_of() found it
    return head.server_state
