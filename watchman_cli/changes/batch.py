"""A batch: all changes of one run in a server's snapshot, as one CloudEvents 1.0 event in JSON.

It names two revisions: the replaced snapshot's and the new one's. If the changes are unknown, the batch is a
reset: it names only the new revision, and consumers read the snapshot again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from watchman_cli import schema
from watchman_cli.snapshot import RecordChange, StatusRecord, parse_time

MAX_CHANGES = 20_000  # in one batch; if there are more, to read the snapshot again costs a consumer less
CHANGES, RESET = "watchman.changes", "watchman.reset"
_MADE_OF = ("path", "from", "to", "since", "flags")


class BadBatch(Exception):
    """A stored value is not a valid batch."""


@dataclass(frozen=True)
class Batch:
    """The changes of one run in the snapshot of the server `source`, which it read at `time`.

    `before` is the revision that was replaced. It is None in a reset, and `reason` then says why. In a batch
    that was read back, a record before a change has only its path and status. `missed` has the deadlines that
    the run found missed, as they are configured. `began` and `ended` have the causes that notifications tell,
    as JSON. A batch can have only these.
    """

    source: str
    time: str  # ISO 8601
    before: str | None
    after: str
    server_state: str
    changes: Sequence[RecordChange] = ()
    server_state_before: str | None = None  # if it changed
    reason: str | None = None
    missed: tuple[str, ...] = ()
    began: Sequence[Mapping[str, Any]] = ()
    ended: Sequence[Mapping[str, Any]] = ()
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def or_reset(self, revision: str | None) -> Batch:
        """Return this batch if it follows `revision`, else a reset."""
        if self.before is None or self.before == revision:
            return self
        return self.as_reset("another writer replaced the snapshot in between")

    def as_reset(self, reason: str) -> Batch:
        """Return the batch without its changes: consumers must read the snapshot again."""
        return replace(self, before=None, changes=(), server_state_before=None, reason=reason)

    def encode(self) -> bytes:
        """Return the batch as JSON, in one line."""
        return self._encode(changes=[_document(old, new) for old, new in self.changes])

    def encode_notice(self) -> bytes:
        """Return the same event as JSON, with the number of changes instead of the changes."""
        return self._encode(count=len(self.changes))

    def _encode(self, **content: Any) -> bytes:
        state = {"from": self.server_state_before, "to": self.server_state}
        data = {
            "before": self.before,
            "after": self.after,
            "server_state": {name: value for name, value in state.items() if value},
            "reason": self.reason,
            "missed": self.missed or None,
            **({"began": self.began, "ended": self.ended} if self.began or self.ended else {}),
            **({} if self.before is None else content),
        }
        event = {
            "specversion": "1.0",
            "type": RESET if self.before is None else CHANGES,
            "source": self.source,
            "id": self.id,
            "time": self.time,
            "data": {name: value for name, value in data.items() if value is not None},
        }
        return orjson.dumps(event)

    @property
    def read_time(self) -> datetime:
        """When the server was read."""
        return parse_time(self.time)


def make_batch(
    source: str,
    time: str,
    states: tuple[str | None, str],
    revisions: tuple[str | None, str],
    changes: Sequence[RecordChange],
    reason: str | None = None,
) -> Batch:
    """Return a batch; `states` and `revisions` are before and after, None if unknown."""
    old_state, state = states
    batch = Batch(
        source,
        time,
        *revisions,
        server_state=state,
        changes=changes,
        server_state_before=None if old_state == state else old_state,
        reason=reason,
    )
    if batch.before is None:
        return batch.as_reset(reason or "the changes are unknown")
    if len(changes) > MAX_CHANGES:
        return batch.as_reset(f"{len(changes)} nodes changed")
    return batch


def _document(old: StatusRecord | None, new: StatusRecord | None) -> dict[str, Any]:
    """Return a change as JSON has it."""
    known = new or old
    assert known
    document: dict[str, Any] = {"path": known.path}
    if old:
        document["from"] = old.status
    if new:
        document["to"] = new.status
        if new.since:
            document["since"] = new.since
        if new.flags:
            document["flags"] = new.flags
        document.update(new.more)
    return document


def decode(value: bytes) -> Batch:
    """Return the batch in a stored value. Raises BadBatch."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadBatch(f"not JSON: {error}") from error
    if not schema.is_valid("changes", event):
        raise BadBatch(schema.why_invalid("changes", event))
    data = event["data"]
    return Batch(
        source=event["source"],
        time=event["time"],
        before=data.get("before"),
        after=data["after"],
        server_state=data["server_state"]["to"],
        changes=[_change_from_json(each) for each in data.get("changes", ())],
        server_state_before=data["server_state"].get("from"),
        reason=data.get("reason"),
        missed=tuple(data.get("missed", ())),
        began=tuple(data.get("began", ())),
        ended=tuple(data.get("ended", ())),
        id=event["id"],
    )


def _change_from_json(change: dict[str, Any]) -> RecordChange:
    path, old, new = change["path"], change.get("from"), change.get("to")
    before = StatusRecord(path, old) if old else None
    if not new:
        return before, None
    more = tuple(sorted((name, value) for name, value in change.items() if name not in _MADE_OF))
    return before, StatusRecord(path, new, change.get("since"), tuple(change.get("flags", ())), more)
