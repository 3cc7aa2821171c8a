"""Following several servers: nothing is lost or repeated, and one that fails delays no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.steps import Steps
from watchman_cli import StoreError, snapshot
from watchman_cli import follow_all as following
from watchman_cli.changes.batch import Batch
from watchman_cli.errors import WatchmanError
from watchman_cli.follow import WAIT, Cursor, cursor_at_end
from watchman_cli.follow_all import Gap, Item, cursors_at_end, follow_all, past_changes, time_of
from watchman_cli.store.memory import MemoryStore
from watchman_cli.store.values import StoredBatch

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
NAMES = ("o/a", "o/b", "o/c")


def value(number: int) -> bytes:
    records = [f'{{"path":"{path}","status":"queued"}}'.encode() for path in ("/", f"/s{number}")]
    return snapshot.encode("2026-01-01T00:00:00.000000+00:00", "RUNNING", [b",".join(records)])


def revision(number: int | None) -> str | None:
    head = None if number is None else snapshot.parse_head(value(number)[: snapshot.HEAD_SIZE])
    return head.revision if head else None


class Fleet(MemoryStore):
    """A store in memory; `failing` servers cannot be read, and `awaited` has the others."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, StoreError] = {}
        self.await_failure: StoreError | None = None
        self.awaited: list[tuple[str, ...]] = []

    def write(self, name: str, old: int | None, new: int, seconds: int = 0) -> None:
        moment = (BEGAN + timedelta(seconds=seconds)).isoformat()
        reason = "there was no snapshot" if old is None else None
        after = revision(new)
        assert after
        batch = Batch(name, moment, revision(old), after, "RUNNING", reason=reason, id=f"{name} {old}>{new}")
        self.memory.values[name, "status"] = value(new)
        self.memory.append(name, batch.encode())

    def changes_after(self, name: str, position: str, wait: float = 0) -> list[StoredBatch]:
        if name in self.failing:
            raise self.failing[name]
        return list(super().changes_after(name, position, wait))

    def await_changes(self, positions: Mapping[str, str], wait: float) -> Collection[str]:
        self.awaited.append(tuple(sorted(positions)))
        if self.await_failure:
            raise self.await_failure
        self.stopped.wait(wait)
        return [name for name in positions if super(Fleet, self).changes_after(name, positions[name])]


@pytest.fixture
def store() -> Fleet:
    return Fleet()


def words(item: Item) -> str:
    return f"{item.server} ?{item.reason}" if isinstance(item, Gap) else item.id


def consume(store: Fleet, names: Collection[str] = NAMES) -> Iterator[list[str]]:
    """Yield what comes of each round: items in words, and `SERVER !ERROR`."""
    cursors = cursors_at_end(store, names)
    known = {name: found if isinstance(found, Cursor) else None for name, found in cursors.items()}
    for round_ in follow_all(store, known):
        found = [words(item) for each in round_ for item in each.items]
        yield sorted(found + [f"{each.server} !{each.error}" for each in round_ if each.error])


def history(
    store: Fleet, since: float | None = None, cursors: dict[str, Cursor | None] | None = None
) -> tuple[list[str], list[str]]:
    problems: list[str] = []

    def add(server: str, error: WatchmanError) -> None:
        problems.append(f"{server} {error}")

    found = past_changes(store, NAMES, since, {} if cursors is None else cursors, add)
    return [words(item) for item in found], problems


def test_what_is_stored_is_merged_by_time(store: Fleet) -> None:
    store.write("o/a", None, 0, 1)
    store.write("o/a", 0, 1, 4)
    store.write("o/c", 5, 6, 2)
    store.write("o/c", 6, 7, 3)
    store.write("o/c", 8, 9, 5)
    cursors: dict[str, Cursor | None] = {}
    assert history(store, cursors=cursors) == (
        [
            "o/a ?there was no snapshot", "o/a None>0", "o/c 5>6", "o/c 6>7", "o/a 0>1",
            f"o/c ?{following.BETWEEN}", "o/c 8>9",
        ],
        [],
    )  # fmt: skip
    assert cursors == {"o/a": Cursor("2", revision(1)), "o/c": Cursor("5", revision(9))}
    assert history(store, (BEGAN + timedelta(seconds=4)).timestamp())[0] == ["o/a 0>1", "o/c 8>9"]


def test_a_server_whose_past_cannot_be_read_hides_no_other(store: Fleet) -> None:
    store.write("o/a", 0, 1)
    store.write("o/b", 0, 1)
    store.failing["o/b"] = StoreError("damaged")
    cursors: dict[str, Cursor | None] = dict.fromkeys(NAMES, Cursor("0", None))
    assert history(store, cursors=cursors) == (["o/a 0>1"], ["o/b damaged"])
    assert cursors == {"o/a": Cursor("1", revision(1)), "o/b": None, "o/c": Cursor("0", None)}


