"""What goes between the supervisor and a probe."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from watchman_cli.bindings import script as probe
from watchman_cli.bindings.supervisor import Attempt
from watchman_cli.errors import ServerError


def test_a_probe_may_end_as_soon_as_it_has_its_verdict() -> None:
    """It may close its end between any two system calls of the supervisor's that send one frame."""
    for _ in range(300):
        ours, theirs = socket.socketpair()

        def end_with_the_verdict(link: socket.socket = theirs) -> None:
            with link:
                probe.receive(link)

        ending = threading.Thread(target=end_with_the_verdict)
        ending.start()
        with ours:
            probe.send(ours, probe.FIT)
            ending.join()


LARGE = b"task t\n" * 100_000  # more than a pipe holds


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The supervisor's end of a probe's socket, and the probe's, which has its job."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def attempt_at(link: socket.socket, seconds: float) -> Attempt:
    """An attempt by whoever is at the other end."""
    return Attempt(cast(Any, None), link, {}, time.monotonic() + seconds)


def test_a_skeleton_comes_through_a_pipe(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    attempt = attempt_at(ours, 20)
    probe.receive(theirs)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(attempt.send_skeleton, iter([b"suite s\n", LARGE, b"endsuite\n"]))
        with os.fdopen(probe.receive_pipe(theirs), "rb") as pipe:
            assert pipe.read(8) == b"suite s\n"
            assert pipe.read(len(LARGE)) == LARGE
            assert pipe.read() == b"endsuite\n"
        sending.result()


def test_a_skeleton_that_cannot_be_restored_holds_nobody_up(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    attempt = attempt_at(ours, 20)
    probe.receive(theirs)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(attempt.send_skeleton, iter([LARGE]))
        os.close(probe.receive_pipe(theirs))
        sending.result()


def test_a_skeleton_that_is_never_read_ends_at_the_deadline(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = ends
    with pytest.raises(ServerError) as failure:
        attempt_at(ours, 0.2).send_skeleton(iter([LARGE]))
    assert (failure.value.kind, failure.value.transient) == ("no answer", True)
