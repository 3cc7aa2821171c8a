"""A directory store reads and writes the recorded bytes of an earlier watchman."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.recorded import (
    ADDRESS,
    NAME,
    RECORDED,
    check_reading,
    directory_values,
    write_all,
)
from watchman_cli.store.directory.store import DirectoryStore

STORED = RECORDED["stores"]


def test_recorded_files_are_read(tmp_path: Path) -> None:
    for file, content in STORED["directory"].items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    check_reading(DirectoryStore(tmp_path))


def test_the_same_files_are_written(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    write_all(store)
    assert directory_values(tmp_path) == STORED["directory"]
    lease = store.lease(NAME, time.monotonic() + 60, ADDRESS)
    assert lease
    with lease:
        locks = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("lock"))
        assert locks == STORED["directory_locks"]
