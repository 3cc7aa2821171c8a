"""Find the problems in a configuration, each with its line and its key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from watchman_cli import schema
from watchman_cli.config.file import Document, Lines
from watchman_cli.config.secrets import find_unescaped
from watchman_cli.config.variables import VARIABLE, Problem, is_host, is_ipv6
from watchman_cli.config.yaml import PROBLEMS_LIMIT, number_as_read
from watchman_cli.text import escaped, short_key, suggestion

_RENAMED = {"ssl": "; use protocol: ssl"}  # advice for keys of earlier versions
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


def find_problems(
    file: Document,
    other_problems: Sequence[Problem] = (),
    includer: Document | None = None,
    seen: dict[tuple[str, str], str] | None = None,
) -> Iterator[tuple[int, str]]:
    """Yield each problem in a file of the configuration: its line, and a message that names its key.

    `other_problems` were found before, as its variables and passwords were read. `includer` is the file that
    includes it. `seen` has the location of each server of the files before, and gets those of this one.
    """
    for place, message in [*other_problems, *_problems(file, includer, {} if seen is None else seen)]:
        yield file.lines.line_of(place), _format_path(place) + message


def _problems(
    file: Document, includer: Document | None, seen: dict[tuple[str, str], str]
) -> Iterator[Problem]:
    document = file.value
    name = "included" if includer else "config"
    reported = list(_odd_numbers(document, [], file.lines))
    yield from reported
    if not schema.is_valid(name, document):
        known = {tuple(place) for place, _ in reported}
        for error in schema.iter_errors(name, document, PROBLEMS_LIMIT):
            if tuple(error.absolute_path) not in known:
                explained = list(_explain(error, file.lines))
                yield from explained
                reported += explained
    known = {tuple(place) for place, _ in reported}
    document = document if isinstance(document, dict) else {}
    store = document.get("store")
    unescaped = find_unescaped(store) if isinstance(store, str) else None
    if unescaped:
        yield ["store"], unescaped
    for place, message in _maintenance_problems(document.get("maintenance")):
        if tuple(place) not in known:
            yield place, message
    defaults = {**_defaults(includer.value if includer else None), **_defaults(document)}
    entries = document.get("servers")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue
        for place, message in _server_problems(entry, {**defaults, **entry}, ["servers", index]):
            if tuple(place) not in known:
                yield place, message
        owner, repo = entry.get("owner"), entry.get("repo")
        if isinstance(owner, str) and isinstance(repo, str):
            if (owner, repo) in seen:
                name_of_both, first = escaped(f"{owner}/{repo}"), seen[owner, repo]
                yield ["servers", index], f"{name_of_both} is already the server of {first}"
            seen.setdefault((owner, repo), f"{file.path}:{file.lines.line_of(['servers', index])}")


def _maintenance_problems(entries: Any) -> Iterator[Problem]:
    """Yield a problem for each time that no calendar has, and each end that is not after its start."""
    from watchman_cli.snapshot import parse_time

    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        times = {}
        for name in ("from", "until"):
            written = entry.get(name) if isinstance(entry, dict) else None
            if isinstance(written, str):
                try:
                    times[name] = parse_time(written)
                except ValueError:
                    yield ["maintenance", index, name], f"{_quote(written)} is not a valid date and time"
        if len(times) == 2 and times["until"] <= times["from"]:
            yield ["maintenance", index, "until"], "is not after from"


def _defaults(document: Any) -> dict[str, Any]:
    defaults = document.get("defaults") if isinstance(document, dict) else None
    return defaults if isinstance(defaults, dict) else {}


def _odd_numbers(value: Any, place: list[Any], lines: Lines) -> Iterator[Problem]:
    """Yield each scalar that YAML 1.1 reads as another number than a person does."""
    if isinstance(value, (dict, list)):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _odd_numbers(inner, [*place, step], lines)
    elif isinstance(value, str) and value[:1] in set("-+.0123456789"):
        written = lines.written(place)
        number = number_as_read(written) if written is not None and len(written) < 100 else None
        if number and _is_secret(place):
            yield place, "this value is a number in YAML; quote it"
        elif number:
            advice = f"write a plain decimal number, or quote it: '{written}'"
            yield place, f"{written} is read as {number} in YAML 1.1; {advice}"


def _is_secret(place: list[Any]) -> bool:
    return "password" in place or place[:1] == ["store"]


def _server_problems(entry: dict[str, Any], settings: dict[str, Any], place: list[Any]) -> Iterator[Problem]:
    if "user" in settings and not {"password", "password_file"} & settings.keys():
        yield [*place, "user"], "password is missing: ecFlow needs one with a user"
    if settings.get("details") and settings.get("reader") == "bindings":
        yield [*place, "details"], "the bindings do not read details: set reader to auto or protocol"
    deadlines = entry.get("deadlines")
    for index, deadline in enumerate(deadlines if isinstance(deadlines, list) else ()):
        zone = deadline.get("zone") if isinstance(deadline, dict) else None
        if isinstance(zone, str) and zone:
            from watchman_cli.deadlines import Deadline

            try:
                Deadline("/", 0, zone=zone).tzinfo  # noqa: B018
            except ValueError as error:
                yield [*place, "deadlines", index, "zone"], str(error)
    host = entry.get("host")
    if isinstance(host, str) and not re.search(r"\s", host) and not VARIABLE.search(host):
        problem = host_problem(host)
        if problem:
            yield [*place, "host"], problem


def host_problem(host: str) -> str | None:
    """Return the reason why a host is invalid, with advice, or None if it may be valid."""
    if is_host(host):
        return None
    address = re.fullmatch(r"(?:(\w+)://)?(?:([^@/]+)@)?(\[[^\]/]*\]|[\w.-]+)(?::(\d+))?(/.*)?", host)
    name = address[3].strip("[]") if address else ""
    if address is None or not (re.fullmatch(r"\w[\w.-]*", name) or is_ipv6(name)):
        return f"{_quote(host)} is not a host's name or address"
    wanted = [f"host: {name}"]
    if address[4]:
        wanted.append(f"port: {address[4]}")
    if address[1] in ("http", "https", "ssl", "tcp"):
        wanted.append(f"protocol: {address[1]}")
    if address[2]:
        wanted.append("user and password")
    return f"{_quote(host)} is not a host alone; write {', '.join(wanted)}"


def _explain(error: Any, lines: Lines) -> Iterator[Problem]:
    """Yield the problems that a jsonschema error means to the file's author, each with its path."""
    place = list(error.absolute_path)
    value, rule = error.instance, error.validator_value
    if error.validator == "type" and isinstance(rule, list):
        rule = rule[0]
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        others = list(error.schema.get("patternProperties", ()))
        for key in value:
            if key not in known and not any(re.search(pattern, key) for pattern in others):
                advice = _RENAMED.get(key) or suggestion(key, known)
                if not place and key in schema.load("config")["properties"]:
                    yield [key], "an included file cannot have this key: move it to the main file"
                else:
                    yield [*place, key], f"unknown key{advice}"
    elif error.validator == "required":
        missing = next(name for name in rule if name not in value and f"'{name}'" in error.message)
        yield place, f"{missing} is missing"
    elif error.validator == "anyOf" and (inner := list(_within(error))):
        for each in inner:
            yield from _explain(each, lines)
    else:
        secret = _is_secret(place)
        if error.validator == "type" and rule in ("object", "array") and isinstance(value, str):
            secret = True  # `password secret`, if the colon is missing
        written = lines.written(place)
        plain = written is not None and not isinstance(value, str)
        shown = "this value" if secret else escaped((written or "nothing")[:60]) if plain else _quote(value)
        hint = ""
        if error.validator == "type":
            hint = _type_hint(value, rule, written, secret)
        elif error.validator == "pattern" and "integer" in error.schema["type"]:
            hint = _type_hint(value, "integer", written, secret)
        yield place, _message(error.validator, shown, rule, error.schema) + hint


def _within(error: Any) -> Iterator[Any]:
    """Yield the errors inside a list or a mapping that fits none of several types."""
    for inner in error.context if isinstance(error.instance, (list, dict)) else ():
        if inner.validator != "type" or len(inner.absolute_path) > len(error.absolute_path):
            yield inner


def _type_hint(value: Any, rule: str, written: str | None, secret: bool) -> str:
    """Return advice on how to write a scalar so that it has the type in the schema's `rule`."""
    if rule == "string" and not isinstance(value, (str, dict, list)):
        return f"; quote it: '{escaped(written[:60])}'" if written and not secret else "; quote it"
    if rule in ("integer", "number") and written is None and _NUMBER.fullmatch(str(value)):
        return "; write it without quotes"
    return ""


def _message(validator: str, shown: str, rule: Any, described: dict[str, Any]) -> str:
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
    if validator in ("pattern", "anyOf"):
        return f"{shown} is not {described['x-expected']}"
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
    for part in place[:1] if place[:1] == ["include"] else place:  # the message names the pattern
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + short_key(part)
    return text + ": " if text else ""
