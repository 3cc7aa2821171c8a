"""Puts changes into a stored snapshot's records: only what changed is encoded again."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import orjson

from watchman_cli.ecflow_client import Changes, Work
from watchman_cli.ecflow_client.node_state import SUSPENDED
from watchman_cli.ecflow_client.work import UNBOUNDED
from watchman_cli.snapshot import (
    RECORD_END,
    Piece,
    Records,
    StatusRecord,
    decode_record,
    encode_record,
    record_key,
)
from watchman_cli.sync.reading import PatchError
from watchman_cli.sync.records import since_in

if TYPE_CHECKING:
    from watchman_cli.ecflow_client import NodeChange

MAX_BACKWARDS = 8  # nodes that are named before one that comes before them
_KEY = rb'\{"path":"(?:[^"\\]|\\.)*","status":"'  # what record_key makes

Suspended = Mapping[str, tuple[str, "str | None"]]


class Patched(NamedTuple):
    """The records after some changes, in pieces, and the states under the suspended nodes.

    `changes` has each record that differs as it was and as it is now, that of the definition included, in
    the snapshot's order.
    """

    pieces: Sequence[Piece]
    suspended: dict[str, tuple[str, str | None]]
    changes: Sequence[tuple[StatusRecord, StatusRecord]]


def patch(
    records: Records,
    changes: Changes,
    suspended: Suspended,
    begin_times: Mapping[str, str],
    work: Work = UNBOUNDED,
) -> Patched:
    """Return the records with the changes put in.

    Raises PatchError if a changed node is missing, and TooSlow if that takes too long.
    """
    nodes = changes.nodes
    if changes.state is not None or changes.details:
        from watchman_cli.ecflow_client import NodeChange  # an empty change has none

        nodes = (NodeChange("/", changes.state, details=changes.details), *nodes)
    value, view = records.value, memoryview(records.value)
    states = dict(suspended)
    places: list[tuple[int, int, bytes]] = []
    found: dict[int, tuple[StatusRecord, StatusRecord]] = {}  # by the place of the record
    find = Finder(records, nodes)
    for node in nodes:
        work.check("merged")
        start = find(node.path)
        end = value.index(RECORD_END, start) + len(RECORD_END)
        old = decode_record(orjson.loads(value[start:end]))
        new = _changed(old, node, states, begin_times)
        record = encode_record(new)
        if record != value[start:end]:
            places.append((start, end, record))
            found[start] = old, new
    places.sort()
    pieces: list[Piece] = []
    done = records.start
    for start, end, record in places:
        pieces += (view[done:start], record)
        done = end
    pieces.append(view[done : records.end])
    return Patched(pieces, states, [found[start] for start, _, _ in places])


class Finder:
    """Finds the offsets of some nodes' records.

    A server names the nodes nearly in their order, so each is looked for after the one before. If that fails
    several times, all of them are looked for in one pass.
    """

    def __init__(self, records: Records, nodes: "Sequence[NodeChange]") -> None:
        self._value, self._first, self._end = records.value, records.start, records.end
        self._nodes = nodes
        self._at = self._first
        self._backwards = 0
        self._starts: dict[bytes, int] | None = None

    def __call__(self, path: str) -> int:
        """Return the offset of a path's record. Raises PatchError."""
        key = record_key(path)
        if self._starts is not None:
            start = self._starts.get(key, -1)
        else:
            start = self._value.find(key, self._at, self._end)
            if start < 0:
                start = self._value.find(key, self._first, self._at)
                self._backwards += 1
                if self._backwards > MAX_BACKWARDS:
                    self._starts = self._find_all()
        if start < 0:
            raise PatchError("a node changed that is not in the snapshot")
        self._at = start
        return start

    def _find_all(self) -> dict[bytes, int]:
        keys = {record_key(node.path) for node in self._nodes}
        return {
            match[0]: match.start()
            for match in re.compile(_KEY).finditer(self._value, self._first, self._end)
            if match[0] in keys
        }


def _changed(
    old: StatusRecord,
    change: "NodeChange",
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
