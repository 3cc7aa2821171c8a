"""Recognise the record of a server that is well, without the schema.

To import jsonschema-rs, and to build the schema's validator, takes 4 ms: a fortieth of a run in which nothing
changed. A record that is recognised fits the schema (a test compares them). The schema judges all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

_LARGEST = (1 << 53) - 1  # of the schema's integers
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)$", re.ASCII)


def is_plain(document: Any) -> bool:
    """Return whether a decoded record is that of a server that is well; False says nothing about others."""
    return _fits(document, _FIELDS, _REQUIRED)


def _fits(part: Any, checks: Mapping[str, Check], required: frozenset[str]) -> bool:
    return (
        type(part) is dict
        and required <= part.keys() <= checks.keys()
        and all(checks[name](value) for name, value in part.items())
    )


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _is_none(value: Any) -> bool:
    return value is None


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= _LARGEST


def _is_time(value: Any) -> bool:
    return type(value) is str and _TIME.fullmatch(value) is not None


def _are_counts(value: Any) -> bool:
    return type(value) is dict and all(map(_is_count, value.values()))


def _is_mode(value: Any) -> bool:
    return type(value) is str and value in ("unchanged", "incremental", "full")


_FIELDS_OF_SYNC: Mapping[str, Check] = {
    "mode": _or_none(_is_mode),
    "reason": _or_none(_is_text),
    "verification": _or_none(_is_text),
    "next_verification": _or_none(_is_time),
    "disabled": _is_none,
    "stale_handle": _is_flag,
}
_REQUIRED_OF_SYNC = frozenset(_FIELDS_OF_SYNC)


def _is_sync(value: Any) -> bool:
    return _fits(value, _FIELDS_OF_SYNC, _REQUIRED_OF_SYNC)


_FIELDS: Mapping[str, Check] = {
    "checked_time": _is_time,
    "began_time": _is_time,
    "ok": _is_flag,
    "failures": _is_count,
    "failing_since": _or_none(_is_time),
    "address": _or_none(_is_text),
    "attempts": _is_count,
    "seconds": _is_duration,
    "collected_time": _or_none(_is_time),
    "nodes": _or_none(_is_count),
    "counts": _or_none(_are_counts),
    "counted_revision": _or_none(_is_text),
    "requests": _or_none(_is_count),
    "server_version": _or_none(_is_text),
    "bindings_version": _or_none(_is_text),
    "error": _is_none,
    "deadlines": _is_none,
    "changes_kept": _is_flag,
    "sync": _is_sync,
}
_REQUIRED = frozenset(_FIELDS) - {"began_time"}
