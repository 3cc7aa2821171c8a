"""Puts changes into a stored snapshot's records: only what changed is encoded again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from watchman_cli.ecflow_client import Changes, NodeChange
from watchman_cli.ecflow_client.definition import SUSPENDED
from watchman_cli.snapshot import (
    RECORD_END,
    Piece,
    StatusRecord,
    decode_record,
    encode_record,
    record_key,
)
from watchman_cli.sync.records import since_in

Suspended = Mapping[str, tuple[str, "str | None"]]


class PatchError(Exception):
    """The changes cannot be put into these records; says why."""


class Patched(NamedTuple):
    """The records after some changes, in pieces, and the states under the suspended nodes.

    `changes` has each record that differs as it was and as it is now, that of the definition included, in
    the snapshot's order.
    """

    pieces: Sequence[Piece]
    suspended: dict[str, tuple[str, str | None]]
    changes: Sequence[tuple[StatusRecord, StatusRecord]]


def patch(
    records: memoryview, changes: Changes, suspended: Suspended, begin_times: Mapping[str, str]
) -> Patched:
    """Return the records with the changes put in.

    Raises PatchError where a changed node is not there, or the calendar it counts from was restarted.
    """
    if changes.has_new_calendar(begin_times):
        raise PatchError("the calendar of a suite was restarted")
    nodes = changes.nodes
    if changes.state is not None or changes.details:
        nodes = (NodeChange("/", changes.state, details=changes.details), *nodes)
    value = bytes(records) if nodes else b""  # which has find()
    states = dict(suspended)
    places: list[tuple[int, int, bytes]] = []
    found: dict[int, tuple[StatusRecord, StatusRecord]] = {}  # by the place of the record
    at = 0
    for node in nodes:
        start = _find(value, record_key(node.path), at)
        end = value.index(RECORD_END, start) + len(RECORD_END)
        old = decode_record(orjson.loads(value[start:end]))
        new = _changed(old, node, states, begin_times)
        record = encode_record(new)
        if record != value[start:end]:
            places.append((start, end, record))
            found[start] = old, new
        at = start
    places.sort()
    pieces: list[Piece] = []
    done = 0
    for start, end, record in places:
        pieces += (records[done:start], record)
        done = end
    pieces.append(records[done:])
    return Patched(pieces, states, [found[start] for start, _, _ in places])


def _find(value: bytes, key: bytes, at: int) -> int:
    """Return where a record begins: the server names the nodes nearly in their order."""
    start = value.find(key, at)
    start = start if start >= 0 else value.find(key, 0, at)
    if start < 0:
        raise PatchError("a node changed that is not in the snapshot")
    return start


def _changed(
    old: StatusRecord,
    change: NodeChange,
    suspended: dict[str, tuple[str, str | None]],
    begin_times: Mapping[str, str],
) -> StatusRecord:
    """Return a node's new record; `suspended` is brought up to date."""
    state, since = suspended.pop(change.path, (old.status, old.since))
    if (state != old.status) != (old.status == SUSPENDED):
        raise PatchError("the sync cache does not fit the snapshot")
    if change.state is not None:
        state = change.state
        since = since_in(change.path, state, change.duration or 0, begin_times)
    is_suspended = old.status == SUSPENDED if change.suspended is None else change.suspended
    if is_suspended:
        suspended[change.path] = (state, since)
        state, since = SUSPENDED, None
    return old._replace(status=state, since=since).with_details(change.details)
