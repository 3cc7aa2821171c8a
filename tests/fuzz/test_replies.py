"""Some mutated replies in each run of the tests; `make fuzz` sends many more."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.fuzz.recorded import Recorded, record
from tests.fuzz.replies import Wrong, fuzz
from tests.support.ecflow_server import EcflowServer

COUNT, SEED = 600, 19


def send_ends(to: Connection, recorded: Recorded, folder: Path) -> None:
    """Send how many replies were sent, and how the readings ended; or what was wrong."""
    try:
        found = fuzz([recorded], COUNT, SEED, folder)
    except Wrong as error:
        to.send(error)
    else:
        to.send((found.count, found.ended))


@pytest.mark.timeout(120)
def test_mutated_replies_fail_or_are_read_right(ecflow: EcflowServer, tmp_path: Path) -> None:
    """In a process of its own, whose memory is that of no other test."""
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    apart = spawned.Process(target=send_ends, args=(theirs, record(ecflow), tmp_path))
    apart.start()
    theirs.close()
    got = ours.recv()
    apart.join()
    if isinstance(got, Wrong):
        raise got
    count, ended = got
    assert count == COUNT
    assert ended["failed"] > COUNT / 3
    assert ended["full"] > COUNT / 10 and ended["incremental"] > COUNT / 100
