"""Numbers in a reply, where anything may stand."""

from __future__ import annotations

from typing import Any

DIGITS = 18  # of a number in a text, so that it fits into 64 bits


def natural(value: Any) -> int:
    """Return a whole number that is not negative. Raises TypeError for any other value."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def is_number(text: str, digits: int = DIGITS) -> bool:
    """Return whether a text is a whole number of at most so many ASCII digits."""
    return len(text) <= digits and text.isdecimal() and text.isascii()
