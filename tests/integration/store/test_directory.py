"""A directory as the store: stopped runs, what others put into it, and where it may be."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.store.test_contract import ADDRESS, LAST, NAME, NEW, OLD, soon, take, write
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store import Field, LeaseLost, Store, Update, open_store
from watchman_cli.store.directory.files import file_name
from watchman_cli.store.directory.lock import DirectoryLock
from watchman_cli.store.directory.store import DirectoryStore
from watchman_cli.store.values import MAX_VALUE

# A run that has the lease, and writes an older snapshot when it is asked to.
RUN = """
import sys, time
from watchman_cli.store import Field, LeaseLost, Update, open_store
url, name, seconds, address = sys.argv[1:]
lease = open_store(url).lease(name, time.monotonic() + float(seconds), address)
print("held", flush=True)
sys.stdin.readline()
try:
    lease.commit(Update(b"old", snapshot=sys.stdin.readline().strip().encode()))
    print("written")
except LeaseLost:
    print("lost")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return open_store(f"file://{root}")


@contextmanager
def another_run(store: Store, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", RUN, store.url, NAME, str(seconds), ADDRESS]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def go_on(process: subprocess.Popen[bytes]) -> bytes:
    """Have a run that was stopped write its snapshot; return what became of that."""
    process.send_signal(signal.SIGCONT)
    return process.communicate(b"\n" + OLD + b"\n")[0]


def make_older(root: Path, seconds: float) -> None:
    """Let the locks be as old as if so many seconds had passed."""
    for owner in root.rglob("lock/owner"):
        then = owner.stat().st_mtime - seconds
        os.utime(owner, (then, then))


def test_a_stopped_run_holds_its_lock_until_its_deadline(root: Path, store: Store) -> None:
    with another_run(store, 100) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        assert store.lease(NAME, soon()) is None
        make_older(root, 100)  # and the seconds of grace are left
        assert store.lease(NAME, soon()) is None
        make_older(root, 10)
        with take(store, address=ADDRESS) as lease:
            assert len(lease.warnings) == 2  # of the server, and of its address
            assert f"took over the lock of {NAME} from PID {stopped.pid} on " in lease.warnings[0]
            lease.commit(Update(b"1", snapshot=NEW))
        assert go_on(stopped) == b"lost\n"
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (NEW, b"1")
    assert sorted(path.name for path in (root / NAME).iterdir()) == ["health.json", "status.json"]


def test_a_stopped_run_goes_on_while_another_has_its_lock(root: Path, store: Store) -> None:
    with another_run(store, 1) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        make_older(root, 1000)
        with take(store) as lease:
            assert go_on(stopped) == b"lost\n"
            lease.commit(Update(b"1", snapshot=NEW))
    assert store.value(NAME, "status") == NEW


def test_a_stopped_run_that_nobody_took_over_from_writes(store: Store) -> None:
    with another_run(store, 0) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        assert go_on(stopped) == b"written\n"
    assert store.value(NAME, "status") == OLD


def test_a_run_is_stopped_between_writing_and_publishing(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another has written since: the rename itself finds that its lock is gone."""
    from watchman_cli.store.directory.lock import DirectoryLock

    earlier = take(store)
    is_held, later = DirectoryLock.is_held, open_store(store.url)
    looked = []

    def is_held_then_stopped(lock: DirectoryLock) -> bool:
        held = is_held(lock)
        looked.append(held)
        if len(looked) == 2:  # the last look before the rename
            monkeypatch.setattr(DirectoryLock, "is_held", is_held)
            make_older(root, 1000)
            write(later, NEW, b"later")
        return held

    monkeypatch.setattr(DirectoryLock, "is_held", is_held_then_stopped)
    with pytest.raises(LeaseLost):
        earlier.commit(Update(b"earlier", snapshot=OLD))
    assert looked == [True, True]
    earlier.release()
    assert (store.value(NAME, "status"), store.value(NAME, "health")) == (NEW, b"later")
    assert sorted(path.name for path in (root / NAME).iterdir()) == ["health.json", "status.json"]


def test_the_clock_was_set_back(root: Path, store: Store) -> None:
    """A lock of the future is not waited for until then."""
    with another_run(store, 10) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        make_older(root, -3600)
        take(store).release()


@pytest.mark.parametrize("kind", ["file", "empty", "without owner", "no text", "link"])
def test_a_lock_that_is_not_watchmans(root: Path, store: Store, kind: str) -> None:
    write(store, OLD)
    lock = root / NAME / "lock"
    if kind == "file":
        lock.write_text("x")
    elif kind == "link":
        lock.symlink_to(root)
    else:
        lock.mkdir()
    if kind == "no text":
        (lock / "owner").write_bytes(b"\xff\0")
    if kind == "without owner":
        (lock / "part").write_bytes(b"x")
        os.utime(lock, (1, 1))
    write(store, NEW)
    assert store.value(NAME, "status") == NEW and root.is_dir()
    assert not lock.exists() and not lock.is_symlink()


@pytest.mark.parametrize("content", ["something\n100000\n", "", "a b c d e\nlong\n"])
def test_a_lock_that_names_no_process_is_not_another_run(root: Path, store: Store, content: str) -> None:
    lock = root / NAME / "lock"
    lock.mkdir(parents=True)
    (lock / "owner").write_text(content)
    write(store, OLD)


def test_a_lock_that_is_damaged_is_not_another_run(root: Path, store: Store) -> None:
    """It may still be written, by what is not watchman: the store is to blame, for some seconds."""
    lock = root / NAME / "lock"
    lock.mkdir(parents=True)
    (lock / "other").write_text("")
    with pytest.raises(StoreError, match="its lock is damaged"):
        store.lease(NAME, soon())


def test_a_lock_is_taken_away_between_writing_and_publishing(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other run has it: it is taken again, and the file published."""
    publish = DirectoryLock.publish
    taken_away = iter([True])

    def published(self: DirectoryLock, data: bytes, name: str) -> bool:
        if next(taken_away, False):
            (root / NAME / "lock").rename(root / NAME / "away")
        return publish(self, data, name)

    monkeypatch.setattr(DirectoryLock, "publish", published)
    write(store, OLD)
    assert store.value(NAME, "status") == OLD


def test_what_killed_runs_left_is_swept_up(root: Path, store: Store) -> None:
    write(store, OLD)
    left = root / NAME / ".watchman.0123456789abcdef"
    left.mkdir()
    (left / "owner").write_text("x")
    recent = left.with_name(".watchman.fedcba9876543210")
    recent.mkdir()
    os.utime(left, (1, 1))
    write(store, NEW)
    assert not left.exists() and recent.exists()


@pytest.mark.parametrize("field", MAX_VALUE)
def test_a_link_is_not_followed(root: Path, store: Store, tmp_path: Path, field: Field) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    write(store, OLD, b"1", b"s")
    path = root / NAME / file_name(field)
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(BadSnapshot, match="not a regular file"):
        store.value(NAME, field)
    write(store, NEW, b"2", b"t")
    assert victim.read_bytes() == b"precious" and not path.is_symlink()
    assert (store.value(NAME, "status"), store.value(NAME, "sync")) == (NEW, b"t")


def test_a_pipe_is_not_waited_for(root: Path, store: Store) -> None:
    write(store, OLD)
    (root / NAME / "status.json").unlink()
    os.mkfifo(root / NAME / "status.json")
    with pytest.raises(BadSnapshot, match="not a regular file"):
        store.value(NAME, "status")
    write(store, NEW)
    assert store.value(NAME, "status") == NEW


@pytest.mark.parametrize("link", ["o", "o/r"])
def test_a_directory_behind_a_link_is_refused(root: Path, store: Store, tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(elsewhere)
    with pytest.raises(StoreError):
        store.lease(NAME, soon())
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("path", [".", "o", "o/r"])
def test_a_directory_that_everybody_may_write_is_refused(root: Path, store: Store, path: str) -> None:
    write(store, OLD)
    (root / path).chmod(0o777)
    with pytest.raises(StoreError, match="it is world-writable; refusing to write"):
        store.lease(NAME, soon())
    with pytest.raises(StoreError, match="it is world-writable; refusing to write"):
        DirectoryStore(root).put(NAME, "sync", b"s")
    assert store.value(NAME, "status") == OLD  # which is for readers to judge
    (root / path).chmod(0o1777)  # as /tmp: nobody replaces what is another's
    write(store, NEW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a directory away")
@pytest.mark.parametrize("path", [".", "o", "o/r"])
def test_a_directory_of_somebody_else_is_refused(root: Path, store: Store, path: str) -> None:
    write(store, OLD)
    os.chown(root / path, 65534, 65534)
    with pytest.raises(StoreError, match="it belongs to user 65534; refusing to write"):
        store.lease(NAME, soon())
    assert store.value(NAME, "status") == OLD


def test_locks_do_not_outlive_an_error(root: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()  # or what other tests have left is closed meanwhile
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for path in (root / NAME, root / ".addresses"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("not a directory")
        with pytest.raises(StoreError):
            store.lease(NAME, soon(), ADDRESS)
        path.unlink()
        assert not list(root.rglob("lock"))
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208
    write(store, LAST)
