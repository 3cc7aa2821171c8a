"""The rules by which a server's causes are told, with the silences that hold meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING

from watchman_cli.errors import StoreError

if TYPE_CHECKING:
    from watchman_cli.causes.model import Cause, Rules
    from watchman_cli.silences import Silence


def rules_for(rules: Rules, read: Callable[[str], bytes], maintenance: Sequence[Silence], name: str) -> Rules:
    """Return the rules for the server `name`; its silences are read only if a cause would be told.

    `read` returns a server's stored silences, and raises StoreError. If the stored ones cannot be read, only
    the configured ones in `maintenance` hold: causes are told rather than lost.
    """

    @cache
    def silences() -> tuple[Silence, ...]:
        from watchman_cli.silences import decode

        try:
            stored = read(name)
        except StoreError:
            stored = b""
        return (*maintenance, *decode(name, stored))

    def is_silenced(cause: Cause) -> bool:
        found = silences()
        if not found:
            return False
        from watchman_cli.silences import silenced

        return silenced(found, name, cause.path, datetime.now(timezone.utc)) is not None

    return rules._replace(is_silenced=is_silenced)
