"""Make text from outside safe to show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_PLAIN_KEY = r"[\w.-]+|<<"
_PLAIN_WORD = r"[\w./:+-]+"


def printable(text: str) -> str:
    """Return `text` with `?` for characters that a terminal obeys or hides: controls, bidi, zero width."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def escaped(text: str) -> str:
    """Return `text` with Python's escapes for characters that a terminal would obey or hide."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(text: str, longest: int = 200) -> str:
    """Return a word in quotes, with escapes for characters that a terminal would obey or hide.

    If a byte of the command line is not UTF-8, it is shown as `\\xe9`. At most `longest` characters are
    shown.
    """
    shown = re.sub(r"\\udc([89a-f][0-9a-f])", r"\\x\1", repr(text[:longest]))
    return shown if len(text) <= longest else shown + "..."


def plain_or_quoted(text: str) -> str:
    """Return a name for a message: as it is if it is a plain word, else in quotes."""
    return text if text.isprintable() and re.fullmatch(_PLAIN_WORD, text) else quoted(text)


def short_key(text: str) -> str:
    """Return a mapping's key without a value that may be in it; in quotes, unless it is a plain word.

    If the blank after the colon is missing, YAML takes all of `password:secret` for a key.
    """
    match = re.match(r"[\w .<-]{0,60}", text)
    name = match[0] if match else ""
    if name == text and name.isprintable() and re.fullmatch(_PLAIN_KEY, name):
        return name
    return quoted(name) + ("" if name == text else "...")


def json_line(document: Any) -> str:
    """Return a document as JSON on one line, with escapes for characters that a terminal would obey.

    U+0085 and U+2028 are escaped, too: some programs end a line there.
    """
    import json

    import orjson

    text = orjson.dumps(document).decode()
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` if a known word is similar, else an empty string."""
    from difflib import get_close_matches

    near = get_close_matches(word[:100], list(known), 1) if word else []
    return f"; did you mean {near[0]}?" if near else ""
