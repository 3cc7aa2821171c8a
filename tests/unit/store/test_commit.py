"""The rules of a commit, in the order in which they count."""

from __future__ import annotations

import pytest

from tests.unit.store.test_values import head, stored, time_of, value
from watchman_cli.changes.batch import Batch
from watchman_cli.snapshot import HEAD_SIZE
from watchman_cli.store import LeaseLost, SnapshotChanged, Update
from watchman_cli.store.commit import (
    RECORDED,
    SUPERSEDED,
    Current,
    Decision,
    Owner,
    Part,
    check_lease,
    decide,
    needed_part,
    needs_health,
    new_value,
)

TOUCH = Update(b"n", new_time=time_of(2))
FAILED = Update(b"n")
NEW = Update(b"n", snapshot=value(3, "active"))
DAMAGED = value(1)[:-20] + b"x" + value(1)[-19:]


def batch(old: int) -> Batch:
    return Batch("o/r", time_of(3), head(old).revision, "f" * 32, "RUNNING")


@pytest.mark.parametrize(
    ("update", "owner", "part"),
    [
        (FAILED, "this run", "nothing"),
        (NEW, "this run", "nothing"),
        (NEW, "no run", "head"),
        (FAILED, "another run", "nothing"),
        (Update(b"n", snapshot=value(3), changes=batch(1)), "this run", "head"),
        (TOUCH, "this run", "whole"),
        (TOUCH, "no run", "whole"),
        (Update(b"n", new_time=time_of(2), changes=batch(1)), "this run", "whole"),
    ],
)
def test_the_part_of_a_snapshot_that_is_needed(update: Update, owner: Owner, part: Part) -> None:
    assert needed_part(update, owner) == part


@pytest.mark.parametrize("update", [FAILED, NEW, TOUCH])
def test_another_live_run_has_the_lease(update: Update) -> None:
    current = Current("another run", value(1), "PID 7 on login01")
    with pytest.raises(LeaseLost, match=r"^PID 7 on login01 has it$"):
        decide(stored(1), update, current)
    with pytest.raises(LeaseLost, match=r"^another run has it$"):
        check_lease(stored(1), update, Current("another run"))


@pytest.mark.parametrize("update", [FAILED, TOUCH, Update(b"n", snapshot=value(2))])
def test_a_later_snapshot_supersedes_a_run_without_its_lock(update: Update) -> None:
    """That comes before the check of the snapshot: another attempt would write nothing either."""
    with pytest.raises(LeaseLost, match=f"^{SUPERSEDED}$"):
        decide(stored(1), update, Current("no run", value(3)))


def test_a_lock_that_is_gone_does_not_forbid_a_write() -> None:
    assert decide(stored(1), FAILED, Current("no run", value(1))) == Decision(None, head(1))
    assert decide(stored(3), NEW, Current("no run", b"")) == Decision(None, None)
    assert check_lease(stored(1), NEW, Current("no run", value(1)[:HEAD_SIZE])) == head(1)


def record(number: int) -> bytes:
    return b'{"checked_time":"%s"}' % time_of(number).encode()


def test_run_without_its_lock_does_not_replace_a_later_failure() -> None:
    assert needs_health(FAILED, "no run")
    assert not needs_health(FAILED, "this run")
    assert not any(needs_health(update, "no run") for update in (NEW, TOUCH))
    leased = stored(1)._replace(health=record(2))
    for own in (leased, stored(1)):
        with pytest.raises(LeaseLost, match=f"^{RECORDED}$"):
            decide(own, FAILED, Current("no run", value(1), health=record(3)))
    for health in (record(2), record(1), b"", b"[]", b"{", b'{"checked_time":1}'):  # 1: an older copy is back
        assert decide(leased, FAILED, Current("no run", value(1), health=health)).replaced == head(1)


def test_a_run_that_has_its_lock_is_not_superseded() -> None:
    """No other run wrote: the snapshot is of a tool without a lease, or of a clock that is ahead."""
    assert decide(stored(1), FAILED, Current("this run", value(3))).replaced == head(3)


@pytest.mark.parametrize("read", [None, value(1)])
def test_a_new_time_is_set_in_the_leased_snapshot(read: bytes | None) -> None:
    decision = decide(stored(1), TOUCH, Current("this run", value(1)), read)
    assert decision == Decision(None, head(1))
    assert new_value(TOUCH, value(1)) == value(2)


def test_a_new_time_is_set_in_a_snapshot_that_was_proved() -> None:
    current = Current("this run", value(1)[:HEAD_SIZE], is_proved=True)
    assert decide(stored(1), TOUCH, current) == Decision(None, head(1))
    with pytest.raises(SnapshotChanged):
        decide(stored(1), TOUCH, current._replace(is_proved=False))


@pytest.mark.parametrize(
    ("now", "read"),
    [
        (b"", None),
        (b"", value(1)),
        (value(2), None),  # another time
        (value(2), value(2)),  # which was read after the lease began, and is not the leased one
        (value(1) + b" ", None),
        (value(1) + b" ", value(1) + b" "),  # another size
        (DAMAGED, None),  # the same head and size
        (DAMAGED, value(1)),
        (value(1), DAMAGED),
    ],
)
def test_a_new_time_is_not_set_in_another_snapshot(now: bytes, read: bytes | None) -> None:
    with pytest.raises(SnapshotChanged):
        decide(stored(1), TOUCH, Current("this run", now), read)


def test_another_update_does_not_need_the_leased_snapshot() -> None:
    for update in (FAILED, NEW):
        assert decide(stored(1), update, Current("this run", DAMAGED)).batch is None


def test_a_batch_follows_the_stored_snapshot() -> None:
    update = Update(b"n", snapshot=value(3), changes=batch(1))
    assert decide(stored(1), update, Current("this run", value(1)[:HEAD_SIZE])).batch is update.changes
    for now in (value(1, "active"), b"", b"[]"):
        changes = decide(stored(1), update, Current("this run", now)).batch
        assert changes and (changes.before, changes.after) == (None, "f" * 32)


def test_the_snapshot_to_write() -> None:
    assert new_value(NEW, value(1)) == NEW.snapshot
    assert new_value(FAILED, value(1)) is None
