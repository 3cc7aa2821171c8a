"""Text from outside, made fit to be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text from outside, without what a terminal would obey or not show: controls, bidi, zero width."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
