"""Text from outside, made fit to be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable


def printable(text: str) -> str:
    """Return `text` with `?` for what a terminal would obey or not show: controls, bidi, zero width."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def escaped(text: str) -> str:
    """Return `text` with what a terminal would obey or not show as Python's escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def short_key(text: str) -> str:
    """Return a mapping's key without what may be its value.

    YAML makes a key of the whole of `password:secret`, where the blank after the colon was forgotten.
    """
    name = re.match(r"[\w .<-]{0,60}", text)
    shown = escaped(name[0] if name else "")
    return shown if shown == text else shown + "..."


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` where a known word is near, else nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word[:100], list(known), 1) if word else []
    return f"; did you mean {near[0]}?" if near else ""
