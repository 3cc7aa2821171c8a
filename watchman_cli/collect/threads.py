"""The threads of a run: one at first, more while the present ones only wait, fewer while they crowd."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable

FIRST_THREADS = 1  # at the start; twice as many each time that they leave the processor idle
LARGE_REPLIES = 3  # threads with a large reply; with so many, more are added only if no server ends
MANY_THREADS = 32  # beyond them, more are started only when no server has ended for a while
BUSY = 0.6  # part of the time that the processor is used, above which more threads hinder each other
CROWDED = 0.9  # the same, above which fewer threads do as much: one alone also waits for replies
LOOK = 0.02  # seconds between two looks at the use of the processor
STALLED = 0.2  # seconds in which no server ended: all threads wait, or work on large replies
DESCRIPTORS = 3  # file descriptors for one server at most: a connection to it, and to the store
OTHER_DESCRIPTORS = 40  # file descriptors for everything else


class Threads:
    """At most `wanted` threads for the same work; `missing` is the reason if there can be only fewer.

    `work` does a part of it, and returns False if nothing is left.
    """

    def __init__(self, work: Callable[[], bool], wanted: int) -> None:
        self._work = work
        self._limit = min(wanted, _limit_of_descriptors())
        self._number = 0
        self._staying = threading.Lock()  # free while a thread is to end: the one that takes it does
        self._staying.acquire()
        self._looked, self._used = time.monotonic(), time.process_time()
        self._ended = self._looked  # when the last server ended, or the last threads were started
        self.missing = ""
        if self._limit < wanted:
            self.missing = f"no more than {self._limit} servers could be read at a time (ulimit -n)"

    def start(self, waiting: int) -> None:
        """Start the first threads, while servers are `waiting` for one; without any, do their work here."""
        self._start(FIRST_THREADS, waiting)

    def _start(self, number: int, waiting: int) -> None:
        for _ in range(min(number, self._limit - self._number, waiting)):
            thread = threading.Thread(target=self._run, name="watchman", daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError):
                self.missing = f"no more than {self._number} threads could be started (ulimit -u)"
                self._limit = self._number
                if not self._number:
                    self._run()
                return
            self._number += 1

    def _run(self) -> None:
        """Work until nothing is left, or this thread is one too many."""
        while self._work() and not self._staying.acquire(blocking=False):
            pass

    def note_end(self) -> None:
        """Note that a server has ended."""
        self._ended = time.monotonic()

    def adjust(self, waiting: int, computing: int) -> None:
        """Start more threads if the present ones only wait, or end one, while servers are `waiting` for one.

        `computing` is the number of threads with a large reply. They work on these in turns: more threads
        would only hold more replies. If threads never wait for a server, they wait for the interpreter lock
        after each call of the system: up to a fourth more CPU time over 2,000 servers without changes.
        """
        now = time.monotonic()
        if not waiting or now - self._looked < LOOK:
            return
        before, self._used = self._used, time.process_time()
        used = (self._used - before) / (now - self._looked)
        self._looked = now
        number = 0
        if now - self._ended > STALLED:
            number = LARGE_REPLIES if computing else MANY_THREADS
        elif used < BUSY and computing < LARGE_REPLIES:
            number = min(self._number, MANY_THREADS - self._number)
        elif used > CROWDED and not computing:
            self._end_one()
        if number > 0:
            self._ended = now
            self._start(number, waiting)

    def _end_one(self) -> None:
        """Have a thread end, unless it is the only one, or another one is still to end.

        Beyond MANY_THREADS, most wait for servers that hang: the few others are needed.
        """
        if 1 < self._number <= MANY_THREADS and self._staying.locked():
            self._number -= 1
            self._staying.release()


def _limit_of_descriptors() -> int:
    """Return how many servers can be read at once with the file descriptors that this process may open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(1, (limit - OTHER_DESCRIPTORS) // DESCRIPTORS)
