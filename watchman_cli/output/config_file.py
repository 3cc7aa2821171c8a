"""A configuration as a YAML file for a person to go on with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

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
_WORDS = ("true", "false", "null")


def render_config(store: str, servers: Sequence[Mapping[str, Any]], comments: Sequence[str]) -> str:
    """Return the file's text, with each server's comment above it."""
    text = HEAD.format(store=_scalar(store))
    for entry, comment in zip(servers, comments, strict=True):
        lines = [f"{key}: {_scalar(value)}\n" for key, value in entry.items()]
        text += f"  # {comment}\n" if comment else ""
        text += "  - " + "    ".join(lines)
    return text


def _scalar(value: Any) -> str:
    """Return a value in YAML: plain where that is safe, else as JSON, which YAML reads too."""
    text = str(value)
    plain = (
        isinstance(value, str) and _PLAIN.fullmatch(text) and text.lower() not in ("true", "false", "null")
    )
    return text if plain else json.dumps(value)
