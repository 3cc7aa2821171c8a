"""Durations as a user writes them (`90s`, `3m`, `2h`, `1d`, `1h30m`), and as text."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = r"(\d+(?:\.\d+)?)([smhd])"
_WHOLE = rf"(?:{_PART})+"


def parse_duration(text: str) -> float:
    """Return the seconds of a duration; a bare number is seconds. Raises ValueError."""
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return float(text)
    if not re.fullmatch(_WHOLE, text, re.ASCII):
        raise ValueError(f"invalid duration {text!r}: use 90s, 3m, 2h, 1d or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text, re.ASCII))


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: 42 s, 3 min 20 s, 2 h 10 min, 1 d 3 h."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"


def format_lasting(seconds: float) -> str:
    """Return how long a node has had its status: `for 3 min`.

    ecFlow's calendar moves once a minute, so seconds would be a guess.
    """
    return f"for {format_duration(seconds // 60 * 60)}" if seconds >= 60 else "for less than a minute"
