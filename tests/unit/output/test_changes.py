"""Each kind of event as a line of JSON, which its schema promises."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from watchman_cli import schema
from watchman_cli.follow import Change, DeadlineMissed, Event, ServerStateChange
from watchman_cli.output import changes

TIME = datetime(2026, 11, 24, 12, 10, tzinfo=timezone.utc)
EVENTS: list[Event] = [
    Change("b/0", "o/r", TIME, "/s/t", "queued", "active", "2026-11-24T12:09:18+00:00", ("late",)),
    Change("b/1", "o/r", TIME, "/new", None, "queued"),
    Change("b/2", "o/r", TIME, "/old", "complete", None),
    Change("b/3", "o/r", TIME, "/more", "active", "active", more=(("try_no", 2),)),
    ServerStateChange("b/server", "o/r", TIME, "RUNNING", "HALTED"),
    DeadlineMissed("b/missed/0", "o/r", TIME, "/s complete by 05:30 UTC"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.id)
def test_an_event_fits_its_schema(event: Event) -> None:
    document = json.loads(changes.as_json(event))
    assert schema.is_valid("event", document), schema.why_invalid("event", document)
    assert (document["source"], document["id"]) == ("o/r", event.id)


def test_a_gap_fits_its_schema() -> None:
    document = json.loads(changes.gap_as_json("o/r", TIME, "a batch is missing"))
    assert schema.is_valid("event", document), schema.why_invalid("event", document)
    assert document["data"] == {"reason": "a batch is missing"}


@pytest.mark.parametrize("wanted", ["subject", "data", "source"])
def test_an_event_without_it_does_not_fit(wanted: str) -> None:
    document = json.loads(changes.as_json(EVENTS[0]))
    del document[wanted]
    assert not schema.is_valid("event", document)


def test_an_event_in_words() -> None:
    assert [changes.as_text(event, changes.Style()) for event in EVENTS] == [
        "2026-11-24 12:10:00 UTC  /s/t  queued → active, late",
        "2026-11-24 12:10:00 UTC  /new  (new) → queued",
        "2026-11-24 12:10:00 UTC  /old  complete → (gone)",
        "2026-11-24 12:10:00 UTC  /more  active",
        "2026-11-24 12:10:00 UTC  server  RUNNING → HALTED",
        "2026-11-24 12:10:00 UTC  deadline missed: /s complete by 05:30 UTC",
    ]


def test_lines_of_all_servers_in_ascii() -> None:
    style = changes.Style(arrow=changes.ASCII_ARROW, servers=True)
    assert [changes.as_text(event, style) for event in (EVENTS[0], EVENTS[4], EVENTS[5])] == [
        "2026-11-24 12:10:00 UTC  o/r  /s/t  queued -> active",
        "2026-11-24 12:10:00 UTC  o/r  server  RUNNING -> HALTED",
        "2026-11-24 12:10:00 UTC  o/r  deadline missed: /s complete by 05:30 UTC",
    ]
    flags = Change("b/0", "o/r", TIME, "/s/t", "active", "active", flags=("late",))
    assert changes.as_text(flags, style) == "2026-11-24 12:10:00 UTC  o/r  /s/t  active, late"
    gap = changes.gap_as_text("o/r", TIME, "a batch is missing", style)
    assert gap == "2026-11-24 12:10:00 UTC  o/r  the changes until then are not known: a batch is missing"
    assert "  o/r  " not in changes.gap_as_text("o/r", TIME, "a batch is missing", changes.Style())
