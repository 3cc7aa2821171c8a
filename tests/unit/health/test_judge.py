"""The notices after a run."""

from __future__ import annotations

from tests.unit.causes.examples import AT_ONCE, HALTED, NODE, OTHER, at, text, told
from tests.unit.collect.scenarios import CHANGED, MISSED, NEW, OLD, revision_of, state, value_of
from watchman_cli.deadlines import DeadlineState
from watchman_cli.health import Failure, Health
from watchman_cli.health.judge import after_failed_run, after_good_run

REVISIONS = revision_of(OLD), revision_of(NEW)


def unread() -> bytes:
    raise AssertionError("the snapshot is read")


def test_good_run_judges_each_kind() -> None:
    missed = DeadlineState.from_json(state(MISSED, state="missed"))
    health = Health(text(), collected_time=text(), deadlines=(missed,))
    notices = after_good_run(AT_ONCE, health, "HALTED", CHANGED, lambda: value_of(NEW), REVISIONS)
    assert {each.cause.kind for each in notices.told} == {"halted", "missed", "aborted"}
    assert notices.revision == REVISIONS[1]


def test_unchanged_snapshot_is_not_searched() -> None:
    notices = told(NODE)._replace(revision=REVISIONS[0])
    health = Health(text(), collected_time=text(), notices=notices)
    after = after_good_run(AT_ONCE, health, "RUNNING", (), unread, (REVISIONS[0], REVISIONS[0]))
    assert after.known == notices.known


def test_snapshot_that_was_not_judged_is_searched() -> None:
    """Another configuration has written it, or a run ended between a directory's files."""
    health = Health(text(), collected_time=text(), notices=told(OTHER))
    after = after_good_run(
        AT_ONCE, health, "RUNNING", (), lambda: value_of(NEW), (REVISIONS[1], REVISIONS[1])
    )
    assert [each.cause.name for each in after.told] == ["/s/t"]
    assert [each.cause for each in after.ended] == [OTHER]


def test_failed_run_ends_nothing_but_its_own_kind() -> None:
    failed = Health(
        text(60),
        failures=1,
        failing_since=text(60),
        error=Failure("refused", "refused"),
        notices=told(NODE, HALTED),
    )
    after = after_failed_run(AT_ONCE, failed, 1, at(60))
    assert [each.cause.kind for each in after.told] == ["aborted", "halted", "failing"]
    assert not after.ended
    assert after.revision == "r"


def test_failing_ends_as_the_server_is_read() -> None:
    failed = Health(text(), failures=1, error=Failure("refused", "refused"))
    notices = after_failed_run(AT_ONCE, failed, 1, at())
    health = Health(text(60), ok=True, collected_time=text(60), notices=notices)
    after = after_good_run(AT_ONCE, health, "RUNNING", None, lambda: value_of(OLD), ("", REVISIONS[0]))
    assert not after.known
    assert [each.cause.kind for each in after.ended] == ["failing"]


def test_server_fails_from_the_configured_run_on() -> None:
    failed = Health(text(), failures=1, failing_since=text(), error=Failure("refused", "refused"))
    assert after_failed_run(AT_ONCE, failed, 2, at()).known == ()
    later = after_failed_run(AT_ONCE, failed._replace(failures=2), 2, at(60))
    assert [(each.cause.since, each.seen) for each in later.told] == [(text(), text(60))]
