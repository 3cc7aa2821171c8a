"""The lock of a directory: who has it, when it is taken over, and what is never overwritten."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import opened_below
from watchman_cli.files import TEMPORARY
from watchman_cli.store import holder
from watchman_cli.store.base import LOCK_GRACE
from watchman_cli.store.directory.lock import DirectoryLock

LIFETIME = 60.0
Make = Callable[[], DirectoryLock]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made = []

    def lock() -> DirectoryLock:
        made.append(DirectoryLock(os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY), LIFETIME))
        return made[-1]

    yield lock
    for each in made:
        each.release()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def forge(folder: Path, content: bytes, age: float = 0) -> Path:
    """Put a lock there whose owner wrote `content` so many seconds ago."""
    owner = folder / "lock" / "owner"
    owner.parent.mkdir()
    owner.write_bytes(content)
    os.utime(owner, (time.time() - age,) * 2)
    return owner


def dead_token() -> bytes:
    code = "from watchman_cli.store import holder; print(holder.new_token().decode())"
    return subprocess.check_output([sys.executable, "-c", code]).strip()


def content(token: bytes, lifetime: float = LIFETIME) -> bytes:
    return token + b"\n%.3f\n" % lifetime


# ------------------------------------------------------------------------------- who has it


def test_one_of_two_has_it_until_it_is_released(tmp_path: Path, make: Make) -> None:
    first, second = make(), make()
    assert first.take() and first.is_held()
    for _ in range(2):
        assert not second.take() and not second.is_held() and second.taken_over is None
    assert names(tmp_path) == ["lock"]
    first.release()
    assert names(tmp_path) == [] and opened_below(tmp_path) == [str(tmp_path)]
    first.release()
    assert second.take() and second.is_held()


def test_the_lock_names_its_owner_and_lifetime(tmp_path: Path, make: Make) -> None:
    assert make().take()
    token, lifetime, end = (tmp_path / "lock" / "owner").read_bytes().split(b"\n")
    assert holder.is_token(token) and holder.describe(token).startswith(f"PID {os.getpid()} on ")
    assert (lifetime, end) == (b"60.000", b"")


def test_others_cannot_write_in_it(tmp_path: Path, make: Make) -> None:
    before = os.umask(0)
    try:
        assert make().take()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("lock", "lock/owner")]
    assert modes == [0o755, 0o644]


def test_a_lock_that_another_run_has_now_is_not_released(tmp_path: Path, make: Make) -> None:
    first = make()
    assert first.take()
    owner = tmp_path / "lock" / "owner"
    owner.write_bytes(content(holder.new_token()))
    assert not first.is_held()
    first.give_back()
    first.release()
    assert owner.exists() and opened_below(tmp_path) == []


# ------------------------------------------------------------------------------- when it is taken over


@pytest.mark.parametrize(
    ("late", "taken"), [(-0.5, False), (0, False), (0.5, True), (-2 * (LIFETIME + LOCK_GRACE) - 0.5, True)]
)
def test_a_lock_that_is_past_its_deadline_is_taken_over(
    tmp_path: Path, make: Make, late: float, taken: bool
) -> None:
    """The last one is from the future: the clock was set back."""
    token = holder.new_token()
    written = forge(tmp_path, content(token)).stat().st_mtime
    lock = make()
    assert lock._clear(written + LIFETIME + LOCK_GRACE + late) is taken
    assert lock.taken_over == (holder.describe(token) if taken else None)
    assert names(tmp_path) == ([] if taken else ["lock"])


@pytest.mark.parametrize("late", [-30, 30])
def test_age_is_by_the_clock_of_the_file_system(tmp_path: Path, make: Make, late: float) -> None:
    forge(tmp_path, content(holder.new_token()), age=LIFETIME + LOCK_GRACE + late)
    lock = make()
    assert lock.take() is (late > 0) and lock.is_held() is (late > 0)


def test_a_lock_of_a_dead_process_is_taken_over_without_a_warning(tmp_path: Path, make: Make) -> None:
    forge(tmp_path, content(dead_token(), 3600))
    lock = make()
    assert lock.take() and lock.taken_over is None and names(tmp_path) == ["lock"]


@pytest.mark.parametrize("text", [b"", b"me", b"me\n3600\n", b"a b c d e\nsoon\n", b"\n"])
def test_a_lock_of_another_tool_is_taken_over(tmp_path: Path, make: Make, text: bytes) -> None:
    forge(tmp_path, text)
    lock = make()
    assert lock.take() and lock.taken_over and names(tmp_path) == ["lock"]


@pytest.mark.parametrize("kind", ["file", "link", "empty directory"])
def test_something_else_in_its_place_is_replaced(tmp_path: Path, make: Make, kind: str) -> None:
    place, elsewhere = tmp_path / "lock", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "file":
        place.write_bytes(b"x")
    elif kind == "link":
        place.symlink_to(elsewhere)
    else:
        place.mkdir()
    lock = make()
    assert lock.take() and lock.is_held()
    assert names(tmp_path) == ["elsewhere", "lock"] and names(elsewhere) == []


@pytest.mark.parametrize(("age", "taken"), [(0, False), (LOCK_GRACE + 30, True)])
def test_a_lock_without_an_owner_is_cleared_after_a_while(
    tmp_path: Path, make: Make, age: float, taken: bool
) -> None:
    """Another run may just be writing it."""
    place = tmp_path / "lock"
    place.mkdir()
    (place / "part").touch()
    os.utime(place, (time.time() - age,) * 2)
    lock = make()
    if taken:
        assert lock.take() and names(place) == ["owner"]
    else:
        with pytest.raises(OSError, match="its lock is damaged, or another process keeps changing it"):
            lock.take()
        assert names(place) == ["part"]
    assert names(tmp_path) == ["lock"]


def test_a_lock_that_changed_hands_is_put_back(tmp_path: Path, make: Make) -> None:
    owner = forge(tmp_path, b"the next run")
    assert not make()._move_away(b"the last run")
    assert owner.read_bytes() == b"the next run" and names(tmp_path) == ["lock"]
    assert make()._move_away(b"the next run") and names(tmp_path) == []
    assert make()._move_away(b"the next run")  # it is gone


@pytest.mark.parametrize(("age", "left"), [(0, True), (50, True), (70, False), (-70, False)])
def test_leftovers_of_killed_runs_are_removed(tmp_path: Path, make: Make, age: float, left: bool) -> None:
    for name in (TEMPORARY + "file", TEMPORARY + "folder/part", "mine"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - age,) * 2)
    assert make().take()
    leftovers = [TEMPORARY + "file", TEMPORARY + "folder"] if left else []
    assert names(tmp_path) == [*leftovers, "lock", "mine"]


# ------------------------------------------------------------------------------------ publishing


def test_a_file_is_published_whole(tmp_path: Path, make: Make) -> None:
    lock = make()
    assert lock.take()
    for data in (b"one", b"two"):
        assert lock.publish(data, "status.json")
        assert (tmp_path / "status.json").read_bytes() == data
    assert names(tmp_path) == ["lock", "status.json"] and names(tmp_path / "lock") == ["owner"]


def test_nothing_is_published_without_the_lock(tmp_path: Path, make: Make) -> None:
    lock = make()
    assert not lock.publish(b"one", "status.json")
    forge(tmp_path, content(holder.new_token()))
    assert not lock.publish(b"one", "status.json")
    assert names(tmp_path) == ["lock"] and names(tmp_path / "lock") == ["owner"]


def test_a_file_that_cannot_be_replaced_leaves_no_part(tmp_path: Path, make: Make) -> None:
    lock = make()
    assert lock.take()
    (tmp_path / "status.json").mkdir()
    with pytest.raises(IsADirectoryError):
        lock.publish(b"one", "status.json")
    assert names(tmp_path / "lock") == ["owner"] and lock.is_held()
