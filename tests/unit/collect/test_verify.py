"""When the bindings read a server too, and how two readings compare."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.unit.collect.scenarios import reading, server
from watchman_cli.bindings import Bindings, BindingsReading, referee
from watchman_cli.collect.verify import (
    SEVERAL_LINES,
    Verification,
    compare,
    next_verification,
    reading_of,
    verification_due,
)
from watchman_cli.ecflow_client.details import Detail, flags
from watchman_cli.health import Health
from watchman_cli.snapshot import MAX_SKEW, StatusRecord

ROOT = StatusRecord("/", "queued")
TRY_NO = Detail("try_no", "try", int, "SubmittableMemento", lambda fields: fields["tryNo_"], "get_int_try_no")
JOB = Detail("job", "rid", str, "SubmittableMemento", lambda fields: fields["rid_"])


def task(status: str = "active", since: str | None = None, **details: object) -> StatusRecord:
    return StatusRecord("/s/t", status, since).with_details(details)


@pytest.fixture(autouse=True)
def details(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a detail that the bindings know, and one that they do not."""
    verified = tuple(detail for detail in (flags.FLAGS, TRY_NO, JOB) if detail.method)
    monkeypatch.setattr(referee, "VERIFIED", verified)


def difference(ours: list[StatusRecord], theirs: list[StatusRecord], changed: tuple[str, ...] = ()) -> str:
    """Return the difference of two readings in words, or an empty string."""
    found = compare(ours, theirs, changed)
    assert found.difference in (None, found.summary)
    assert found.is_equal is (found.difference is None)
    head = "the protocol's reading differs from the bindings': "
    assert not found.difference or found.difference.startswith(head)
    return (found.difference or "").removeprefix(head)


def test_equal_readings() -> None:
    assert compare([ROOT, task()], [ROOT, task()], ()) == Verification("equal, node by node", is_equal=True)


def test_the_first_difference_is_reported_in_words() -> None:
    ours = [ROOT, StatusRecord("/s", "queued"), task("aborted", since="2026-11-28T00:00:00+00:00", try_no=2)]
    theirs = [ROOT, StatusRecord("/s", "queued"), task("active", flags=("late", "zombie"))]
    assert difference(ours, theirs) == (
        "/s/t aborted since 2026-11-28T00:00:00+00:00 try_no 2; the bindings have /s/t active late zombie"
    )


def test_details_are_compared() -> None:
    assert not difference([ROOT, task(try_no=1)], [ROOT, task(try_no=1)])
    found = difference([ROOT, task(try_no=1)], [ROOT, task(try_no=2)])
    assert found == "/s/t active try_no 1; the bindings have /s/t active try_no 2"
    assert difference([ROOT, task()], [ROOT, task(try_no=2)])
    assert difference([ROOT, task(flags=("late",))], [ROOT, task()])


def test_details_of_nodes_after_one_with_other_details_are_compared() -> None:
    ours = [ROOT, task(job="4711"), StatusRecord("/u", "active")]
    assert difference(ours, [ROOT, task(), StatusRecord("/u", "queued")])


def test_detail_that_the_bindings_do_not_know_is_left_out() -> None:
    assert not difference([ROOT, task(job="4711", try_no=1)], [ROOT, task(try_no=1)])


def test_a_missing_node_is_a_difference() -> None:
    assert difference([ROOT, task()], [ROOT]) == "1 nodes; the bindings have 0"
    assert difference([ROOT], [ROOT, task()]) == "0 nodes; the bindings have 1"


def test_another_node_in_its_place_is_a_difference() -> None:
    other = StatusRecord("/s/u", "active")
    assert difference([ROOT, task()], [ROOT, other]) == "/s/t; the bindings have /s/u"
    assert difference([ROOT, task()], [ROOT, other], ("/s/t",)), "also if it changed"


def test_nodes_that_changed_meanwhile_are_not_compared() -> None:
    last = StatusRecord("/u", "queued")
    ours, theirs = [ROOT, task("active"), last], [ROOT, task("aborted"), last]
    found = compare(ours, theirs, {"/s/t"})
    assert found == Verification("equal, except 1 nodes that changed meanwhile", is_equal=True)
    assert difference(ours, [*theirs[:2], StatusRecord("/u", "active")], ("/s/t",))


