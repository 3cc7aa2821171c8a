"""Each cause begins once and ends once."""

from __future__ import annotations

import pytest

from tests.unit.causes.examples import (
    AT_ONCE,
    FAILING,
    HALTED,
    HELD,
    MISSED,
    NODE,
    OTHER,
    at,
    event,
    text,
    told,
)
from watchman_cli.causes import notices as module
from watchman_cli.causes.model import Cause, Ended, Event, Known, Notices, Rules
from watchman_cli.causes.notices import Told, advance, told_between
from watchman_cli.health.judge import FAILING as FAILING_ONLY

EVENTS = Rules(0, ("webhook",))


def names(notices: Notices) -> list[str]:
    return [each.cause.name for each in notices.told]


def test_cause_is_told_once_it_has_lasted() -> None:
    first = advance(Notices(), [NODE], at(), HELD)
    assert first.known == (Known(NODE, text()),)
    second = advance(first, [NODE], at(119), HELD)
    assert names(second) == []
    third = advance(second, [NODE], at(120), HELD)
    assert third.known == (Known(NODE, text(), text(120)),)
    assert told_between(second, third) == Told((NODE,), ())
    assert told_between(third, advance(third, [NODE], at(180), HELD)) == Told()


def test_cause_that_ends_before_is_not_told() -> None:
    first = advance(Notices(), [NODE], at(), HELD)
    second = advance(first, [], at(60), HELD)
    assert second == Notices()
    third = advance(second, [NODE], at(150), HELD)
    assert names(third) == []  # counted from its new beginning


def test_missed_deadline_is_told_at_once() -> None:
    assert names(advance(Notices(), [MISSED, NODE], at(), HELD)) == [MISSED.name]


def test_end_is_told_once_and_kept_for_a_while() -> None:
    before = told(NODE, OTHER)
    after = advance(before, [OTHER], at(60), AT_ONCE)
    end = Ended(NODE, text(), text(60))
    assert after.ended == (end,)
    assert told_between(before, after) == Told((), (end,))
    later = advance(after, [OTHER], at(359), AT_ONCE)
    assert later.ended == (end,)
    assert told_between(after, later) == Told()
    assert advance(later, [OTHER], at(361), AT_ONCE).ended == ()


def test_end_is_not_before_the_beginning_if_a_clock_is_behind() -> None:
    assert advance(told(NODE), [], at(-60), AT_ONCE).ended == (Ended(NODE, text(), text()),)


def test_cause_that_begins_again_is_told_again() -> None:
    over = advance(told(NODE), [], at(60), AT_ONCE)
    again = advance(over, [NODE], at(120), AT_ONCE)
    assert told_between(over, again) == Told((NODE,), ())
    assert again.ended == ()


def test_nothing_is_known_of_other_kinds_if_the_server_was_not_read() -> None:
    before = Notices("r", (Known(HALTED, text(), text()), Known(NODE, text())))
    after = advance(before, [FAILING], at(600), HELD, judged=FAILING_ONLY)
    assert after.known == (*before.known, Known(FAILING, text(600)))
    assert after.revision == "r"
    read = advance(after, [NODE], at(660), HELD, revision="s")
    assert names(read) == [NODE.name]
    assert [each.cause for each in read.ended] == [HALTED]
    assert read.revision == "s"


def test_silenced_cause_is_told_if_it_outlasts_its_silence() -> None:
    rules = AT_ONCE._replace(is_silenced=lambda cause: cause == NODE)
    silenced = advance(Notices(), [NODE, OTHER], at(), rules)
    assert names(silenced) == [OTHER.name]
    assert names(advance(silenced, [NODE, OTHER], at(60), AT_ONCE)) == [NODE.name, OTHER.name]
    assert advance(told(NODE), [], at(60), rules).ended  # told before


def test_event_has_what_the_update_tells() -> None:
    after = advance(told(NODE), [OTHER], at(60), EVENTS, event_id="x")
    assert after.events == (Event("x", text(60), (OTHER,), (Ended(NODE, text(), text(60)),), ("webhook",)),)
    assert advance(after, [OTHER], at(120), EVENTS).events == after.events


def test_event_ids_differ() -> None:
    first = advance(Notices(), [NODE], at(), EVENTS)
    second = advance(first, [], at(60), EVENTS)
    assert len({each.id for each in second.events}) == 2


def test_no_event_without_a_receiver() -> None:
    assert advance(Notices(), [NODE], at(), AT_ONCE).events == ()


def test_event_that_no_receiver_took_for_a_day_is_dropped() -> None:
    before = Notices(events=(event(0), event(100)))
    assert [each.id for each in advance(before, [], at(86400 + 50), AT_ONCE).events] == ["id100"]


def test_oldest_events_are_dropped_if_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIZE", 250)
    before = Notices(events=(event(1), event(2)))
    assert [each.id for each in advance(before, [], at(), AT_ONCE).events] == ["id1", "id2"]
    after = advance(before, [MISSED], at(), EVENTS, event_id="new")
    assert [each.id for each in after.events] == ["id2", "new"]


def test_known_causes_keep_their_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ABORTED", 2)
    others = [Cause("aborted", f"/s/{number}", text()) for number in range(3)]
    full = advance(told(NODE), [*others, NODE, HALTED], at(), AT_ONCE)
    assert names(full) == [NODE.name, "/s/0", "halted"]
    assert names(advance(full, [*others, HALTED], at(60), AT_ONCE)) == ["/s/0", "halted", "/s/1"]


def test_long_paths_leave_room_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIZE", 6)
    assert names(advance(Notices(), [NODE, OTHER], at(), AT_ONCE)) == [NODE.name]


def test_first_notices_tell_all() -> None:
    assert told_between(None, told(NODE)) == Told((NODE,), ())
    assert told_between(told(NODE), None) == Told()
