"""What in the store of a server suggests that another run wrote it than the one before this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from watchman_cli.health import Health
from watchman_cli.snapshot import MAX_SKEW, parse_time


def warnings_of(previous: Health, kept: str | None, address: str, now: datetime) -> Iterator[str]:
    """Yield a warning for each; `kept` is the stored snapshot's time, ISO 8601, or None.

    `address` is that of the server that this run reads.
    """
    if previous.address not in (None, address):
        yield (
            f"the last run under this name read {previous.address}, this one {address}: "
            "if nothing was reconfigured, two configurations use the name"
        )
    latest = now
    for time in (kept, previous.checked_time):
        with suppress(ValueError, TypeError):  # of a snapshot that another program wrote
            latest = max(latest, parse_time(time) if time else now)
    if latest - now > MAX_SKEW:
        yield (
            f"the last run's time is {latest:%Y-%m-%d %H:%M:%S} UTC, in the future: "
            "the clock of its host was ahead, or that of this host is behind; compare both"
        )
