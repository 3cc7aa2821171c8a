"""Turns: the threads of a run work on large replies one at a time.

That work holds Python's interpreter lock. Several at once would all end late, and need the memory for all.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import NamedTuple

from watchman_cli.ecflow_client import TooSlow, Work
from watchman_cli.ecflow_client.work import DECODED, REPLY

SMALL = 1 << 16  # bytes; a smaller reply waits for no turn: a few milliseconds of work
MANY_BLOCKS = 1 << 19  # bytes; a larger reply takes many blocks of memory
MUCH_SMALLER = 2  # steps of a Rank, each a factor of two
LARGE = 1 << 17  # bytes of a block of memory
_M_MMAP_THRESHOLD = -3  # in malloc.h


class Rank(NamedTuple):
    """The order of turns: the smaller size, in steps of a factor of two, and then the earlier deadline."""

    step: int
    deadline: float


class Turns:
    """Gives turns to threads, one at a time; `alone` if the run has one server."""

    def __init__(self, *, alone: bool = False) -> None:
        self.alone = alone
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: list[tuple[Rank, int, threading.Event]] = []  # a heap
        self._numbers = itertools.count()

    def take(self, rank: Rank) -> bool:
        """Wait for a turn; return False if none came by the rank's deadline."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            entry = rank, next(self._numbers), threading.Event()
            heapq.heappush(self._waiting, entry)
        if entry[2].wait(max(0.0, rank.deadline - time.monotonic())):
            return True
        with self._lock:
            if entry[2].is_set():  # it came just now
                return True
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
        return False

    def give_up(self) -> None:
        """End a turn: the first waiting thread has the next one."""
        with self._lock:
            if self._waiting:
                heapq.heappop(self._waiting)[2].set()
            else:
                self._taken = False

    @property
    def wanted(self) -> int:
        """How many threads have a turn or wait for one."""
        return self._taken + len(self._waiting)

    def is_wanted(self, rank: Rank) -> bool:
        """Return whether a thread with a much smaller reply waits for a turn."""
        waiting = self._waiting[:1]
        return bool(waiting) and waiting[0][0].step <= rank.step - MUCH_SMALLER


class SharedWork(Work):
    """The work on one server, in turns with the other servers of the run.

    `started` is when the run began with the server, and `seconds` its configured deadline. A small reply
    needs no turn, and has no time limit. A larger one gives its turn to much smaller ones: a reply that is
    never decoded must not cost the other servers their time.
    """

    def __init__(self, turns: Turns, started: float, deadline: float, seconds: float) -> None:
        super().__init__(deadline)
        self._turns, self._started, self._seconds = turns, started, seconds
        self._arrived = started
        self._rank = Rank(0, deadline)
        self._since: float | None = None  # when this turn began
        self._worked = self._waited = 0.0
        self.is_underway = False
        self.ended = started  # the time at which the work ended last

    def begin(self, size: int) -> None:
        self._arrived = time.monotonic()
        self._begin(size, REPLY, DECODED)

    def begin_merge(self, size: int) -> None:
        """Begin to work on a stored snapshot of `size` bytes. Raises TooSlow."""
        self._begin(max(self.size, size), "snapshot" if size > self.size else self.subject, "merged")

    def _begin(self, size: int, subject: str, stage: str) -> None:
        self.size, self.subject, self.stage = size, subject, stage
        self._rank = Rank(size.bit_length(), self.deadline)
        if size >= SMALL and self._since is None:
            if size >= MANY_BLOCKS and not self._turns.alone:
                free_memory_at_once()
            self.is_underway = True
            self._take()

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Wait for the store within the context: that time is not the server's fault."""
        underway, self.is_underway = self.is_underway, False
        try:
            yield
        finally:
            self.is_underway = underway

    def require(self, seconds: float) -> None:
        if self._since is None:
            return
        if self._turns.is_wanted(self._rank):
            self._give_up()
            self._take()
        super().require(seconds)

    def end(self) -> None:
        self._give_up()
        if self.is_underway:
            self.ended = time.monotonic()
        self.is_underway = False

    def _give_up(self) -> None:
        if self._since is not None:
            self._worked += time.monotonic() - self._since
            self._since = None
            self._turns.give_up()

    def _take(self) -> None:
        began = time.monotonic()
        taken = self._turns.take(self._rank)
        now = time.monotonic()
        self._waited += now - began
        if not taken:
            raise TooSlow(self.describe())
        self._since = now

    def _seconds_worked(self) -> float:
        since = self._since
        return self._worked + (time.monotonic() - since if since is not None else 0.0)

    def describe(self, was_not: str = "was not") -> str:
        return (
            f"{self.what} {was_not} {self.stage} by the deadline of {self._seconds:g} s: the reply came after"
            f" {self._arrived - self._started:.1f} s, was worked on for {self._seconds_worked():.1f} s, and"
            f" waited {self._waited:.1f} s for other large replies; raise `deadline` if its size is right"
        )


@cache
def free_memory_at_once() -> None:
    """Have a block of LARGE bytes go back to the system as soon as it is freed.

    glibc begins with that, and keeps ever larger blocks once some were freed: a fragmented heap for each
    thread, a third of the peak of a run over 200 servers of 10,000 nodes. The system clears each new block: a
    fourteenth of the CPU time of a first run, so it is left out if it saves nothing. Other C libraries lack
    the call.
    """
    import ctypes  # takes a millisecond, and a run without large replies does not need it

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)
