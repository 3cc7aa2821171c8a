"""What is wrong in a configuration, told so that whoever wrote it finds the place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from watchman_cli import schema
from watchman_cli.config.yaml import MISTAKES_LIMIT, Document, escaped, short_key

_RENAMED = {"ssl": "; say protocol: ssl"}  # what earlier versions called it


def mistakes(file: Document) -> Iterator[tuple[int, str]]:
    """Each mistake in a configuration: its line, and a message that names its place."""
    document, lines = file.value, file.lines
    if not schema.is_valid("config", document):
        for error in schema.mistakes("config", document, MISTAKES_LIMIT):
            for place, message in _explain(error):
                yield lines.of(place), _dotted(place) + message
    defaults = document.get("defaults") if isinstance(document, dict) else None
    defaults = defaults if isinstance(defaults, dict) else {}
    seen: dict[tuple[Any, Any], int] = {}
    entries = document.get("servers") if isinstance(document, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        settings = {**defaults, **entry} if isinstance(entry, dict) else {}
        if "user" in settings and "password" not in settings:
            wrong = "ecFlow wants a password with it; password is missing"
            yield lines.of(["servers", index, "user"]), f"servers[{index}].user: {wrong}"
        pair = (entry.get("owner"), entry.get("repo")) if isinstance(entry, dict) else (None, None)
        if not all(isinstance(part, str) for part in pair):
            continue
        line = lines.of(["servers", index])
        if pair in seen:
            name = escaped("/".join(pair))
            yield line, f"servers[{index}]: {name} is already the server of line {seen[pair]}"
        seen.setdefault(pair, line)


def _explain(error: Any) -> Iterator[tuple[list[Any], str]]:
    """What one jsonschema error means to whoever wrote the file: a place and a message, or several."""
    place = list(error.absolute_path)
    value, rule = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for key in value:
            if key not in known:
                yield [*place, key], f"unknown key{_RENAMED.get(key) or suggestion(key, known)}"
    elif error.validator == "required":
        missing = next(name for name in rule if name not in value and f"'{name}'" in error.message)
        yield place, f"{missing} is missing"
    else:
        secret = "password" in place or place == ["store"]
        if error.validator == "type" and rule in ("object", "array") and isinstance(value, str):
            secret = True  # `password secret`, where the colon was forgotten
        shown = "this value" if secret else _shown(value)
        yield place, _why(error.validator, shown, rule, error.schema)


def _why(validator: str, shown: str, rule: Any, of: dict[str, Any]) -> str:
    if validator == "type":
        names: dict[str, str] = {
            "integer": "a whole number",
            "number": "a number",
            "string": "text",
            "array": "a list",
        }
        names |= {"object": "keys and values", "boolean": "true or false"}
        return f"{shown} is not {names[rule]}"
    if validator == "maximum":
        return f"{shown} is greater than {rule}"
    if validator == "minimum":
        return f"{shown} is less than {rule}"
    if validator == "exclusiveMinimum":
        return f"{shown} is not greater than {rule}"
    if validator == "enum":
        return f"{shown} is not {', '.join(rule[:-1])} or {rule[-1]}"
    if validator == "pattern":
        return f"{shown} is not {of['x-expected']}"
    if validator == "uniqueItems":
        return f"{shown} names one twice"
    return f"{shown} is too short; it needs at least {rule}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        if "@" in value:  # it may hold a password
            return "this address"
        value = repr(value)
    elif isinstance(value, bool):
        value = str(value).lower()
    elif value is None:
        return "nothing"
    elif isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "a group of keys"
    text = escaped(str(value))
    return text if len(text) <= 60 else text[:57] + "..."


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, where a known word is near; else nothing."""
    near = difflib.get_close_matches(word[:100], list(known), 1) if word else []
    return f"; did you mean {near[0]}?" if near else ""


def _dotted(place: list[Any]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + short_key(part)
    return text + ": " if text else ""
