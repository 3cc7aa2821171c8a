"""Numbers in a reply, where anything may stand."""

from __future__ import annotations

from typing import Any


def natural(value: Any) -> int:
    """Return a whole number that is not negative. Raises TypeError for any other value."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value
