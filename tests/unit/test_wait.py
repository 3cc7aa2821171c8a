"""Waiting for a node's status: only a fresh and valid snapshot counts, and little is read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from tests.support.steps import Steps
from tests.support.stored import put_in_memory
from watchman_cli import NodeSight, StatusRecord, StoreError, Waited, wait_for_status
from watchman_cli.store import Field
from watchman_cli.store.memory import MemoryStore
from watchman_cli.wait import INTERVAL, wait_in

NAME, PATH = "o/r", "/s/t"


class CountingStore(MemoryStore):
    """A store in memory that notes what is read, and fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.failures: list[Exception] = []

    def value(self, name: str, field: Field) -> bytes | None:
        self.read.append(field)
        return super().value(name, field)

    def head(self, name: str) -> bytes:
        if self.failures:
            raise self.failures.pop()
        return (self.memory.values.get((name, "status")) or b"")[:256]


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


def put(store: MemoryStore, status: str, age: float = 0.0, path: str = PATH) -> Callable[[], None]:
    return lambda: put_in_memory(
        store, NAME, [StatusRecord("/s", "active"), StatusRecord(path, status)], age=age
    )


def wait(
    store: MemoryStore, *steps: Callable[[], object], max_age: float = 60, end: float = math.inf
) -> tuple[Waited, list[str]]:
    """Wait for `complete` or `aborted` while the steps are made; return the problems, too."""
    problems: list[str] = []
    store.stopped = Steps(*steps)
    oldest = datetime.now(timezone.utc) - timedelta(seconds=max_age)
    return wait_in(store, NAME, PATH, ("complete", "aborted"), oldest, end, problems.append), problems


@pytest.mark.parametrize(
    ("status", "reached"), [("complete", True), ("aborted", True), ("active", False), ("unknown", False)]
)
def test_status(store: CountingStore, status: str, reached: bool) -> None:
    put(store, status)()
    waited, problems = wait(store)
    assert (waited.reached, waited.last.status, problems) == (reached, status, [])


@pytest.mark.parametrize(("age", "max_age", "reached"), [(50, 60, True), (70, 60, False)])
def test_only_a_fresh_snapshot_counts(
    store: CountingStore, age: float, max_age: float, reached: bool
) -> None:
    put(store, "complete", age)()
    assert wait(store, max_age=max_age)[0].reached is reached


def test_a_snapshot_of_the_very_time_counts(store: CountingStore) -> None:
    put(store, "complete")()
    sight = wait(store)[0].last
    assert sight.collected_time
    assert wait_in(store, NAME, PATH, ["complete"], sight.collected_time, math.inf, pytest.fail).reached


def test_it_ends_when_a_new_snapshot_has_the_status(store: CountingStore) -> None:
    steps = [put(store, "complete", path="/s/u"), put(store, "active"), put(store, "complete")]
    waited, problems = wait(store, *steps)
    assert (waited.reached, waited.last.status) == (True, "complete")
    assert problems == [f"{NAME}: no snapshot in memory://"]
    assert isinstance(store.stopped, Steps) and store.stopped.pauses == [INTERVAL] * 3


def test_the_same_records_collected_later_count(store: CountingStore) -> None:
    put(store, "complete", age=600)()
    waited, _ = wait(store, put(store, "complete"))
    assert waited.reached and waited.last.status == "complete"
    assert store.read.count("status") == 1  # the first bytes were enough for the second look


def test_other_records_are_read(store: CountingStore) -> None:
    put(store, "active")()
    before = wait(store)[0].last
    assert before.status == "active"
    waited, _ = wait(store, put(store, "complete"))
    assert waited.reached and waited.last.revision not in (None, before.revision)
    assert store.read.count("status") == 3


def test_a_problem_is_reported_once_until_it_has_passed(store: CountingStore) -> None:
    put(store, "active")()

    def damage() -> None:
        store.memory.values[NAME, "status"] = b"[]"

    waited, problems = wait(store, damage, damage, put(store, "active"), damage)
    assert not waited.reached and waited.last == NodeSight()
    assert len(problems) == 2 and problems[0] == problems[1]
    assert problems[0].startswith(f"{NAME}: the snapshot in memory:// is not valid")


def test_a_store_that_fails_at_first_ends_the_wait(store: CountingStore) -> None:
    store.failures = [StoreError("away")]
    with pytest.raises(StoreError, match="away"):
        wait(store)


@pytest.mark.parametrize("there", [True, False])
def test_a_store_that_fails_later_is_waited_for(store: CountingStore, there: bool) -> None:
    if there:
        put(store, "active")()
    waited, problems = wait(store, lambda: store.failures.append(StoreError("away")), put(store, "aborted"))
    assert waited.reached and problems[-1] == "away"


def test_the_last_pause_ends_in_time(store: CountingStore) -> None:
    put(store, "active")()
    end = time.monotonic() + INTERVAL / 2
    waited, _ = wait(store, put(store, "active"), end=end)
    assert not waited.reached and waited.last.status == "active"
    assert isinstance(store.stopped, Steps)
    assert all(pause is not None and pause <= INTERVAL / 2 for pause in store.stopped.pauses)
    assert wait(store, end=time.monotonic())[0].reached is False
    assert store.stopped.pauses == []


def test_wait_for_status(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("store")
    url = f"file://{root}"
    problems: list[str] = []
    waited = wait_for_status(url, NAME, PATH, ["complete"], timeout=0, on_problem=problems.append)
    assert waited == Waited(False, NodeSight())
    assert problems == [f"{NAME}: no snapshot in {url}"]
    memory = MemoryStore()
    put(memory, "complete", age=30)()
    (root / NAME).mkdir(parents=True)
    (root / NAME / "status.json").write_bytes(memory.memory.values[NAME, "status"])
    assert not wait_for_status(url, NAME, PATH, ["complete"], timeout=0).reached
    assert wait_for_status(url, NAME, PATH, ["complete"], timeout=0, max_age=60).reached
    assert wait_for_status(url, NAME, PATH, ["complete"], max_age=60).reached
    with pytest.raises(StoreError):
        wait_for_status(f"{url}/absent", NAME, PATH, ["complete"])
