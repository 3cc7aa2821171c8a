"""Some mutated replies in each run of the tests; `make fuzz` sends many more."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.fuzz.recorded import Recorded, record
from tests.fuzz.replies import fuzz
from tests.support.ecflow_server import EcflowServer

COUNT, SEED = 600, 19


def count_ends(recorded: Recorded, folder: Path) -> tuple[int, Mapping[str, int]]:
    """Return how many replies were sent, and how the readings ended."""
    found = fuzz([recorded], COUNT, SEED, folder)
    return found.count, found.ended


@pytest.mark.timeout(120)
def test_mutated_replies_fail_or_are_read_right(ecflow: EcflowServer, tmp_path: Path) -> None:
    """In a process of its own, whose memory is that of no other test."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        count, ended = apart.submit(count_ends, record(ecflow), tmp_path).result()
    assert count == COUNT
    assert ended["failed"] > COUNT / 3
    assert ended["full"] > COUNT / 10 and ended["incremental"] > COUNT / 100
