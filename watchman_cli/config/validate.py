"""The problems in a configuration, each with its line and its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchman_cli import schema
from watchman_cli.config.yaml import PROBLEMS_LIMIT, Document
from watchman_cli.text import escaped, short_key, suggestion

_RENAMED = {"ssl": "; say protocol: ssl"}  # what earlier versions called it


def find_problems(file: Document) -> Iterator[tuple[int, str]]:
    """Yield each problem in a configuration: its line, and a message that names its place."""
    document, lines = file.value, file.lines
    if not schema.is_valid("config", document):
        for error in schema.iter_errors("config", document, PROBLEMS_LIMIT):
            for place, message in _explain(error):
                yield lines.line_of(place), _format_path(place) + message
    defaults = document.get("defaults") if isinstance(document, dict) else None
    defaults = defaults if isinstance(defaults, dict) else {}
    seen: dict[tuple[Any, Any], int] = {}
    entries = document.get("servers") if isinstance(document, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        settings = {**defaults, **entry} if isinstance(entry, dict) else {}
        if "user" in settings and "password" not in settings:
            message = f"servers[{index}].user: ecFlow wants a password with it; password is missing"
            yield lines.line_of(["servers", index, "user"]), message
        pair = (entry.get("owner"), entry.get("repo")) if isinstance(entry, dict) else (None, None)
        if not all(isinstance(part, str) for part in pair):
            continue
        line = lines.line_of(["servers", index])
        if pair in seen:
            name = escaped("/".join(pair))
            yield line, f"servers[{index}]: {name} is already the server of line {seen[pair]}"
        seen.setdefault(pair, line)


def _explain(error: Any) -> Iterator[tuple[list[Any], str]]:
    """Yield what one jsonschema error means to the file's author: a place and a message, or several."""
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
        shown = "this value" if secret else _quote(value)
        yield place, _message(error.validator, shown, rule, error.schema)


def _message(validator: str, shown: str, rule: Any, of: dict[str, Any]) -> str:
    if validator == "type":
        names: dict[str, str] = {
            "integer": "an integer",
            "number": "a number",
            "string": "a string",
            "array": "a list",
        }
        names |= {"object": "a mapping", "boolean": "true or false"}
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
        return f"{shown} has a duplicate"
    return f"{shown} is too short; it needs at least {rule}"


def _quote(value: Any) -> str:
    if isinstance(value, str):
        if "@" in value:  # it may hold a password
            return "this address"
        value = repr(value)
    elif isinstance(value, bool):
        value = str(value).lower()
    elif value is None:
        return "nothing"
    elif isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "a mapping"
    text = escaped(str(value))
    return text if len(text) <= 60 else text[:57] + "..."


def _format_path(place: list[Any]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + short_key(part)
    return text + ": " if text else ""
