"""A server's card on the page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.stored_servers import FAILING, IDLE, SUITE, status
from watchman_cli.check import State, judge
from watchman_cli.output.page.card import is_stale, make_card


def test_card_has_the_state_the_reasons_and_the_counts() -> None:
    card = make_card(judge(replace(status(SUITE), server="o/r\x1b")), 7)
    assert (card.name, card.state, card.index, card.stale) == ("o/r?", State.CRITICAL, 7, False)
    assert card.reasons == ("1 aborted", "1 late")
    assert card.counts == {"aborted": 3, "queued": 3, "active": 3}


def test_server_without_a_snapshot_has_no_counts() -> None:
    card = make_card(judge(status(None, health=FAILING)), None)
    assert (card.counts, card.index, card.reasons) == ({}, None, ("no snapshot; 2 runs failed: it | fails",))


@pytest.mark.parametrize(("age", "stale"), [(180, False), (181, True), (-181, False)])
def test_old_snapshot_is_stale(age: float, stale: bool) -> None:
    assert is_stale(status(IDLE, age=age)) is stale


def test_snapshot_of_a_failing_server_is_stale() -> None:
    assert is_stale(status(IDLE, health=FAILING)) == (status(IDLE, health=FAILING).stale_reason is not None)
