"""Notices, as the health record keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.causes.examples import ENDED, FAILING, HALTED, MISSED, NODE, event, text
from watchman_cli import health
from watchman_cli.causes.model import Known, Notices, read_notices
from watchman_cli.health import Health

NOTICES = Notices("f" * 32, (Known(NODE, text(), text(120)), Known(HALTED, text())), (ENDED,), (event(),))


def test_notices_are_read_back_from_the_health_record() -> None:
    record = Health(checked_time=text(), notices=NOTICES)
    assert health.decode(health.encode(record)).notices == NOTICES
    assert health.encode_repaired(record) == health.encode(record)


def test_record_without_notices() -> None:
    assert b"notices" not in health.encode(Health(checked_time=text()))
    assert health.decode(health.encode(Health(checked_time=text()))).notices is None


@pytest.mark.parametrize("place", ["causes", "ended", "events"])
def test_invalid_time_is_ignored(place: str) -> None:
    document: dict[str, Any] = NOTICES.as_json()
    name = {"causes": "seen", "ended": "until", "events": "time"}[place]
    document[place][0][name] = "2026-02-31T00:00:00+00:00"
    assert read_notices(document) is None


def test_only_told_causes_are_told() -> None:
    assert [each.cause for each in NOTICES.told] == [NODE]


def test_event_stays_until_each_receiver_has_accepted_it() -> None:
    notices = Notices(events=(event(1), event(2)))
    half = notices.without([("webhook", "id1")])
    assert [(each.id, each.to) for each in half.events] == [("id1", ("command",)), ("id2", event(2).to)]
    assert [each.id for each in half.without([("command", "id1")]).events] == ["id2"]


def test_path_of_a_cause() -> None:
    assert [cause.path for cause in (NODE, MISSED, HALTED, FAILING)] == ["/s/t", "/s", None, None]


def test_words_of_a_cause() -> None:
    assert NODE.words == "/s/t aborted"
    assert HALTED.words == "server HALTED"
    assert NODE.as_json() == {
        "kind": "aborted",
        "cause": "/s/t",
        "since": "2026-11-28T11:58:00+00:00",
        "text": "/s/t aborted",
    }
