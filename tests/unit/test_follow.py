"""Following changes: no batch is missed, passed over or yielded twice without a Resynchronised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.support.steps import Steps
from watchman_cli import (
    BadSnapshot,
    Change,
    DeadlineMissed,
    NoSnapshot,
    Resynchronised,
    ServerStateChange,
    StatusRecord,
    StoreError,
    follow_changes,
    snapshot,
)
from watchman_cli import follow as following
from watchman_cli.changes.batch import Batch
from watchman_cli.follow import PAUSE, Cursor, events_of, follow, history
from watchman_cli.store.directory.store import DirectoryStore
from watchman_cli.store.memory import MemoryStore
from watchman_cli.store.values import StoredBatch

NAME = "o/r"
STATUSES = {"A": "queued", "B": "active", "C": "complete", "D": "aborted"}


def value(letter: str) -> bytes:
    record = f'{{"path":"/","status":"{STATUSES[letter]}"}}'.encode()
    return snapshot.encode("2026-01-01T00:00:00.000000+00:00", "RUNNING", [record])


def revision(letter: str) -> str:
    head = snapshot.parse_head(value(letter)[: snapshot.HEAD_SIZE])
    assert head
    return head.revision


def letter_of(known: str | None) -> str | None:
    return next((letter for letter in STATUSES if revision(letter) == known), None)


def batch(old: str | None, new: str, missed: tuple[str, ...] = (), reason: str | None = None) -> Batch:
    return Batch(
        NAME,
        "2026-01-01T00:00:00+00:00",
        revision(old) if old else None,
        revision(new),
        "RUNNING",
        reason=reason or (None if old else "there was no snapshot"),
        missed=missed,
    )


class Scripted(MemoryStore):
    """A store in memory to which the next step writes each time that nothing is left to read."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def changes_after(self, name: str, position: str, wait: float = 0) -> list[StoredBatch]:
        if wait:
            self.waits.append(wait)
        return list(super().changes_after(name, position))

    def put(self, letter: str) -> None:
        self.memory.values[NAME, "status"] = value(letter)

    def write(self, old: str | None, new: str, missed: tuple[str, ...] = ()) -> None:
        self.put(new)
        self.memory.append(NAME, batch(old, new, missed).encode())


@pytest.fixture
def store() -> Scripted:
    return Scripted()


def words(found: Batch | Resynchronised | None) -> str:
    """Return a batch as `A>B`, a reset as `>B`, a snapshot as `=B: reason`, and `-` for none."""
    if found is None:
        return "-"
    if isinstance(found, Resynchronised):
        letter = next(key for key, status in STATUSES.items() if status == found.snapshot.status("/"))
        return f"={letter}: {found.reason}"
    missed = "!" + ",".join(found.missed) if found.missed else ""
    return f"{letter_of(found.before) or ''}>{letter_of(found.after)}{missed}"


def take(consumer: Iterator[Batch | Resynchronised | None], count: int) -> list[str]:
    return [words(next(consumer)) for _ in range(count)]


def consume(store: Scripted, cursor: Cursor | None = None) -> Iterator[Batch | Resynchronised | None]:
    return follow(store, NAME, cursor, pytest.fail)


def test_each_batch_comes_once(store: Scripted) -> None:
    store.write(None, "A")
    consumer = consume(store)
    assert take(consumer, 2) == ["=A: the first snapshot", "-"]
    store.write("A", "B")
    store.write("B", "C")
    assert take(consumer, 3) == ["A>B", "B>C", "-"]
    store.write("C", "A")
    assert take(consumer, 2) == ["C>A", "-"]
    assert set(store.waits) == {following.WAIT}


def test_it_continues_at_a_cursor(store: Scripted) -> None:
    store.write(None, "A")
    store.write("A", "B")
    store.write("B", "C")
    cursors = [cursor for cursor, _ in history(store, NAME, None)]
    assert cursors == [Cursor(str(n), revision(letter)) for n, letter in enumerate("ABC", 1)]
    assert take(consume(store, cursors[0]), 3) == ["A>B", "B>C", "-"]
    stale = Cursor("", revision("A"))
    assert take(consume(store, stale), 2) == ["=C: there was no snapshot", "-"]


def test_a_batch_that_does_not_follow_is_not_applied(store: Scripted) -> None:
    store.write(None, "A")
    consumer = consume(store)
    take(consumer, 1)
    store.write("A", "B")
    store.write("C", "D")
    assert take(consumer, 3) == ["A>B", "=D: a batch is missing before the next one", "-"]


