"""One row of the fault matrix, as data; it makes a line of the documentation as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.environment import USER, FaultRun


@dataclass(frozen=True)
class FaultCase:
    """One fault of o/bad or of the store, and what comes of it."""

    id: str
    happens: str  # in the documentation's words; it makes sense without the other rows
    setup: Callable[[FaultRun], object]
    expected_message: str  # or an empty string
    action: str  # in the documentation's words
    code: int = 1
    kind: str | None = None  # in o/bad's health record; None where it is well, or none could be written
    # Where the message stands: in the `error` line, in a `warning` line, or in the health record as the
    # `reason` of a full sync or as what the `verification` gave.
    where: str = "error"
    attempts: int | None = None  # where the row always has that number
    deadline: float = 3.0
    connect_timeout: float = 3.0
    good: bool = True  # whether the healthy server's snapshot is written
    side: str = "ecFlow"
    lost: int = 0  # snapshots that the store did not take
    resumes: bool = False  # whether Redis goes on after the run, with what it had received
    listed: bool = True  # in the documentation

    @property
    def message(self) -> str:
        """The expected message as code in the documentation, or an empty string."""
        if "`" in self.expected_message:
            return f"`` {self.expected_message} ``"
        return f"`{self.expected_message}`" if self.expected_message else ""

    def anchor(self, group: str) -> str:
        """Return the anchor of the row in the documentation, where it is one of a group."""
        return re.sub(r"[^a-z0-9]+", "-", f"{group} {self.id}".lower()).strip("-")

    def is_in(self, text: str) -> bool:
        """Return whether a text has the expected message."""
        pattern = (
            re.escape(self.expected_message)
            .replace("HOST:PORT", r"\S+:\d+")
            .replace("NAME", USER)
            .replace(r"N\ s", r"[\d.]+ s")
            .replace("VERSION", r"[\d.]+")
        )
        return re.search(pattern, text) is not None


def message_anchor(message: str) -> str:
    """Return the anchor of a message's entry in the runbook."""
    return "message-" + re.sub(r"[^a-z0-9]+", "-", message.lower()).strip("-")
