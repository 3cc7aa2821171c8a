"""A new configuration as a YAML file, for a user to complete."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from watchman_cli.text import printable

HEAD = """\
# watchman's configuration. docs/configuration.md describes every key; `watchman config check` checks it.

# Where the snapshots go. WATCHMAN_STORE in the environment overrides it.
store: {store}

# For every server that does not say otherwise; times are in seconds.
# defaults:
#   deadline: 20
#   attempts: 3

servers:
"""
_PLAIN = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_WORDS = (
    "true",
    "false",
    "null",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
)  # not text for some YAML parsers


def render_config(store: str, servers: Sequence[Mapping[str, Any]], comments: Sequence[str]) -> str:
    """Return the file's text, with each server's comment on a line above it."""
    text = HEAD.format(store=_scalar(store))
    for entry, comment in zip(servers, comments, strict=True):
        lines = [f"{key}: {_scalar(value)}\n" for key, value in entry.items()]
        text += f"  # {printable(comment)}\n" if comment else ""
        text += "  - " + "    ".join(lines)
    return text


def _scalar(value: Any) -> str:
    """Return a value in YAML: plain if that is safe, else as JSON, which is valid YAML."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    """Return a character as YAML has it in double quotes; a JSON surrogate pair would be two characters."""
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
