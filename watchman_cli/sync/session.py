"""Reads one server by the protocol: in one request if that is enough, with the proof that it is.

A server's change numbers begin again when it is restarted, and may then pass for the earlier ones. So each
request brings the server's statistics too, which distinguish its starts. The decisions are in `sync.decide`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from watchman_cli.ecflow_client import (
    Answer,
    Changes,
    Client,
    Command,
    EcflowError,
    FullSync,
    Limits,
    Statistics,
    Stats,
    Sync,
    TooSlow,
)
from watchman_cli.ecflow_client.work import UNBOUNDED
from watchman_cli.snapshot import NotWhole, Piece, RecordUpdate, records_of
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.decide import (
    can_use_handle,
    changed_paths,
    use_answer,
    why_handle_unusable,
    why_not_cached,
)
from watchman_cli.sync.handles import own_marker, passing_marker
from watchman_cli.sync.next_cache import Facts, make_cache
from watchman_cli.sync.reading import PatchError, Reading, Scope, StoredSnapshot
from watchman_cli.sync.records import encode_records, since_of, states_under_suspended
from watchman_cli.sync.stale import StaleHandles

if TYPE_CHECKING:
    from watchman_cli.details.changed import Changed
    from watchman_cli.details.fields import Base
    from watchman_cli.ecflow_client import Definition
    from watchman_cli.sync.patch import Suspended


class SyncSession:
    """One attempt to read one server."""

    def __init__(self, client: Client, limits: Limits, scope: Scope, answered: Callable[[], None]) -> None:
        self._client = client
        self._limits = limits
        self._work = limits.work or UNBOUNDED
        self._scope = scope
        self._answered = answered
        self._asked = datetime.now(timezone.utc)
        self._stale = StaleHandles(scope)

    def read(self, cache: SyncCache | None, snapshot: StoredSnapshot, reason: str | None) -> Reading:
        """Return the server's present nodes.

        With a `cache`, only the changes are requested, and merged into the records of the stored `snapshot`.
        Raises EcflowError.
        """
        try:
            if cache is None or reason:
                return self._read_in_full(cache, reason)
            return self._read_changes(cache, snapshot)
        finally:
            self._stale.drop(self._client, self._limits)

    def changed_since(self, numbers: tuple[int, int], cache: SyncCache | None) -> set[str] | None:
        """Return the paths of the nodes that changed since these numbers, or None if nodes were moved.

        Raises EcflowError.
        """
        handle = cache.handle if cache else 0
        answer = self._ask([Stats(), *self._listing(), Sync(*numbers, handle)])
        return changed_paths(answer, cache, self._scope.suites)

    def has_several_lines(self, cache: SyncCache | None) -> bool:
        """Return whether a text in the server's definition has several lines. Raises EcflowError."""
        sync = Sync(0, 0, cache.handle) if cache and cache.handle else FullSync()
        answer = self._ask([Stats(), *self._listing(), sync])
        return answer.definition is not None and answer.definition.has_several_lines

    # ------------------------------------------------------------------------------ the changes

    def _read_changes(self, cache: SyncCache, snapshot: StoredSnapshot) -> Reading:
        sync = Sync(cache.state_change_no, cache.modify_change_no, cache.handle)
        try:
            answer = self._ask([Stats(), *self._listing(), sync])
        except TooSlow:  # a full reading may be fast enough
            if time.monotonic() > self._limits.deadline:
                raise
            return self._read_in_full(cache, "the changes would take too long to decode")
        use = use_answer(answer, cache, self._scope.suites)
        if use.is_proved:
            self._stale.note(answer, cache, cache.handle)
        if use.way == "take definition" and answer.definition is not None:
            handle = cache.handle if use.is_proved else 0
            return self._full(answer.definition, _known(answer), use.reason, cache, handle)
        if use.way == "read with new handle":
            return self._read_suites(cache, use.reason)
        if use.way == "merge" and answer.changes is not None:
            try:
                return self._incremental(cache, _known(answer), answer.changes, snapshot)
            except (PatchError, NotWhole) as error:
                return self._read_in_full(cache, str(error))
        return self._read_in_full(cache, use.reason)

    def _incremental(
        self, cache: SyncCache, statistics: Statistics, changes: Changes, snapshot: StoredSnapshot
    ) -> Reading:
        if changes.has_new_calendar(cache.begin_times):
            raise PatchError("the calendar of a suite was restarted")
        pieces: Sequence[Piece] = ()
        suspended: Suspended = cache.suspended
        differing: Sequence[RecordUpdate] = ()
        changed = self._changed(cache, changes)
        if changed is not None and changed.nodes:
            snapshot.expect_details(list(changed.nodes))
        if changes.is_empty:
            head = snapshot.prove(cache.revision)  # none of the records is needed
        else:
            from watchman_cli.sync.patch import patch

            records = records_of(snapshot.value(), cache.revision)
            head = records.head
            pieces, suspended, differing = patch(
                records, changes, cache.suspended, cache.begin_times, self._work
            )
        numbers = changes.state_change_no, changes.modify_change_no
        unchanged = not differing and changes.server_state is None
        facts = self._facts(
            statistics, numbers, cache.nodes, suspended, cache.begin_times, cache.handle, cache.marker
        )
        return Reading(
            mode="unchanged" if unchanged else "incremental",
            reason=None,
            read_time=self._read_time,
            server_state=changes.server_state or head.server_state,
            server_version=cache.instance.version,
            nodes=cache.nodes,
            pieces=None if unchanged else pieces,
            cache=make_cache(cache, facts, cache.instance),
            up_since=_up_since(statistics),
            vitals=statistics.vitals,
            numbers=numbers,
            changes=differing,
            changed=changed,
        )

    def _changed(self, cache: SyncCache, changes: Changes) -> Changed | None:
        """Return the changes of the details that are kept. Raises PatchError."""
        if self._scope.details is None or not changes.mementos:
            return None
        from watchman_cli.details.changed import NotKept, changed_parts

        assert cache.kept_details
        try:
            return changed_parts(changes.mementos, self._scope.details(), cache.kept_details.hidden_repeats)
        except NotKept as error:
            raise PatchError(str(error)) from error

    # ------------------------------------------------------------------- the whole definition

    def _read_in_full(self, cache: SyncCache | None, reason: str | None) -> Reading:
        if not self._scope.suites:
            return self._read_server(cache, reason)
        if cache is not None and can_use_handle(cache, self._scope):
            # Asked from the numbers 0 and 0, the server answers with all nodes of the handle's suites.
            answer = self._ask([Stats(), _list_handles(), Sync(0, 0, cache.handle)])
            if answer.definition is not None and not why_handle_unusable(answer, cache, self._scope.suites):
                return self._full(answer.definition, _known(answer), reason, cache, cache.handle)
        return self._read_suites(cache, reason)

    def _read_server(self, cache: SyncCache | None, reason: str | None) -> Reading:
        """Read all suites; drop a handle that was kept while `suites` was configured."""
        answer = self._ask([Stats(), _list_handles(), FullSync()])
        self._stale.note(answer, cache, 0)
        return self._full(_definition(answer), _known(answer), reason, cache, 0)

    def _read_suites(self, cache: SyncCache | None, reason: str | None) -> Reading:
        """Register a handle for the suites, and read them with it, in one request."""
        from watchman_cli.ecflow_client import Register

        scope = self._scope
        marker = own_marker(scope.marker) if scope.keep_handle else passing_marker(scope.marker)
        # The server hands a new handle to the second command of a group only (GroupCTSCmd.cpp).
        answer = self._ask([Register((marker, *scope.suites)), FullSync(), Stats(), _list_handles()])
        handle = answer.registered or 0
        self._stale.note(answer, cache, handle)
        if scope.keep_handle:
            return self._full(_definition(answer), _known(answer), reason, cache, handle, marker)
        self._stale.add(handle)
        return self._full(_definition(answer), _known(answer), reason, cache, 0)

    def _full(
        self,
        definition: Definition,
        statistics: Statistics,
        reason: str | None,
        previous: SyncCache | None,
        handle: int,
        marker: str = "",
    ) -> Reading:
        """Return the reading of a whole definition; `marker` is that of a new handle."""
        numbers = definition.state_change_no, definition.modify_change_no
        not_cached = why_not_cached(definition, statistics)
        cache = None
        if not not_cached and statistics.instance is not None:
            marker = marker or (previous.marker if previous and handle else "")
            suspended = states_under_suspended(definition, self._work)
            facts = self._facts(
                statistics, numbers, len(definition), suspended, definition.begin_times, handle, marker
            )
            cache = make_cache(previous, facts, statistics.instance)
        return Reading(
            mode="full",
            reason=not_cached or reason,
            read_time=self._read_time,
            server_state=definition.server_state,
            server_version=definition.version,
            nodes=len(definition),
            pieces=encode_records(definition, self._work),
            cache=cache,
            up_since=_up_since(statistics),
            vitals=statistics.vitals,
            numbers=numbers,
            base=self._base(definition),
        )

    def _base(self, definition: Definition) -> Base | None:
        """Return the details of a definition, if they are kept. Raises TooSlow."""
        if self._scope.details is None:
            return None
        from watchman_cli.details.fields import make_base

        return make_base(definition, self._scope.details(), self._work)

    # ------------------------------------------------------------------------------ the rest

    def _ask(self, commands: Sequence[Command]) -> Answer:
        self._asked = datetime.now(timezone.utc)
        answer = self._client.ask(commands, self._limits)
        self._answered()
        return answer

    @property
    def _read_time(self) -> str:
        return self._asked.isoformat(timespec="microseconds")

    def _listing(self) -> list[Command]:
        return [_list_handles()] if self._scope.suites else []

    def _facts(
        self,
        statistics: Statistics,
        numbers: tuple[int, int],
        nodes: int,
        suspended: Suspended,
        begin_times: dict[str, str],
        handle: int,
        marker: str,
    ) -> Facts:
        """Return the facts about the reading that was just made."""
        host = statistics.instance.host if statistics.instance else ""
        return Facts(
            asked=self._asked,
            same_clock=self._client.on_this_host and host == socket.gethostname(),
            target=self._scope.target,
            statistics=statistics,
            numbers=numbers,
            nodes=nodes,
            suspended=suspended,
            begin_times=begin_times,
            handle=handle,
            marker=marker,
        )


def _list_handles() -> Command:
    from watchman_cli.ecflow_client import ListHandles  # not each reading asks for them

    return ListHandles()


def _definition(answer: Answer) -> Definition:
    """Return an answer's definition. Raises EcflowError if it has none."""
    if answer.definition is None:
        raise EcflowError("the server sent no definition")
    return answer.definition


def _known(answer: Answer) -> Statistics:
    """Return an answer's statistics, or statistics in which everything is missing."""
    return answer.statistics or Statistics(None, ("statistics",), "", 0, 0, {})


def _up_since(statistics: Statistics) -> str | None:
    return since_of(0, statistics.instance.up_since) if statistics.instance else None
