"""Bounds the work on a server's reply, as its waits are bounded."""

from __future__ import annotations

import math
import time

from .errors import TooSlow

REPLY, DECODED = "reply", "decoded"


class Work:
    """The work on the replies of one attempt, which ends at `deadline`, a time.monotonic().

    Nothing interrupts a computation. So each loop over a server's data calls `check` now and then, and a
    long step that cannot do so calls `require` before it.
    """

    def __init__(self, deadline: float = math.inf) -> None:
        self.deadline = deadline
        self.size = 0  # bytes of it
        self.subject = REPLY
        self.stage = DECODED

    def begin(self, size: int) -> None:
        """Begin to decode a reply of `size` bytes. Raises TooSlow."""
        self.size, self.subject, self.stage = size, REPLY, DECODED
        self.check()

    def check(self, stage: str | None = None) -> None:
        """Raise TooSlow after the deadline. `stage` is a participle, and says what is done from now on."""
        self.stage = stage or self.stage
        self.require(0.0)

    def require(self, seconds: float) -> None:
        """Raise TooSlow unless a step of that many seconds ends by the deadline."""
        if time.monotonic() + seconds > self.deadline:
            raise TooSlow(self.describe("cannot be" if seconds else "was not"))

    def end(self) -> None:
        """End the work: the next thing is a wait."""

    def describe(self, was_not: str = "was not") -> str:
        """Return the work that was not done in time."""
        return f"{self.what} {was_not} {self.stage} in time"

    @property
    def what(self) -> str:
        """The thing that is worked on, with its size."""
        size = f"{self.size >> 20} MB" if self.size >> 20 else f"{self.size >> 10} KB"
        return f"the {self.subject} of {size}"


UNBOUNDED = Work()
