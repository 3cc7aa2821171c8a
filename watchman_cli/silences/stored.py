"""The silences of one server as they are stored: schemas/silences.schema.json describes them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson

from watchman_cli import schema
from watchman_cli.silences.model import Silence
from watchman_cli.snapshot import parse_time


def decode(server: str, value: bytes) -> list[Silence]:
    """Return the silences in a store's value; invalid ones are ignored, so that alarms go on."""
    try:
        document = orjson.loads(value or b"[]")
    except orjson.JSONDecodeError:
        return []
    found = []
    for entry in document if isinstance(document, list) else ():
        if schema.is_valid("silences", [entry]):
            with suppress(ValueError):
                found.append(_silence(server, entry))
    return found


def with_silence(value: bytes, new: Silence, now: datetime) -> bytes:
    """Return the stored value with a silence, which replaces the one of the same path; ended ones go."""
    kept = [each for each in _running(new.server, value, now) if each.path != new.path]
    return _encode([*kept, new])


def without_silence(value: bytes, server: str, path: str, now: datetime) -> bytes:
    """Return the stored value without the silence of a path; it is empty if none is left."""
    return _encode([each for each in _running(server, value, now) if each.path != path])


def _running(server: str, value: bytes, now: datetime) -> list[Silence]:
    return [each for each in decode(server, value) if now < each.until]


def _silence(server: str, entry: Mapping[str, Any]) -> Silence:
    until = parse_time(entry["until"])
    return Silence(server, until, entry["path"], None, entry["who"], entry["because"])


def _encode(silences: list[Silence]) -> bytes:
    entries = [
        {"path": each.path, "until": each.until.isoformat(), "who": each.who, "because": each.because}
        for each in silences
    ]
    return orjson.dumps(entries) if entries else b""
