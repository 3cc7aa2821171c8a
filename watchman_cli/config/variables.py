"""Variables of the environment in a configuration: ${NAME} in a server's host, port and user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from watchman_cli.errors import ConfigError

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HOST = r"\w([\w.-]*[\w.])?"
_USER = r"[^\s\x00-\x1f\x7f]{1,100}"
_EXPECTED = {
    "host": "a host's name or address",
    "port": "a port, from 1 to 65535",
    "user": "a user name without blanks",
}

Problem = tuple[list[Any], str]  # the path in the document, and a message


def value_of(name: str, environment: Mapping[str, str]) -> str:
    """Return a variable's value. Raises ConfigError if it is not set, or empty."""
    if not environment.get(name):
        raise ConfigError([f"${{{name}}} is not set in the environment"])
    return environment[name]


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with the values of its ${NAME}s. Raises ConfigError if a variable is not set."""
    return VARIABLE.sub(lambda match: value_of(match[1], environment), text)


def expand_address(
    entry: Mapping[str, Any], place: list[Any], environment: Mapping[str, str], problems: list[Problem]
) -> dict[str, Any]:
    """Return a server's entry with the values of the variables in its host, port and user.

    The values are checked here, in each run: the entry alone may have been checked before. A problem does
    not show a value, which may be a secret by mistake. A setting with a problem stays as it is written.
    """
    expanded: dict[str, Any] = {}
    for key, expected in _EXPECTED.items():
        text = entry.get(key)
        if not isinstance(text, str) or not VARIABLE.search(text):
            continue
        try:
            value = expand(text, environment)
        except ConfigError as error:
            problems.append(([*place, key], str(error)))
            continue
        if _is_valid(key, value):
            expanded[key] = int(value) if key == "port" else value
        else:
            named = " and ".join(dict.fromkeys(match[0] for match in VARIABLE.finditer(text)))
            problems.append(([*place, key], f"with the value of {named}, this is not {expected}"))
    return {**entry, **expanded}


def _is_valid(key: str, value: str) -> bool:
    if key == "port":
        return value.isascii() and value.isdigit() and len(value) <= 5 and 1 <= int(value) <= 65535
    if key == "host":
        return len(value) <= 255 and is_host(value)
    return re.fullmatch(_USER, value) is not None


def is_host(text: str) -> bool:
    """Return whether a text is a host's name or address."""
    return re.fullmatch(_HOST, text) is not None or is_ipv6(text)


def is_ipv6(text: str) -> bool:
    """Return whether a text is an address of IPv6, also with a zone."""
    if ":" not in text or re.search(r"\s", text):
        return False
    from ipaddress import IPv6Address

    try:
        return bool(IPv6Address(text.partition("%")[0]))
    except ValueError:
        return False