def test_only_the_state_of_the_definition_is_compared() -> None:
    """The bindings report neither its flags nor its details."""
    ours = ROOT._replace(flags=("late",), more=(("try_no", 1),))
    assert not difference([ours, task()], [ROOT, task()])
    assert difference([StatusRecord("/", "active"), task()], [ROOT, task()])
    assert difference([ROOT, task(flags=("late",))], [ROOT, task()]), "the flags of other nodes are compared"


def test_another_time_of_the_same_status_is_no_difference() -> None:
    """If a node's state is set to the same state, its time is new, and the server sends no memento."""
    ours, theirs = task(since="2026-11-28T00:00:00+00:00"), task(since="2026-11-28T00:00:09+00:00")
    assert not difference([ROOT, ours], [ROOT, theirs])
    assert difference([ROOT, ours], [ROOT, theirs._replace(status="aborted")])
    assert difference([ROOT, ours], [ROOT, task()]), "a time that only one of them has"
    assert difference([ROOT, task()], [ROOT, theirs]), "a time that only one of them has"


def test_details_of_the_bindings() -> None:
    document = {
        "state": "queued", "server_state": "RUNNING", "version": "5.9.2", "cut": [], "state_change_no": 1,
        "modify_change_no": 1,
        "nodes": [["/s", "active", "", ["late", None]], ["/s/t", "active", "", ["", 2]]],
    }  # fmt: skip
    found = referee._reading(referee.Bindings("python3", "5.9.2", "3.11"), document).records
    assert [record.flags for record in found] == [(), ("late",), ()]
    assert [record.more for record in found] == [(), (), (("try_no", 2),)]


def test_a_node_whose_text_was_not_read_to_its_end_is_not_compared() -> None:
    ours, theirs = [ROOT, task("active")], [ROOT, task("unknown")]
    assert compare(ours, theirs, ()).difference
    assert compare(ours, theirs, (), {"/s/t"}).difference is None
    assert compare(ours, theirs, (), {"/s/u"}).difference
    assert compare(ours, [ROOT, task("aborted")], (), {"/s/t"}).difference


def test_other_nodes_than_in_a_cut_reading_are_not_verified() -> None:
    assert compare([ROOT, task()], [ROOT], (), {"/s"}) == Verification(f"not verified: {SEVERAL_LINES}")


NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
LAST = 30 + MAX_SKEW.total_seconds() / 60  # minutes


@pytest.mark.parametrize(
    ("minutes", "due"),
    [
        (-1, True),
        (0, True),
        (1, False),
        (30, False),
        (LAST, False),
        (LAST + 0.1, True),
        (10 * 365 * 24 * 60, True),
    ],
)
def test_a_time_that_no_run_with_a_right_clock_sets_is_due(minutes: float, due: bool) -> None:
    """One run with the clock ahead must not keep the bindings from reading until that date."""
    health = Health(next_verification=(NOW + timedelta(minutes=minutes)).isoformat())
    assert verification_due(server(), reading(), health, NOW) is due


@pytest.mark.parametrize(("share", "minutes"), [(0.0, 3), (0.5, 16.5), (1.0, 30)])
def test_the_time_that_a_run_sets_is_not_due(share: float, minutes: float) -> None:
    """It is not in the first tenth of the interval, so that no server is read in full twice at once."""
    time = next_verification(server(), NOW, share)
    assert time == (NOW + timedelta(minutes=minutes)).isoformat()
    assert not verification_due(server(), reading(), Health(next_verification=time), NOW)


def test_only_a_reading_by_the_protocol_is_verified() -> None:
    due = Health(next_verification=NOW.isoformat())
    assert verification_due(server(), reading(), due, NOW)
    assert not verification_due(server(reader="protocol"), reading(), due, NOW)
    assert not verification_due(server(), reading()._replace(numbers=None), due, NOW)
    assert not verification_due(server(), reading(), Health(), NOW)


def test_the_bindings_reading_is_a_full_one() -> None:
    theirs = BindingsReading(Bindings("python3", "5.9.9", "3.11"), "5.9.2", "HALTED", (1, 2), [ROOT, task()])
    found = reading_of(theirs, NOW.isoformat(), "they differ")
    assert (found.mode, found.reason, found.read_time) == ("full", "they differ", NOW.isoformat())
    assert (found.server_state, found.server_version, found.nodes) == ("HALTED", "5.9.2", 1)
    assert found.pieces == (b'{"path":"/","status":"queued"},{"path":"/s/t","status":"active"}',)
    assert (found.cache, found.up_since, found.vitals, found.numbers, found.changes) == (
        None,
        None,
        {},
        None,
        None,
    )
