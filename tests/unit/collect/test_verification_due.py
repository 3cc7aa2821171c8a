"""When the bindings read a server too."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from watchman_cli.collect.verify import next_verification, verification_due
from watchman_cli.config import Server
from watchman_cli.health import Health
from watchman_cli.sync.reading import Reading

SERVER = Server(
    "o", "r", "h", 1, 1.0, 1, 1.0, full_sync_every=1800, protocol="tcp", reader="auto", max_reply=1
)
READING = Reading("full", None, "", "RUNNING", "5.9.0", 1, None, None, None, {}, numbers=(1, 1))


@pytest.mark.parametrize(
    ("minutes", "due"),
    [(-1, True), (1, False), (29, False), (40, True), (10 * 365 * 24 * 60, True)],
)
def test_a_time_that_no_run_with_a_right_clock_sets_is_due(minutes: float, due: bool) -> None:
    """One run with the clock ahead must not keep the bindings from reading until that date."""
    at = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    assert verification_due(SERVER, READING, Health(next_verification=at.isoformat())) is due


def test_the_time_that_a_run_sets_is_not_due() -> None:
    record = Health(next_verification=next_verification(SERVER, True))
    assert not verification_due(SERVER, READING, record)
