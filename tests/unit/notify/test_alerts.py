"""Causes as alerts of Alertmanager."""

from __future__ import annotations

from tests.unit.causes.examples import ENDED, FAILING, MISSED, NODE, OTHER, at, text, told
from watchman_cli.causes.model import Ended, Known, Notices
from watchman_cli.notify.alerts import PIECE, AlertKey, make_alerts, pieces_of, split_alerts


def keys_of(notices: Notices) -> list[AlertKey]:
    recent, others = split_alerts({"o/r": notices}, at())
    return recent + others


def test_alert_has_the_cause_and_nothing_else_as_labels() -> None:
    notices = told(NODE)
    (alert,) = make_alerts(keys_of(notices), {"o/r": notices}, at(60))
    assert alert == {
        "labels": {"alertname": "EcflowCause", "server": "o/r", "kind": "aborted", "cause": "/s/t"},
        "annotations": {"summary": "o/r: /s/t aborted", "since": NODE.since},
        "startsAt": "2026-11-28T12:00:00+00:00",
        "endsAt": "2026-11-28T13:01:00+00:00",
    }


def test_causes_of_other_kinds() -> None:
    notices = told(FAILING, MISSED)
    alerts = make_alerts(keys_of(notices), {"o/r": notices}, at())
    assert [alert["labels"]["cause"] for alert in alerts] == ["failing", "/s complete by 12:00"]
    assert alerts[0]["annotations"]["reason"] == FAILING.text


def test_ended_cause_ends_when_a_run_saw_it() -> None:
    notices = Notices(ended=(ENDED,))
    (alert,) = make_alerts(keys_of(notices), {"o/r": notices}, at(100))
    assert (alert["startsAt"], alert["endsAt"]) == (
        "2026-11-28T11:59:00+00:00",
        "2026-11-28T12:00:00+00:00",
    )


def test_end_is_after_the_start_though_clocks_differ() -> None:
    notices = Notices(ended=(Ended(NODE, text(10), text(10)),))
    (alert,) = make_alerts(keys_of(notices), {"o/r": notices}, at())
    assert alert["endsAt"] == "2026-11-28T12:00:11+00:00"


def test_state_of_the_store_counts() -> None:
    """An older run wants to post what another run has seen to end, or what is no longer known."""
    older = told(NODE, OTHER)
    newer = Notices(ended=(ENDED,))
    (alert,) = make_alerts(keys_of(older), {"o/r": newer}, at())
    assert alert["endsAt"] == "2026-11-28T12:00:00+00:00"
    assert make_alerts(keys_of(older), {}, at()) == []


def test_cause_that_was_not_told_is_not_posted() -> None:
    assert keys_of(Notices(known=(Known(NODE, text()),))) == []


def test_new_ones_and_ends_come_first() -> None:
    notices = Notices(
        known=(Known(OTHER, text(-900), text(-600)), Known(FAILING, text(-200), text(-10))), ended=(ENDED,)
    )
    recent, others = split_alerts({"o/r": notices}, at())
    assert [key.cause for key in recent] == [NODE.key, FAILING.key]
    assert [key.cause for key in others] == [OTHER.key]


def test_many_alerts_are_posted_in_pieces() -> None:
    keys = [AlertKey("o/r", ("aborted", str(number))) for number in range(PIECE + 1)]
    pieces = list(pieces_of(keys))
    assert [len(piece) for piece in pieces] == [PIECE, 1]
    assert [key for piece in pieces for key in piece] == keys
