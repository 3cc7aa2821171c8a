"""The number of threads of a run: as many as help, and no more than the process may have."""

from __future__ import annotations

import queue
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from watchman_cli.collect import threads as threads_module
from watchman_cli.collect.threads import (
    BUSY,
    CROWDED,
    DESCRIPTORS,
    FIRST_THREADS,
    LARGE_REPLIES,
    LOOK,
    MANY_THREADS,
    OTHER_DESCRIPTORS,
    STALLED,
    Threads,
)

WAIT = 30.0  # seconds, far more than is needed


class Work:
    """The work of threads, all of it at once: each counts itself, and waits until it may end."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.ended = threading.Event()
        self.number = 0
        self.threads: list[threading.Thread] = []

    def __call__(self) -> bool:
        self.threads.append(threading.current_thread())
        self.started.release()
        self.ended.wait(WAIT)
        return False

    def await_threads(self, number: int) -> None:
        """Wait until as many threads have started, and check that there are no more."""
        for _ in range(number - self.number):
            assert self.started.acquire(timeout=WAIT)
        self.number = number
        assert not self.started.acquire(blocking=False)


class Parts:
    """Work in many parts: each waits until it may end."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.ended: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()
        self.is_over = False

    def __call__(self) -> bool:
        self.begun.release()
        self.may_end.acquire(timeout=WAIT)
        self.ended.put(threading.current_thread())
        return not self.is_over

    def await_begun(self, number: int) -> None:
        """Wait until as many parts more have begun, and check that there are no more."""
        for _ in range(number):
            assert self.begun.acquire(timeout=WAIT)
        assert not self.begun.acquire(blocking=False)

    def end_one(self) -> threading.Thread:
        """End a part, and return its thread."""
        self.may_end.release()
        return self.ended.get(timeout=WAIT)


class Clock:
    """The time of a run, and the part of it that the processor was used."""

    def __init__(self) -> None:
        self.now, self.used = 1000.0, 10.0

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.used

    def advance(self, seconds: float, busy: float = 0.0) -> None:
        self.now += seconds
        self.used += seconds * busy


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(threads_module, "time", clock)
    return clock


@pytest.fixture
def work() -> Iterator[Work]:
    work = Work()
    yield work
    work.ended.set()


@pytest.fixture
def parts() -> Iterator[Parts]:
    parts = Parts()
    yield parts
    parts.is_over = True
    parts.may_end.release(100)


def crowd(parts: Parts, clock: Clock, number: int) -> Threads:
    """Return the threads of a run, of which there are `number`, a power of two."""
    threads = Threads(parts, 100)
    threads.start(waiting=100)
    parts.await_begun(1)
    present = 1
    while present < number:
        clock.advance(2 * LOOK)
        threads.adjust(waiting=100, computing=0)
        parts.await_begun(present)
        present *= 2
    return threads


def test_one_thread_is_started_first(work: Work) -> None:
    threads = Threads(work, 10)
    threads.start(waiting=10)
    work.await_threads(1)
    assert threads.missing == ""


def test_a_thread_does_not_keep_the_process_alive(work: Work) -> None:
    Threads(work, 10).start(waiting=10)
    work.await_threads(1)
    assert [(thread.name, thread.daemon) for thread in work.threads] == [("watchman", True)]


@pytest.mark.parametrize(("wanted", "waiting"), [(2, 10), (10, 1)])
def test_no_more_threads_are_started_than_wanted_or_needed(
    work: Work, clock: Clock, wanted: int, waiting: int
) -> None:
    threads = Threads(work, wanted)
    threads.start(waiting=10)
    clock.advance(STALLED + LOOK)
    threads.adjust(waiting, computing=0)
    work.await_threads(2)


def test_no_thread_is_started_without_a_server(work: Work) -> None:
    Threads(work, 10).start(waiting=0)
    work.await_threads(0)


def test_more_threads_are_started_if_the_present_ones_only_wait(work: Work, clock: Clock) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    for number in (2, 4, 8, 16, MANY_THREADS, MANY_THREADS):
        clock.advance(2 * LOOK)
        threads.note_end()
        threads.adjust(waiting=100, computing=LARGE_REPLIES - 1)
        work.await_threads(number)


def test_no_thread_is_added_if_no_server_waits(work: Work, clock: Clock) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    clock.advance(2 * LOOK)
    threads.adjust(waiting=0, computing=0)
    work.await_threads(FIRST_THREADS)


def test_no_thread_is_added_soon_after_the_last(work: Work, clock: Clock) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    clock.advance(0.9 * LOOK)
    threads.adjust(waiting=100, computing=0)
    work.await_threads(FIRST_THREADS)


@pytest.mark.parametrize(("busy", "number"), [(0.9 * BUSY, 2 * FIRST_THREADS), (BUSY, FIRST_THREADS)])
def test_no_thread_is_added_while_the_processor_is_busy(
    work: Work, clock: Clock, busy: float, number: int
) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    clock.advance(10.0, busy)  # a tenth of it has no exact number
    threads.note_end()
    threads.adjust(waiting=100, computing=0)
    work.await_threads(number)


def test_no_thread_is_added_for_large_replies_only(work: Work, clock: Clock) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    clock.advance(2 * LOOK)
    threads.adjust(waiting=100, computing=LARGE_REPLIES)
    work.await_threads(FIRST_THREADS)


