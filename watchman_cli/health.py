"""The health record: what the last attempts at one server did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from watchman_cli import schema
from watchman_cli.snapshot import parse_time


@dataclass(frozen=True)
class Health:
    """One server's health, as schemas/health.schema.json describes it; times are ISO 8601."""

    checked_time: str = ""
    ok: bool = False
    failures: int = 0
    failing_since: str | None = None
    address: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    collected_time: str | None = None
    nodes: int | None = None
    counts: dict[str, int] | None = None
    counted_revision: str | None = None
    requests: int | None = None
    server_version: str | None = None
    bindings_version: str | None = None
    error: dict[str, str] | None = None
    mode: str | None = None
    reason: str | None = None
    verification: str | None = None
    next_verification: str | None = None
    disabled: dict[str, str] | None = None
    stale_handle: bool = False
    deadlines: list[dict[str, Any]] | None = None
    changes_kept: bool = False

    @property
    def summary(self) -> str:
        """The record in a few words: `ok`, or how many runs failed and why the last did."""
        if self.ok:
            return "ok"
        runs = "run" if self.failures == 1 else "runs"
        return f"{self.failures} {runs} failed: {(self.error or {}).get('message', '')}"


_OF_SYNC = ("mode", "reason", "verification", "next_verification", "disabled", "stale_handle")
_EPOCH = "1970-01-01T00:00:00+00:00"
_TIMES = ("checked_time", "failing_since", "collected_time", "next_verification")


def encode(health: Health) -> bytes:
    """Return the record as it is stored."""
    return orjson.dumps(_document(health))


def repaired(health: Health) -> Health:
    """Return a record without the parts that would make it an invalid one."""
    document = _document(health)
    return health if schema.is_valid("health", document) else _salvaged(document)


def decode(value: bytes | None) -> Health:
    """Return the record in a store's value; an empty one if there is none, or it is invalid."""
    document = _parse(value)
    if not schema.is_valid("health", document) or not all(map(_is_time, _times(document))):
        return Health()
    return _from_json(document)


def salvage(value: bytes) -> Health:
    """Return the record in a store's value without the invalid parts, for the run that replaces it."""
    found = decode(value)
    return found if found.checked_time else _salvaged(_parse(value))


def _document(health: Health) -> dict[str, Any]:
    flat = dict(vars(health))
    sync = {name: flat.pop(name) for name in _OF_SYNC}
    return {**flat, "sync": sync}


def _parse(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None


def _from_json(document: dict[str, Any]) -> Health:
    flat = {**document, **document["sync"]}
    return Health(**{name: value for name, value in flat.items() if name in Health.__dataclass_fields__})


def _salvaged(document: Any) -> Health:
    """Return the valid parts of a document: each of its fields, and each of the deadlines, for itself."""
    if not isinstance(document, dict):
        return Health()
    sync = document.get("sync")
    flat = {**document, **(sync if isinstance(sync, dict) else {})}
    if isinstance(flat.get("deadlines"), list):
        flat["deadlines"] = [each for each in flat["deadlines"] if _is_valid("deadlines", [each])]
    fields = {name: flat[name] for name in Health.__dataclass_fields__ if name in flat}
    return Health(**{name: value for name, value in fields.items() if _is_valid(name, value)})


def _is_valid(name: str, value: Any) -> bool:
    """Return whether one field of a record may have a value."""
    document = _document(replace(Health(checked_time=_EPOCH), **{name: value}))
    return schema.is_valid("health", document) and (name not in _TIMES or _is_time(value))


def _times(document: dict[str, Any]) -> Iterator[Any]:
    flat = {**document, **document["sync"]}
    yield from (flat.get(name) for name in _TIMES)


def _is_time(value: Any) -> bool:
    """Return whether a time that fits the schema, or None, is one that the calendar has."""
    try:
        parse_time(value or _EPOCH)
    except ValueError:
        return False
    return True
