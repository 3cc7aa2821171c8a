"""Turns: who works when, and what is said of work that was not done in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tests.support.loopback import await_true
from watchman_cli.collect.turns import MANY_BLOCKS, SMALL, Rank, SharedWork, Turns, free_memory_at_once
from watchman_cli.ecflow_client import TooSlow

WAIT = 30.0  # seconds, far more than is needed


def soon() -> float:
    return time.monotonic() + WAIT


def queued(turns: Turns, wait: Callable[[], object]) -> threading.Thread:
    """Start a thread that waits for a turn, and return it once it does."""
    before = turns.wanted
    thread = threading.Thread(target=wait)
    thread.start()
    await_true(lambda: turns.wanted != before, "the thread does not wait for a turn", WAIT)
    return thread


def order(ranks: list[Rank]) -> list[int]:
    """Return the order in which waiting threads of these ranks have their turns."""
    turns, seen = Turns(), list[int]()

    def work(number: int) -> None:
        assert turns.take(ranks[number])
        seen.append(number)
        turns.give_up()

    assert turns.take(Rank(0, soon()))
    threads = [queued(turns, lambda number=number: work(number)) for number in range(len(ranks))]  # type: ignore[misc]
    turns.give_up()
    for thread in threads:
        thread.join(WAIT)
    assert turns.wanted == 0
    return seen


def test_smaller_replies_come_first_and_then_the_earlier_deadline() -> None:
    end = soon()
    assert order([Rank(9, end), Rank(5, end + 2), Rank(5, end + 1), Rank(7, end)]) == [2, 1, 3, 0]


def test_one_that_waits_in_vain_holds_nobody_up() -> None:
    turns, end = Turns(), time.monotonic() + 0.05
    assert turns.take(Rank(1, soon()))
    assert not turns.take(Rank(1, end))
    assert turns.wanted == 1
    turns.give_up()
    assert turns.take(Rank(1, soon()))


def work_of(turns: Turns, seconds: float = WAIT) -> SharedWork:
    now = time.monotonic()
    return SharedWork(turns, now, now + seconds, seconds)


def test_a_large_reply_gives_its_turn_to_a_much_smaller_one() -> None:
    turns, done = Turns(), threading.Event()
    large, small = work_of(turns), work_of(turns)

    def read_small() -> None:
        small.begin(SMALL)
        done.set()
        small.end()

    large.begin(100 * SMALL)
    thread = queued(turns, read_small)
    large.check()  # returns with the turn, once the other has had it
    assert done.is_set()
    large.end()
    thread.join(WAIT)
    assert turns.wanted == 0


def test_a_reply_keeps_its_turn_from_others_of_its_size() -> None:
    turns = Turns()
    first, second = work_of(turns), work_of(turns)
    first.begin(2 * SMALL)
    thread = queued(turns, lambda: second.begin(2 * SMALL))
    for _ in range(100):
        first.check()
    assert turns.wanted == 2
    first.end()
    thread.join(WAIT)
    second.end()
    assert turns.wanted == 0


def test_a_small_reply_needs_no_turn() -> None:
    turns = Turns()
    work_of(turns).begin(SMALL)
    late = work_of(turns, -1)
    late.begin(SMALL - 1)
    late.check()  # as a run that was stopped and goes on


def test_work_that_ends_late_says_what_took_the_time() -> None:
    turns = Turns()
    work = work_of(turns, 0.05)
    work.begin(3 << 20)
    with pytest.raises(TooSlow) as raised:
        while True:
            work.check("checked")
    work.end()
    message = str(raised.value)
    assert message.startswith(
        "the reply of 3 MB was not checked by the deadline of 0.05 s: the reply came after"
    )
    assert "raise `deadline`" in message
    assert turns.wanted == 0


def test_waiting_for_a_turn_ends_at_the_deadline() -> None:
    turns = Turns()
    holder = work_of(turns)
    holder.begin(SMALL)
    with pytest.raises(TooSlow, match="was not decoded by the deadline"):
        work_of(turns, 0.05).begin(SMALL)
    holder.end()
    assert turns.wanted == 0


def test_work_knows_when_it_ended_and_what_is_the_stores_time() -> None:
    """A run that gives a thread up blames the server if it worked, else the store."""
    work = work_of(Turns())
    began = work.ended
    work.begin(SMALL)
    assert work.is_underway
    with work.interrupted():
        assert not work.is_underway
    assert work.is_underway
    assert work.ended == began
    work.end()
    assert not work.is_underway
    assert work.ended > began


@pytest.mark.parametrize(
    ("alone", "size", "freed"),
    [(False, MANY_BLOCKS, True), (False, MANY_BLOCKS - 1, False), (True, MANY_BLOCKS, False)],
)
def test_memory_is_freed_at_once_if_several_threads_would_keep_much(
    alone: bool, size: int, freed: bool
) -> None:
    free_memory_at_once.cache_clear()
    work = work_of(Turns(alone=alone))
    work.begin(size)
    work.end()
    assert bool(free_memory_at_once.cache_info().misses) is freed