@pytest.mark.parametrize(("computing", "more"), [(0, MANY_THREADS), (1, LARGE_REPLIES)])
def test_more_threads_are_started_if_no_server_ends(
    work: Work, clock: Clock, computing: int, more: int
) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    clock.advance(STALLED + LOOK, busy=1.0)
    threads.adjust(waiting=100, computing=computing)
    work.await_threads(FIRST_THREADS + more)
    clock.advance(0.9 * STALLED, busy=1.0)
    threads.adjust(waiting=100, computing=computing)
    work.await_threads(FIRST_THREADS + more)  # not more, until as much time has passed again


def test_look_that_starts_no_thread_does_not_delay_the_next_ones(work: Work, clock: Clock) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    for number in (FIRST_THREADS, FIRST_THREADS + MANY_THREADS):
        clock.advance(0.6 * STALLED, busy=1.0)
        threads.adjust(waiting=100, computing=0)
        work.await_threads(number)


def test_one_thread_ends_if_they_never_wait(parts: Parts, clock: Clock) -> None:
    threads = crowd(parts, clock, 2)
    clock.advance(2 * LOOK, busy=1.0)
    threads.adjust(waiting=100, computing=0)
    ended = parts.end_one()
    ended.join(WAIT)
    assert not ended.is_alive()
    staying = parts.end_one()
    parts.await_begun(1)
    assert staying.is_alive()


@pytest.mark.parametrize("number", [2, 4])
def test_thread_that_ended_does_not_count(parts: Parts, clock: Clock, number: int) -> None:
    threads = crowd(parts, clock, number)
    clock.advance(2 * LOOK, busy=1.0)
    threads.adjust(waiting=100, computing=0)
    parts.end_one().join(WAIT)
    clock.advance(2 * LOOK)
    threads.note_end()
    threads.adjust(waiting=100, computing=0)
    parts.await_begun(number - 1)


def test_no_other_thread_ends_before_the_first_has(parts: Parts, clock: Clock) -> None:
    threads = crowd(parts, clock, 4)
    for _ in range(2):
        clock.advance(2 * LOOK, busy=1.0)
        threads.adjust(waiting=100, computing=0)
    parts.end_one().join(WAIT)
    parts.end_one()
    parts.await_begun(1)


@pytest.mark.parametrize(
    ("number", "waiting", "computing", "busy"),
    [(1, 100, 0, 1.0), (2, 0, 0, 1.0), (2, 100, 1, 1.0), (2, 100, 0, CROWDED), (2, 100, 0, BUSY)],
    ids=["the only one", "no server waits", "large reply", "hardly waiting", "waiting"],
)
def test_no_thread_ends(
    parts: Parts, clock: Clock, number: int, waiting: int, computing: int, busy: float
) -> None:
    threads = crowd(parts, clock, number)
    clock.advance(10.0, busy)  # a tenth of it has no exact number
    threads.note_end()
    threads.adjust(waiting, computing)
    parts.end_one()
    parts.await_begun(1)


def test_one_of_many_threads_ends(parts: Parts, clock: Clock) -> None:
    threads = crowd(parts, clock, MANY_THREADS)
    clock.advance(2 * LOOK, busy=1.0)
    threads.adjust(waiting=100, computing=0)
    ended = parts.end_one()
    ended.join(WAIT)
    assert not ended.is_alive()


def test_no_thread_ends_beside_many_that_hang(parts: Parts, clock: Clock) -> None:
    threads = crowd(parts, clock, 1)
    clock.advance(STALLED + LOOK)
    threads.adjust(waiting=100, computing=0)
    parts.await_begun(MANY_THREADS)
    clock.advance(2 * LOOK, busy=1.0)
    threads.note_end()
    threads.adjust(waiting=100, computing=0)
    parts.end_one()
    parts.await_begun(1)


def test_no_thread_ends_while_no_server_does(parts: Parts, clock: Clock) -> None:
    threads = crowd(parts, clock, 2)
    clock.advance(STALLED + LOOK, busy=1.0)
    threads.adjust(waiting=2, computing=0)
    parts.await_begun(2)
    parts.end_one()
    parts.await_begun(1)


@contextmanager
def descriptors(limit: int) -> Iterator[None]:
    """Lower the number of file descriptors that this process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("limit", "number"), [(OTHER_DESCRIPTORS + 2 * DESCRIPTORS, 2), (OTHER_DESCRIPTORS - 1, 1)]
)
def test_the_limit_of_file_descriptors_is_kept_and_reported(
    work: Work, clock: Clock, limit: int, number: int
) -> None:
    with descriptors(limit):
        assert Threads(work, number).missing == ""
        threads = Threads(work, 10)
    assert threads.missing == f"no more than {number} servers could be read at a time (ulimit -n)"
    threads.start(waiting=10)
    clock.advance(STALLED + LOOK)
    threads.adjust(waiting=10, computing=0)
    work.await_threads(number)


def refuse(*_: object) -> None:
    raise RuntimeError("can't start new thread")


def test_without_any_thread_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under `ulimit -u`: Python then raises RuntimeError."""
    done: list[threading.Thread] = []

    def work() -> bool:
        done.append(threading.current_thread())
        return len(done) < 3

    threads = Threads(work, 10)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    threads.start(waiting=10)
    assert done == [threading.current_thread()] * 3
    assert threads.missing == "no more than 0 threads could be started (ulimit -u)"


def test_the_limit_of_threads_is_kept_and_reported(
    work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = Threads(work, 100)
    threads.start(waiting=100)
    work.await_threads(FIRST_THREADS)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        clock.advance(STALLED + LOOK)
        threads.adjust(waiting=100, computing=0)
    assert threads.missing == f"no more than {FIRST_THREADS} threads could be started (ulimit -u)"
    clock.advance(STALLED + LOOK)
    threads.adjust(waiting=100, computing=0)
    work.await_threads(FIRST_THREADS)
