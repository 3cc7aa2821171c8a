"""Priorities of lines for systemd's journal, so that `journalctl -p err` finds the errors."""

from __future__ import annotations

import os
import sys

# The log's levels, the worst first, and the priorities of syslog: sd-daemon(3).
_PRIORITIES = ((40, 3), (30, 4), (20, 6), (0, 7))


def with_priority(line: str, level: int) -> str:
    """Return a line for standard error, with its priority in front if the journal reads it.

    `level` is one of the module `logging`.
    """
    if not _is_journal():
        return line
    priority = next(priority for lowest, priority in _PRIORITIES if level >= lowest)
    return f"<{priority}>{line}"


def _is_journal() -> bool:
    """Return whether standard error is the stream that systemd connected to the journal.

    $JOURNAL_STREAM is inherited by programs whose standard error is another file: systemd.exec(5).
    """
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or not a file
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"
