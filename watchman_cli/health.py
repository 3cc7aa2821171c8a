"""The health record: what the last attempts at one server did."""

from __future__ import annotations

from dataclasses import dataclass
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

    @property
    def summary(self) -> str:
        """The record in a few words: `ok`, or how many runs failed and why the last did."""
        if self.ok:
            return "ok"
        runs = "run" if self.failures == 1 else "runs"
        return f"{self.failures} {runs} failed: {(self.error or {}).get('message', '')}"


_OF_SYNC = ("mode", "reason", "verification", "next_verification", "disabled", "stale_handle")
_TIMES = ("checked_time", "failing_since", "collected_time", "next_verification")


def encode(health: Health) -> bytes:
    """Return the record as it is stored."""
    flat = dict(vars(health))
    sync = {name: flat.pop(name) for name in _OF_SYNC}
    return orjson.dumps({**flat, "sync": sync})


def decode(value: bytes | None) -> Health:
    """Return the record in a store's value; an empty one where there is none, or it is not valid."""
    try:
        document: dict[str, Any] = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return Health()
    if not schema.is_valid("health", document):
        return Health()
    flat = {**document, **document["sync"]}
    try:
        for name in _TIMES:
            parse_time(flat.get(name) or "2000-01-01T00:00:00Z")
    except ValueError:
        return Health()
    return Health(**{name: value for name, value in flat.items() if name in Health.__dataclass_fields__})
