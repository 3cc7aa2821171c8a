"""A deadline in words, its state in JSON, and the state's end."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from watchman_cli import schema
from watchman_cli.deadlines import (
    Deadline,
    DeadlineState,
    Matches,
    listed,
    new_misses,
    parse_time_of_day,
    states_of,
    unreported,
    with_all_reported,
)
from watchman_cli.deadlines.model import PastCycle

DUE = datetime(2026, 11, 26, 5, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
NEXT = DUE + 24 * HOUR
PAST = PastCycle(DUE - 24 * HOUR, "met", "other", DUE - 23 * HOUR, DUE - 25 * HOUR)
STATE = DeadlineState(
    deadline="/s complete by 05:00 UTC",
    due=DUE,
    state="missed",
    at_start="same",
    judged=DUE + HOUR,
    matches=Matches(3, 2),
    reached=DUE + HOUR / 2,
    misses=4,
    reported=3,
    next_start=NEXT - 5 * HOUR,
    next_due=NEXT,
    past=(PAST, PAST._replace(reached=None)),
    configured=False,
)
DOCUMENT = {
    "deadline": "/s complete by 05:00 UTC",
    "due": "2026-11-26T05:00:00+00:00",
    "state": "missed",
    "before": "same",
    "judged": "2026-11-26T06:00:00.000000+00:00",
    "nodes": 3,
    "others": 2,
    "reached": "2026-11-26T05:30:00.000000+00:00",
    "misses": 4,
    "reported": 3,
    "next_start": "2026-11-27T00:00:00+00:00",
    "next_due": "2026-11-27T05:00:00+00:00",
    "past": [
        {
            "due": "2026-11-25T05:00:00+00:00",
            "state": "met",
            "before": "other",
            "judged": "2026-11-25T06:00:00.000000+00:00",
            "reached": "2026-11-25T04:00:00.000000+00:00",
        },
        {
            "due": "2026-11-25T05:00:00+00:00",
            "state": "met",
            "before": "other",
            "judged": "2026-11-25T06:00:00.000000+00:00",
            "reached": None,
        },
    ],
    "configured": False,
}


@pytest.mark.parametrize(
    ("deadline", "words"),
    [
        (Deadline("/s", 330), "/s complete by 05:30 UTC"),
        (Deadline("/s/*", 0, "active", zone="Europe/Paris"), "/s/* active by 00:00 Europe/Paris"),
        (Deadline("/s", 65, after=1080), "/s complete by 01:05 UTC after 18:00"),
        (Deadline("/s", 330, days=("mon", "sun")), "/s complete by 05:30 UTC on mon, sun"),
    ],
)
def test_words(deadline: Deadline, words: str) -> None:
    assert str(deadline) == words


def test_time_of_day_is_in_minutes() -> None:
    assert [parse_time_of_day(text) for text in ("00:00", "05:30", "23:59")] == [0, 330, 1439]


@pytest.mark.parametrize(("nodes", "mismatched", "all_there"), [(1, 0, True), (0, 0, False), (2, 1, False)])
def test_all_there(nodes: int, mismatched: int, all_there: bool) -> None:
    assert Matches(nodes, mismatched).all_there is all_there


def test_json_has_the_public_names() -> None:
    assert STATE.as_json() == DOCUMENT
    assert DeadlineState.from_json(DOCUMENT) == STATE
    sync = {"mode": None, "reason": None, "verification": None}
    record = {"checked_time": DOCUMENT["judged"], "ok": True, "deadlines": [DOCUMENT], "sync": sync}
    errors = [error.json_path for error in schema.iter_errors("health", record, 100)]
    assert not [each for each in errors if "deadlines" in each]


def test_state_that_was_never_reached() -> None:
    document = STATE._replace(reached=None).as_json()
    assert document["reached"] is None
    assert DeadlineState.from_json(document).reached is None


@pytest.mark.parametrize("name", ["reported", "next_start", "next_due", "past", "configured", "reached"])
def test_record_of_an_older_version(name: str) -> None:
    found = DeadlineState.from_json({key: value for key, value in DOCUMENT.items() if key != name})
    defaults: dict[str, Any] = {"reported": 4, "past": (), "configured": True}
    assert getattr(found, name) == defaults.get(name)


def test_next_cycle_of_an_older_version_is_a_day_later() -> None:
    assert STATE.next_cycle == (NEXT - 5 * HOUR, NEXT)
    old = STATE._replace(next_start=None, next_due=None)
    assert old.next_cycle == (NEXT, NEXT)
    assert old.as_json()["next_start"] == NEXT.isoformat()


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("state", ["met", "missed", "unknown"])
def test_decided_state_ends_with_its_cycle(state: Any) -> None:
    known = STATE._replace(state=state)
    start = NEXT - 5 * HOUR
    assert known.at(start - SECOND) == known
    following = known.at(start)
    assert following == known._replace(state="pending", due=NEXT, next_start=NEXT, reached=None)
    assert known.at(NEXT - SECOND).state == "pending"
    assert known.at(NEXT) == known._replace(state="unknown", due=NEXT, reached=None)


def test_pending_state_is_unknown_when_it_is_due() -> None:
    pending = STATE._replace(state="pending", judged=DUE - HOUR)
    assert pending.at(DUE - SECOND) == pending
    assert pending.at(DUE) == pending._replace(state="unknown")
    assert pending.at(NEXT - SECOND) == pending._replace(state="unknown")


def test_state_that_was_judged_in_the_future_is_unknown() -> None:
    for minutes, state in ((3, "missed"), (4, "unknown")):
        assert STATE.at(STATE.judged - timedelta(minutes=minutes)).state == state


def test_present_cycle_as_a_past_one() -> None:
    assert STATE.as_past == PastCycle(DUE, "missed", "same", DUE + HOUR, DUE + HOUR / 2)


@pytest.mark.parametrize(
    ("deadline", "matches", "reason"),
    [
        ("/s complete by 05:00 UTC", Matches(0, 0), "there is no such node"),
        ("/s complete by 05:00 UTC", Matches(1, 1), "it is not complete"),
        ("/s/* queued by 05:00 UTC after 18:00", Matches(5, 3), "3 of 5 nodes are not queued"),
        ("/s active by 05:00 UTC", Matches(1, 0), "it was already active before the cycle began"),
        ("/s active by 05:00 UTC", Matches(2, 0), "they were already active before the cycle began"),
        ("in other words", Matches(1, 1), "it is not as required"),
    ],
)
def test_reason_of_a_miss_repeats_the_status(deadline: str, matches: Matches, reason: str) -> None:
    assert STATE._replace(deadline=deadline, matches=matches).why_missed == reason


def test_only_listed_deadlines() -> None:
    other = STATE._replace(deadline="/x complete by 05:00 UTC", configured=True)
    assert listed([STATE, other]) == [other]
    assert listed([STATE, other], [STATE.deadline]) == [STATE, other]


def test_unreported_misses() -> None:
    reported = STATE._replace(reported=4)
    assert STATE.unreported and not reported.unreported
    assert unreported([STATE, reported]) == [STATE]
    assert with_all_reported([STATE, reported]) == (reported, reported)


def test_new_misses_since_the_previous_states() -> None:
    first, again = STATE._replace(misses=0), STATE._replace(misses=1)
    assert new_misses([first], [again]) == [again]
    assert new_misses([again], [again]) == []
    assert new_misses([], [again, first]) == [again]


@pytest.mark.parametrize("name", ["due", "judged", "reached", "next_start", "next_due"])
def test_state_with_an_invalid_time_is_left_out(name: str) -> None:
    assert states_of([DOCUMENT | {name: "2026-02-31T00:00:00+00:00"}, DOCUMENT]) == [STATE]


@pytest.mark.parametrize("name", ["due", "judged", "reached"])
def test_state_with_an_invalid_past_is_left_out(name: str) -> None:
    past = [DOCUMENT["past"][0] | {name: "2026-02-31T00:00:00+00:00"}]  # type: ignore[index]
    assert states_of([DOCUMENT | {"past": past}]) == []


def test_unknown_zone() -> None:
    for zone in ("Mars/Base", "/etc/passwd", "Europe"):
        with pytest.raises(ValueError, match=rf"^unknown time zone: {zone}$"):
            Deadline("/s", 0, zone=zone).tzinfo  # noqa: B018
    assert Deadline("/s", 0).tzinfo is timezone.utc
    assert str(Deadline("/s", 0, zone="Europe/Paris").tzinfo) == "Europe/Paris"
