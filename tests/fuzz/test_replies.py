"""Some mutated replies in each run of the tests; `make fuzz` sends many more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.recorded import record
from tests.fuzz.replies import fuzz
from tests.support.ecflow_server import EcflowServer

COUNT, SEED = 600, 19


@pytest.mark.timeout(120)
def test_mutated_replies_fail_or_are_read_right(ecflow: EcflowServer, tmp_path: Path) -> None:
    found = fuzz([record(ecflow)], COUNT, SEED, tmp_path)
    assert found.count == COUNT
    assert found.ended["failed"] > COUNT / 3
    assert found.ended["full"] > COUNT / 10 and found.ended["incremental"] > COUNT / 100