def test_a_reset_is_followed_by_the_snapshot(store: Scripted) -> None:
    store.write(None, "A")
    consumer = consume(store)
    take(consumer, 1)
    store.put("B")
    store.memory.append(NAME, batch(None, "B", reason="20001 nodes changed").encode())
    assert take(consumer, 2) == ["=B: 20001 nodes changed", "-"]


def test_an_invalid_batch_is_noticed(store: Scripted) -> None:
    store.write(None, "A")
    consumer = consume(store)
    take(consumer, 1)
    store.write("A", "B")
    store.memory.append(NAME, b"{")
    store.write("B", "C")
    assert take(consumer, 1) == ["A>B"]
    (second,) = take(consumer, 1)
    assert second.startswith("=C: a batch is not valid: ")
    assert take(consumer, 1) == ["-"]


def test_a_snapshot_without_a_batch_is_noticed(store: Scripted) -> None:
    store.write(None, "A")
    consumer = consume(store)
    assert take(consumer, 2) == ["=A: the first snapshot", "-"]
    store.put("B")
    assert take(consumer, 2) == ["=B: the snapshot was replaced without a batch of changes", "-"]
    store.write("B", "C")
    assert take(consumer, 2) == ["B>C", "-"]


def test_a_batch_that_is_appended_after_the_first_look_is_yielded(
    store: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came between the look at the stream and the look at the snapshot."""
    store.write(None, "A")
    consumer = consume(store)
    take(consumer, 1)
    original = store.head

    def head(name: str) -> bytes:
        monkeypatch.undo()
        store.write("A", "B")
        return original(name)

    monkeypatch.setattr(store, "head", head)
    assert take(consumer, 2) == ["A>B", "-"]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (["AB", "BC"], ["=C: the first snapshot", "-"]),  # both are in the snapshot
        (["AB", "BA"], ["=A: the first snapshot", "A>B", "B>A", "-"]),  # it may be the first A, or the last
        (["DA", "AB", "BA"], ["=A: the first snapshot", "A>B", "B>A", "-"]),
        (["AB", "?"], ["=B: the first snapshot", "=B: a batch is not valid: "]),
        (["?", "AB"], ["=B: the first snapshot", "=B: a batch is not valid: "]),
    ],
)
def test_batches_that_come_while_the_snapshot_is_read(
    store: Scripted, monkeypatch: pytest.MonkeyPatch, written: list[str], found: list[str]
) -> None:
    store.write(None, "A")
    end = store.changes_end(NAME)
    for each in written:
        if each == "?":
            store.memory.append(NAME, b"{")
        else:
            store.write(*each)
    monkeypatch.setattr(store, "changes_end", lambda name: end)
    consumer = consume(store)
    came = take(consumer, len(found))
    assert [each[: len(wanted)] for each, wanted in zip(came, found, strict=True)] == found


def test_changes_that_were_dropped_are_noticed(store: Scripted) -> None:
    """Though the revision came back to the consumer's, in batches that it has not seen."""
    store.write(None, "A")
    consumer = consume(store)
    take(consumer, 1)
    for each in ("AB", "BA", "AC"):
        store.write(*each)
    del store.memory.batches[NAME][:3]
    assert take(consumer, 2) == ["=C: the next changes were already dropped", "-"]


def test_misses_that_are_passed_over_come_once(store: Scripted) -> None:
    store.write(None, "A", missed=("before",))
    consumer = consume(store)
    assert take(consumer, 1) == ["=A: the first snapshot"]
    store.write("C", "B", missed=("x", "y"))
    store.write("B", "C")
    store.memory.append(NAME, b"{")
    store.write("C", "D", missed=("z",))
    reason = "a batch is missing before the next one"
    found = [next(consumer) for _ in range(3)]
    assert [words(each) for each in found] == [">B!x,y", ">D!z", f"=D: {reason}"]
    assert [each.reason for each in found if each] == [reason] * 3
    assert take(consumer, 1) == ["-"]


def test_misses_end_where_the_snapshot_begins(store: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that comes later is followed, and its miss is not yielded twice."""
    store.write(None, "A")
    consumer = consume(store)
    take(consumer, 1)
    store.write("C", "B", missed=("x",))
    original = store.value

    def read(name: str, field: object) -> bytes | None:
        monkeypatch.undo()
        stored = original(NAME, "status")
        store.write("B", "D", missed=("y",))
        return stored

    monkeypatch.setattr(store, "value", read)
    reason = "a batch is missing before the next one"
    assert take(consumer, 4) == [">B!x", f"=B: {reason}", "B>D!y", "-"]


def test_the_first_failure_is_raised(store: Scripted) -> None:
    with pytest.raises(NoSnapshot, match=r"o/r: no snapshot in memory://$"):
        next(consume(store))
    store.memory.values[NAME, "status"] = b"[]"
    with pytest.raises(BadSnapshot, match="o/r: the snapshot in memory:// is not valid: "):
        next(consume(store))


def test_a_later_failure_is_reported_and_retried(store: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[str] = []
    store.write(None, "A")
    consumer = follow(store, NAME, None, problems.append)
    next(consumer)

    def fail(*_: object) -> list[StoredBatch]:
        raise StoreError("away")

    def recover() -> None:
        monkeypatch.undo()
        store.write("A", "B")

    monkeypatch.setattr(store, "changes_after", fail)
    store.stopped = Steps(lambda: None, recover)
    assert (take(consumer, 1), problems, store.stopped.pauses) == (["A>B"], ["away"] * 2, [PAUSE] * 2)


def test_a_snapshot_of_an_older_tool(store: Scripted) -> None:
    """It has no revision: each batch is a gap."""
    old = b'{"collected_time":"2026-01-01T00:00:00+00:00","status_records":[{"path":"/","status":"queued"}]}'
    store.memory.values[NAME, "status"] = old
    consumer = consume(store)
    assert take(consumer, 2) == ["=A: the first snapshot", "-"]
    store.write(None, "B")
    assert take(consumer, 2) == ["=B: there was no snapshot", "-"]


def test_history(store: Scripted) -> None:
    early = replace(batch("A", "B"), time="2026-01-01T00:00:00+00:00")
    late = replace(batch("B", "C"), time="2026-01-01T00:00:01+00:00")
    for each in (early.encode(), b"{", late.encode()):
        store.memory.append(NAME, each)
    since = datetime(2026, 1, 1, 0, 0, 1, tzinfo=timezone.utc).timestamp()
    assert [words(each) for _, each in history(store, NAME, None)] == ["A>B", "B>C"]
    ((cursor, only),) = history(store, NAME, since)
    assert (cursor, only.id) == (Cursor("3", revision("C")), late.id)
    assert list(history(store, NAME, since + 1)) == []


def test_history_begins_at_the_position_of_a_time(store: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("AB", "BC"):
        store.write(*each)
    monkeypatch.setattr(store, "changes_at", lambda seconds: {7.5: "1"}[seconds])
    assert [words(each) for _, each in history(store, NAME, 7.5)] == ["B>C"]


def test_events() -> None:
    since = "2026-01-01T00:00:00+00:00"
    new = StatusRecord("/s", "active", since, ("late",), (("try_no", 2),))
    one = replace(
        batch("A", "B", missed=("x", "y")),
        changes=[(StatusRecord("/s", "queued"), new), (None, new), (StatusRecord("/t", "aborted"), None)],
        server_state_before="HALTED",
        id="7",
    )
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    more = (since, ("late",), (("try_no", 2),))
    assert list(events_of(one)) == [
        ServerStateChange("7/server", NAME, at, "HALTED", "RUNNING"),
        Change("7/0", NAME, at, "/s", "queued", "active", *more),
        Change("7/1", NAME, at, "/s", None, "active", *more),
        Change("7/2", NAME, at, "/t", "aborted", None, None, (), ()),
        DeadlineMissed("7/missed/0", NAME, at, "x"),
        DeadlineMissed("7/missed/1", NAME, at, "y"),
    ]
    assert list(events_of(batch("A", "B"))) == []


def test_follow_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "WAIT", 0.0)
    store = DirectoryStore(tmp_path)
    store.put(NAME, "status", value("A"))
    events = follow_changes(f"file://{tmp_path}", NAME)
    first = next(events)
    assert isinstance(first, Resynchronised) and first.snapshot.status("/") == "queued"
    one = replace(batch("A", "B"), changes=[(StatusRecord("/", "queued"), StatusRecord("/", "active"))])
    store.put(NAME, "status", value("B"))
    (tmp_path / NAME / "changes.jsonl").write_bytes(one.encode() + b"\n")
    change = next(events)
    assert isinstance(change, Change) and (change.id, change.status) == (f"{one.id}/0", "active")
    events.close()
