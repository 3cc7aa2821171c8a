"""Which details are in the store, and what becomes of their expiry."""

from __future__ import annotations

import pytest

from watchman_cli.details import KeptDetails

KEPT = KeptDetails(["labels", "", "ftp"], "r1 2026-01-01T00:00:00+00:00", None, [])


def test_the_revision_is_the_first_word_of_the_stamp() -> None:
    assert KEPT.revision == "r1"


@pytest.mark.parametrize(
    ("expire", "was", "life"),
    [(None, None, "keep"), (60, None, "set"), (60, 60, "set"), (None, 60, "remove")],
)
def test_the_expiry_follows_the_configuration(expire: int | None, was: int | None, life: str) -> None:
    kept = KEPT._replace(expire=was)
    assert kept.expiring(expire) == (KEPT._replace(expire=expire), life)