def test_what_was_yielded_before_a_failure_is_not_repeated(
    store: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("o/a", 0, 1)
    store.write("o/a", 1, 2)
    original = store.changes_after

    def one_and_fail(name: str, position: str, wait: float = 0) -> list[StoredBatch]:
        if position:
            raise StoreError("away")
        return original(name, position)[:1]

    monkeypatch.setattr(store, "changes_after", one_and_fail)
    cursors: dict[str, Cursor | None] = {}
    assert history(store, cursors=cursors) == (["o/a 0>1"], ["o/a away"])
    assert cursors == {"o/a": Cursor("1", revision(1))}


def test_each_batch_comes_once_and_a_server_may_begin_later(store: Fleet) -> None:
    store.write("o/a", None, 0)
    store.write("o/b", None, 0)
    found = consume(store)
    assert next(found) == []

    def write(*batches: tuple[str, int | None, int]) -> Callable[[], None]:
        def act() -> None:
            for each in batches:
                store.write(*each)

        return act

    store.stopped = Steps(
        write(("o/a", 0, 1), ("o/b", 0, 3)),
        write(("o/a", 1, 2), ("o/c", None, 0)),
        write(("o/c", 0, 1)),
    )
    assert [next(found) for _ in range(3)] == [
        ["o/a 0>1", "o/b 0>3"],
        ["o/a 1>2", "o/c ?there was no snapshot"],
        ["o/c 0>1"],
    ]


def test_a_server_that_fails_delays_no_other(store: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read again after WAIT, and nothing of it is lost."""
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(following, "CHECK", 10_000)
    for name in NAMES:
        store.write(name, None, 0)
    store.failing["o/b"] = StoreError("forbidden")
    found = consume(store)
    assert next(found) == ["o/b !forbidden"]
    store.stopped = Steps()
    store.write("o/a", 0, 1)
    assert next(found) == ["o/a 0>1", "o/b !forbidden"]
    assert store.awaited[-1] == ("o/a", "o/c")
    store.write("o/b", 0, 1)
    store.failing.clear()
    assert next(found) == ["o/b 0>1"]


def test_a_server_that_could_not_be_read_at_first_begins_with_a_gap(store: Fleet) -> None:
    store.write("o/a", None, 0)
    found = follow_all(store, {"o/a": None, "o/b": None})
    looked = {each.server: each for each in next(found)}
    assert [words(item) for item in looked["o/a"].items] == ["o/a ?the first snapshot"]
    assert str(looked["o/b"].error) == "o/b: no snapshot in memory://"


def test_a_failing_server_is_not_awaited_until_it_is_due(store: Fleet) -> None:
    """Its batch would end the wait at once, again and again."""
    for name in NAMES:
        store.write(name, None, 0)
    found = consume(store)
    assert next(found) == []
    store.write("o/b", 0, 1)
    store.failing["o/b"] = StoreError("forbidden")
    store.stopped = pauses = Steps(lambda: None)
    assert next(found) == ["o/b !forbidden"]
    assert next(found) == []
    assert (store.awaited[-1], pauses.pauses) == (("o/a", "o/c"), [WAIT, WAIT])


def test_a_wait_that_one_server_makes_fail(store: Fleet) -> None:
    for name in NAMES:
        store.write(name, None, 0)
    found = consume(store)
    next(found)
    store.await_failure = StoreError("a permission is missing")
    store.failing["o/b"] = StoreError("a permission is missing")
    store.write("o/c", 0, 1)
    store.stopped = pauses = Steps(lambda: None)
    assert next(found) == ["o/b !a permission is missing", "o/c 0>1"]
    assert pauses.pauses == [WAIT]


def test_a_store_that_is_away(store: Fleet) -> None:
    """It is asked once for all servers, and nothing is lost."""
    for name in NAMES:
        store.write(name, None, 0)
    found = consume(store)
    next(found)
    store.await_failure = StoreError("away", transient=True)
    store.stopped = Steps(lambda: store.write("o/a", 0, 1))
    assert next(found) == [f"{name} !away" for name in NAMES]
    store.await_failure = None
    assert next(found) == ["o/a 0>1"]


def test_the_position_and_the_snapshot_are_of_one_moment(
    store: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that comes between the two look-ups is not passed over."""
    store.write("o/a", None, 0)
    original = store.head

    def head(name: str) -> bytes:
        found = original(name)
        monkeypatch.undo()
        store.write("o/a", 0, 1)
        return found

    monkeypatch.setattr(store, "head", head)
    assert cursor_at_end(store, "o/a") == Cursor("2", revision(1))


def test_cursors_of_servers_that_cannot_be_read(store: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("o/a", None, 0)
    failure = StoreError("forbidden")
    original = store.changes_end

    def end(name: str) -> Any:
        if name == "o/b":
            raise failure
        return original(name)

    monkeypatch.setattr(store, "changes_end", end)
    found = cursors_at_end(store, NAMES)
    assert found == {"o/a": Cursor("1", revision(0)), "o/b": failure, "o/c": Cursor("", None)}


def test_the_time_of_an_item() -> None:
    batch = replace(Batch("o/a", "2026-01-01T00:00:00+00:00", None, "r", "RUNNING"))
    assert time_of(batch) == time_of(Gap("o/a", BEGAN, "")) == BEGAN
