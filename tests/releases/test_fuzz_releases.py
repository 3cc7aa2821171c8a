"""Some mutated replies of the server of each release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.recorded import record
from tests.fuzz.replies import fuzz
from tests.support.ecflow_server import EcflowServer


@pytest.mark.timeout(120)
def test_mutated_replies_fail_or_are_read_right(release_server: EcflowServer, tmp_path: Path) -> None:
    assert fuzz([record(release_server)], 400, 19, tmp_path).ended["full"] > 40
